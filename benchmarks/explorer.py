"""Pages of `eicon explore` at full size: their file size, and the time until a browser has drawn them.

    python -m benchmarks.explorer

It needs playwright, and the system's Chromium. Networks are not trained: size and time do not depend on training,
except that the noise of trained networks may compress better or worse.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from eicon.models import save
from eicon.pages._explore import explore_run
from eicon.runs import create_run, parse_recipe


class Sizes(NamedTuple):
    """Sizes and numbers of repetitions."""

    n: int = 200
    repeats: int = 20
    openings: int = 5
    redraws: int = 20
    """Number of units that are selected, one after the other, in each opening."""


CASES = (("PerceptualDecision", "relu"), ("ParametricMemory", "tanh"))
"""Cases with ten conditions each; 60 steps with many silent units, and 245 steps in which all units are noisy."""
REDRAW = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  const start = performance.now();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
  await frame();
  await frame();
  return performance.now() - start;
}"""


def write_page(task: str, activation: str, folder: Path, sizes: Sizes) -> tuple[Path, str]:
    """Write the page of an untrained network, and return its path and a summary of its contents."""
    network = f'n_rec = {sizes.n}\nspectral_radius = 1.5\nactivation = "{activation}"\n'
    text = f'seed = 0\n[task]\nname = "{task}"\n[network]\n{network}'
    run = create_run(folder / task, parse_recipe(text))
    save(run.recipe.make_network(run.recipe.make_task()), run.network)
    start = time.perf_counter()
    written = explore_run(run, repeats=sizes.repeats, progress=False)
    took = time.perf_counter() - start
    words = (
        f"{written.n_units} units, {written.n_trials} trials ({written.n_trials_kept} kept one by one), "
        f"{len(written.levels)} levels: {written.size / 1e6:.1f} MB, written in {took:.0f} s"
    )
    return Path(written.path), words


def opening_times(browser: Browser, path: Path, sizes: Sizes) -> tuple[list[float], list[float]]:
    """Milliseconds from the start of navigation until all is drawn, and from a key to the second frame after it."""
    openings, redraws = [], []
    for _ in range(sizes.openings):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        openings.append(float(page.get_attribute("html", "data-ready") or "nan"))
        redraws += [page.evaluate(REDRAW) for _ in range(sizes.redraws)]
        page.close()
    return openings, redraws


def main(argv: list[str] | None = None) -> int:
    """Print a line or two for each task."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explorer", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small network of one task, opened once")
    quick = parser.parse_args(argv).quick
    sizes, cases = (Sizes(10, 2, 1, 2), CASES[:1]) if quick else (Sizes(), CASES)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("there is no chromium or google-chrome to open the pages in.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        print(f"Chromium {browser.version}, headless, without GPU")
        for task, activation in cases:
            path, words = write_page(task, activation, Path(folder), sizes)
            openings, redraws = opening_times(browser, path, sizes)
            print(f"{task}, {activation}: {words}")
            print(
                f"  drawn {statistics.median(openings):.0f} ms after opening (median of {sizes.openings}, "
                f"{min(openings):.0f} to {max(openings):.0f}); next unit {statistics.median(redraws):.0f} ms "
                f"after the key (median of {len(redraws)}, at most {max(redraws):.0f}; two frames at least)"
            )
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
