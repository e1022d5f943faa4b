"""Build the documentation of this version next to older ones, and check all links: python docs/build.py."""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from packaging.version import Version

HERE = Path(__file__).resolve().parent
STATE = "built_from.txt"
"""File in the folder of a version: date and commit, which the list of versions shows."""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>eicon: documentation</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em; color: #222; }}
a {{ color: #0077bb; }}
li {{ margin: 0.3em 0; }}
</style>
</head>
<body>
<h1>eicon</h1>
<p>Excitatory-inhibitory connectome networks: build, train and dissect rate networks, on BrainPy and JAX.</p>
<p><strong><a href="{newest}/index.html">Documentation of the newest version, {newest}</a></strong></p>
<h2>All versions</h2>
<ul>
{items}
</ul>
</body>
</html>
"""
# lychee does not distinguish resources that a browser loads (scripts, pictures, styles) from links to click.
LOADS = re.compile(
    r"""(<(?!a\b|area\b)[^>]*\s(?:\w+:)?(?:src|srcset|href|data|poster)=|\burl\(|@import)\s*["']?"""
    r"""((?:https?:)?//[^"')\s]+)"""
)


def write_versions(folder: Path) -> list[str]:
    """Write the page that leads to the newest version and lists all built versions, newest first."""
    found = sorted((path.parent.name for path in folder.glob("*/index.html")), key=Version, reverse=True)
    items = []
    for version in found:
        state = folder / version / STATE
        text = f" · {state.read_text('utf-8')}" if state.is_file() and state.stat().st_size else ""
        items.append(f'<li><a href="{version}/index.html">{version}</a>{text}</li>')
    folder.joinpath("index.html").write_text(PAGE.format(newest=found[0], items="\n".join(items)), "utf-8")
    return found


def loads(folder: Path) -> list[str]:
    """Return the resources that pages and style sheets load from other hosts, one line each."""
    return [
        f"{path.relative_to(folder).as_posix()}: loads {match[2]} from another host"
        for path in sorted(path for path in folder.rglob("*") if path.suffix in (".html", ".css"))
        for match in LOADS.finditer(path.read_text("utf-8"))
        if 'rel="canonical"' not in match[1]
    ]


def check_links(folder: Path, *, external: bool = False) -> tuple[list[str], list[str]]:
    """Return the broken links of all pages, one line each, and the links that are not checked.

    Sphinx's linkcheck looks only at other hosts: links from templates and from our own code would stay unchecked.
    """
    program = shutil.which("lychee", path=Path(sys.executable).parent) or "lychee"
    words = ["--include-fragments", "--extensions=html,css", "--no-progress", "--format=json", "-v"]
    words += [] if external else ["--offline"]
    done = subprocess.run([program, *words, str(folder)], capture_output=True, encoding="utf-8", check=False)
    if done.returncode not in (0, 2):  # 2: some links are broken
        raise RuntimeError(f"lychee cannot check {folder}: {done.stderr}")
    report = json.loads(done.stdout)
    wrong = {**report["error_map"], **report["timeout_map"]}
    broken = [f"{file}: {link['url']}: {link['status']['text']}" for file, links in wrong.items() for link in links]
    skipped = {link["url"] for links in report["excluded_map"].values() for link in links}
    return broken, sorted(url for url in skipped if url.startswith("http"))


def main() -> int:
    """Build, list the versions, check; 1 if Sphinx warns or a link is broken."""
    import conf
    from sphinx.cmd.build import main as sphinx

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "_build" / "html", help="[default: docs/_build/html]")
    parser.add_argument("--quick", action="store_true", help="Read only pages that have changed; may miss warnings.")
    parser.add_argument("--jobs", default="1", help="Processes; auto: one per core.")
    parser.add_argument("--external", action="store_true", help="Check links to other hosts, too.")
    given = parser.parse_args()
    out = given.out.resolve()
    version, doctrees, outside = out / conf.version, out.parent / "doctrees", out.parent / "external_links.txt"
    if not given.quick:
        for folder in (version, doctrees):
            shutil.rmtree(folder, ignore_errors=True)
    strict = ["-W", "--keep-going", "-n", "-q"]
    failed = sphinx([*strict, "-j", given.jobs, "-b", "html", "-d", str(doctrees), str(HERE), str(version)])
    if failed:
        return 1
    version.joinpath(STATE).write_text(conf.built_from, "utf-8")
    versions = write_versions(out)
    sys.stdout.write(f"Documentation: {out / 'index.html'} (versions: {', '.join(versions)})\n")
    broken, unchecked = check_links(out, external=given.external)
    wrong = [*loads(out), *broken]
    sys.stderr.writelines(f"{line}\n" for line in wrong)
    sys.stdout.write(f"{len(wrong)} broken links or resources from other hosts\n")
    outside.write_text("".join(f"{url}\n" for url in unchecked), "utf-8")
    if unchecked:
        sys.stdout.write(f"{len(unchecked)} links to other hosts are not checked (--external does): {outside}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
