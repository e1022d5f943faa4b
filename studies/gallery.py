"""Every figure that eicon can draw, with the call or the command that draws it: docs/gallery.md and its pictures.

    python -m studies.gallery [--accept]

Functions draw the arrays of tests/plotting/test_plotting.py, commands draw small networks that are trained here. All
figures are drawn twice, for a notebook and for print, in results/gallery; changes.png there shows changed pictures
next to those of the last release (docs/images/gallery). ``--accept`` replaces the old pictures and writes the page:
changing a figure is a decision.

Budget: 10 minutes on two cores.
"""

import argparse
import contextlib
import importlib.util
import inspect
import io
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
STYLES = ("notebook", "paper")
WIDTH = 480
"""Pixels of a picture on the page."""
COLOURS = 48
PER_MM = 3.0
"""Pixels of the sheets in print."""
SHEET = 24
"""Figures on one sheet."""
CHANGED = 0.02
"""Mean difference in lightness (0 to 1) beyond which a figure has changed; a line moved by its width makes less."""

RECIPE = """
format = 2
seed = {seed}
task = {{ {task} }}
network = {{ kind = "{kind}", n_rec = 40, sigma_rec = {noise}, spectral_radius = 1.5 }}
trials = {{ batch_size = 32 }}
learner = {{ learning_rate = {rate} }}
training = {{ steps = {steps}, snapshots = true, checkpoint_every = 100 }}
"""
SWEEP = """
format = 2
connectome = { name = "larva_left", neurons = 1 }
network = { kind = "connectome" }
task = { name = "SequenceMemory", pattern_length = 3 }
trials = { kind = "fixed", n = 100, batch_size = 20 }
training = { epochs = 12 }

[grid]
"connectome.null" = ["none", "rewire"]
"learner.learning_rate" = [0.01, 0.001]
seed = [0, 1, 2, 3]
"""
TASKS = {
    "decision": 'name = "PerceptualDecision"',
    "other": 'name = "PerceptualDecision"',
    "timed": 'name = "ReactionTimeDecision"',
    "memory": 'name = "DelayedResponse", n_directions = 8, delay = { min = 200.0, max = 600.0 }',
    "frequencies": 'name = "ParametricMemory", delay = { min = 500.0, max = 1500.0 }',
    "timing": 'name = "CueSetGo"',
    "wave": 'name = "SineWave"',
}
SETTINGS = {
    "memory": ("dale", 1500, 0.005, 0.05),
    "timing": ("dale", 500, 0.01, 0.0),
    "wave": ("free", 600, 0.003, 0.0),
}
"""Kind, steps, learning rate and noise of networks whose settings differ from the others."""


class Command(NamedTuple):
    """A command of the gallery.

    Attributes
    ----------
    name : str
        Prefix of its pictures, before the name of each figure.
    shown : str
        Command as written on the page.
    words : str
        Command as called here; names in braces are folders of this study.
    figures : str
        Folder that it writes to.
    title : str
    """

    name: str
    shown: str
    words: str
    figures: str
    title: str


COMMANDS = (
    Command(
        "analyze",
        "eicon analyze results/first --fixed-points --lyapunov --spectra",
        "analyze {decision} --fixed-points --lyapunov --spectra --candidates 64",
        "{decision}/figures",
        "A decision, and its dynamics",
    ),
    Command(
        "timed", "eicon analyze results/first", "analyze {timed}", "{timed}/figures", "A decision with reaction times"
    ),
    Command("memory", "eicon analyze results/first", "analyze {memory}", "{memory}/figures", "Memory of a direction"),
    Command(
        "frequencies",
        "eicon analyze results/first",
        "analyze {frequencies}",
        "{frequencies}/figures",
        "Comparison of two frequencies",
    ),
    Command("timing", "eicon analyze results/first", "analyze {timing}", "{timing}/figures", "Timing"),
    Command("wave", "eicon analyze results/first", "analyze {wave}", "{wave}/figures", "A task without choices"),
    Command("plot", "eicon plot results/bio", "plot {sweep} --out {out}/sweep", "{out}/sweep", "A sweep"),
    Command(
        "perturb",
        "eicon perturb results/first --silence I --dose 0,0.25,0.5,0.75,1",
        "perturb {decision} --silence I --dose 0,0.25,0.5,0.75,1 --out {out}/doses",
        "{out}/doses",
        "A perturbation",
    ),
    Command(
        "condense",
        "eicon condense results/first --to 40",
        "condense {timing} --to 20 --every 10 --retrain 60 --out {out}/condensed",
        "{out}/condensed/figures",
        "A condensation",
    ),
    Command(
        "compare",
        "eicon compare results/first results/second",
        "compare {decision} {other} --out {out}/compared",
        "{out}/compared",
        "Two networks",
    ),
    Command(
        "show",
        "eicon connectomes show celegans",
        "connectomes show celegans --out {out}/shown/celegans.png",
        "{out}/shown",
        "A connectome",
    ),
)


class Picture(NamedTuple):
    """A figure in both styles, and the call or command that draws it; those of a group have a heading."""

    name: str
    group: str
    made_by: str
    files: dict[str, Path]


def table_of_tests() -> Any:
    """Import the functions and arrays of tests/plotting/test_plotting.py."""
    path = ROOT / "tests" / "plotting" / "test_plotting.py"
    spec = importlib.util.spec_from_file_location("table_of_figures", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def calls() -> dict[str, str]:
    """Return the name and call of every public function that draws a figure, with its required arguments."""
    from eicon import plotting

    found: dict[str, str] = {}
    files = [value for name in dir(plotting) if inspect.ismodule(value := getattr(plotting, name))]
    for room in (plotting, *files):
        for name in dir(room):
            if name.startswith("plot_"):
                parameters = inspect.signature(getattr(room, name)).parameters.values()
                needed = ", ".join(p.name for p in parameters if p.default is p.empty and p.kind != p.VAR_KEYWORD)
                found.setdefault(name.removeprefix("plot_"), f"{room.__name__}.{name}({needed})")
    return found


def draw_functions(out: Path, wanted: Sequence[str] | None = None) -> list[Picture]:
    """Draw the figures of functions, or those `wanted`, in all styles."""
    from eicon import plotting

    table, calling = table_of_tests(), calls()
    draws: dict[str, Callable[[], Any]] = {name: partial(of, None) for name, of in table.ONE_AXES.items()}
    draws |= table.FIGURES
    pictures = []
    for name in sorted(set(draws) & set(calling) if wanted is None else wanted):
        files = {}
        for style in STYLES:
            with plotting.style(style):  # type: ignore[arg-type]  # one of STYLES
                drawn = draws[name]()
                drawn = drawn[0] if isinstance(drawn, list | tuple) else drawn
                (files[style],) = plotting.save_figures(out / style, {name: drawn})
        pictures.append(Picture(name, "Functions", calling[name], files))
    return pictures


def train_networks(out: Path, commands: Sequence[Command]) -> dict[str, str]:
    """Train the networks that the commands need, except existing ones, and return the folders of `Command.words`."""
    from eicon import runs

    words = " ".join(command.words for command in commands)
    folders = {"out": out} | {name: out / "runs" / name for name in (*TASKS, "sweep")}
    for seed, (name, task) in enumerate(TASKS.items()):
        if f"{{{name}}}" not in words or (folders[name] / "network.npz").is_file():
            continue
        shutil.rmtree(folders[name], ignore_errors=True)
        kind, steps, rate, noise = SETTINGS.get(name, ("dale", 500, 0.01, 0.15))
        recipe = RECIPE.format(seed=seed, task=task, kind=kind, steps=steps, rate=rate, noise=noise)
        runs.train_run(runs.create_run(folders[name], runs.parse_recipe(recipe)), progress=False)
        print(f"trained {name}", flush=True)
    if "{sweep}" in words and not folders["sweep"].is_dir():
        runs.run_sweep(runs.create_sweep(folders["sweep"], runs.parse_recipe(SWEEP)), workers=0, progress=False)
    return {name: str(folder) for name, folder in folders.items()}


def draw_commands(out: Path, folders: Mapping[str, str], commands: Sequence[Command] = COMMANDS) -> list[Picture]:
    """Run the commands in all styles; a figure belongs to the first command that draws it."""
    pictures: dict[str, Picture] = {}
    for command in commands:
        where = Path(command.figures.format(**folders))
        for style in STYLES:
            for old in where.glob("*.png"):
                old.unlink()
            _call(*command.words.format(**folders).split(), "--style", style)
            for path in sorted(where.glob("*.png")):
                name = f"{command.name}_{path.stem}"
                new = out / style / f"{name}.png"
                new.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, new)
                picture = pictures.setdefault(name, Picture(name, command.title, command.shown, {}))
                picture.files[style] = new
        print(f"drawn: {command.shown} ({command.title})", flush=True)
    return list(pictures.values())


def _call(*words: str) -> None:
    from eicon.cli import main

    with contextlib.redirect_stdout(io.StringIO()):
        main([*words, "--quiet"], standalone_mode=False)


def small(path: Path, *, width: int = WIDTH) -> Image.Image:
    """Return the picture for the page."""
    with Image.open(path) as picture:
        rgb = picture.convert("RGB")
    height = max(1, round(rgb.height * width / rgb.width))
    return rgb.resize((width, height), Image.Resampling.LANCZOS).quantize(COLOURS, dither=Image.Dither.NONE)


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference in lightness of two reduced pictures, 0 to 1."""
    if abs(one.height / one.width - other.height / other.width) > 0.02:
        return 1.0
    size = (160, max(1, round(160 * one.height / one.width)))
    a, b = (np.asarray(p.convert("L").resize(size, Image.Resampling.BOX), np.float64) / 255 for p in (one, other))
    return float(np.abs(a - b).mean())


def changes(before: Path, after: Path) -> dict[str, str]:
    """Find figures that are new, gone or different between two folders of pictures."""
    old, new = ({path.stem: path for path in folder.glob("[!_]*.png")} for folder in (before, after))
    found = dict.fromkeys(sorted(new.keys() - old.keys()), "new")
    found |= dict.fromkeys(sorted(old.keys() - new.keys()), "gone")
    for name in sorted(old.keys() & new.keys()):
        with Image.open(old[name]) as one, Image.open(new[name]) as other:
            if (much := difference(one, other)) > CHANGED:
                found[name] = f"differs by {much:.3f}"
    return found


def beside(before: Path, after: Path, names: Sequence[str]) -> Image.Image | None:
    """Join old pictures (left) and new ones (right) into one."""
    rows: list[tuple[str, list[Image.Image | None]]] = []
    for name in names:
        pair = [_opened(folder / f"{name}.png") for folder in (before, after)]
        rows.append((name, pair))
    if not rows:
        return None
    heights = [24 + max(one.height for one in pair if one is not None) for _, pair in rows]
    sheet = Image.new("RGB", (2 * WIDTH + 30, sum(heights)), "white")
    top = 0
    for (name, pair), height in zip(rows, heights, strict=True):
        ImageDraw.Draw(sheet).text((6, top + 6), name, fill="black")
        for column, one in enumerate(pair):
            if one is not None:
                sheet.paste(one, (10 + column * (WIDTH + 10), top + 22))
        top += height
    return sheet


def _opened(path: Path) -> Image.Image | None:
    if not path.is_file():
        return None
    with Image.open(path) as picture:
        return picture.convert("RGB")


def sheets(pictures: Sequence[Picture]) -> Iterator[Image.Image]:
    """Contact sheets of the figures in print, at one scale: in colour, and each of them in grey."""
    for first in range(0, len(pictures), SHEET):
        shown = []
        for picture in pictures[first : first + SHEET]:
            with Image.open(picture.files["paper"]) as one:
                mm = one.width / one.info.get("dpi", (300.0, 300.0))[0] * 25.4
                size = (round(mm * PER_MM), round(mm * PER_MM * one.height / one.width))
                shown.append((picture.name, one.convert("RGB").resize(size, Image.Resampling.LANCZOS)))
        yield _packed(shown)


def _packed(shown: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures in rows of 370 mm, with their names."""
    wide = round(370 * PER_MM)
    places, left, top, high = [], 0, 0, 0
    for _, one in sorted(shown, key=lambda item: item[1].width):
        if left + one.width > wide:
            left, top, high = 0, top + high, 0
        places.append((left, top))
        left, high = left + one.width + 12, max(high, one.height + 24)
    sheet = Image.new("RGB", (wide, top + high), "white")
    for (name, one), (x, y) in zip(sorted(shown, key=lambda item: item[1].width), places, strict=True):
        ImageDraw.Draw(sheet).text((x + 4, y + 2), name, fill="black")
        sheet.paste(one, (x, y + 16))
    return sheet


def page(pictures: Sequence[Picture], n_sheets: int) -> str:
    """Text of docs/gallery.md."""
    lines = [
        "# Gallery",
        "",
        f"All {len(pictures)} figures that eicon draws, each with the function or command that draws it. Commands save "
        "figures as PNG, PDF or SVG (`--format`) and their numbers as `NAME.csv`; with `--style paper`, figures are "
        "85, 114 or 180 mm wide for print. Here, functions draw arrays from the tests, and commands draw small "
        "networks trained for this page. `python -m studies.gallery` redraws everything and shows the changes; with "
        "`--accept` it writes this page. The figures of reproduced papers are on "
        "[their own page](results/song2016.md).",
        "",
    ]
    for group in dict.fromkeys(picture.group for picture in pictures):
        members = [picture for picture in pictures if picture.group == group]
        lines += [f"## {group}", ""]
        if group != "Functions":
            lines += [f"`{members[0].made_by}`", ""]
        for picture in members:
            said = f"`{picture.made_by}`" if group == "Functions" else f"{picture.name.partition('_')[2]}"
            lines += [f"![{picture.name}](images/gallery/{picture.name}.png)", "", said, ""]
    lines += ["## Animations", "", "`python -m studies.circuits`", ""]
    for name in ("neuron", "two_neurons", "respiration", "ring"):
        lines += [f"![{name}](images/circuit_{name}.gif)", ""]
    lines += [
        "## In print",
        "",
        'The same figures drawn with `eicon.plotting.style("paper")`, at one scale, in colour and in grey.',
        "",
    ]
    for number in range(1, n_sheets + 1):
        for kind in ("print", "grey"):
            lines += [f"![Sheet {number}, {kind}](images/gallery/_{kind}_{number}.png)", ""]
    return "\n".join(lines)


def write_pictures(folder: Path, pictures: Sequence[Picture]) -> int:
    """Write small pictures and sheets into a folder, and return how many sheets there are."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for picture in pictures:
        small(picture.files["notebook"]).save(folder / f"{picture.name}.png", optimize=True)
    number = 0
    for number, sheet in enumerate(sheets(pictures), start=1):
        sheet.quantize(256, dither=Image.Dither.NONE).save(folder / f"_print_{number}.png", optimize=True)
        sheet.convert("L").quantize(16, dither=Image.Dither.NONE).save(folder / f"_grey_{number}.png", optimize=True)
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Draw everything and report what changed."""
    parser = argparse.ArgumentParser(prog="python -m studies.gallery", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few figures, only into --out")
    parser.add_argument("--out", type=Path, default=Path("results/gallery"), help="default: results/gallery")
    parser.add_argument("--accept", action="store_true", help="the new pictures replace those in docs/")
    options = parser.parse_args(argv)
    import matplotlib as mpl

    mpl.use("Agg")
    docs = options.out / "docs" if options.quick else ROOT / "docs"
    pictures = draw_functions(options.out, ["activity", "loss"] if options.quick else None)
    commands = COMMANDS[-1:] if options.quick else COMMANDS
    pictures += draw_commands(options.out, train_networks(options.out, commands), commands)
    n_sheets = write_pictures(options.out / "small", pictures)
    committed = docs / "images" / "gallery"
    found = changes(committed, options.out / "small")
    for name, how in found.items():
        print(f"{name}: {how}")
    sheet = beside(committed, options.out / "small", list(found))
    if sheet is not None:
        sheet.save(options.out / "changes.png")
    print(f"{len(pictures)} figures, {len(found)} changed; before and after: {options.out / 'changes.png'}")
    if options.accept or options.quick:
        shutil.rmtree(committed, ignore_errors=True)
        shutil.copytree(options.out / "small", committed)
        (docs / "gallery.md").write_text(page(pictures, n_sheets), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
