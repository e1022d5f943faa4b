"""Build the documentation of this version, beside those that are there, and check every link: python docs/build.py."""

import argparse
import html
import re
import shutil
import sys
from pathlib import Path

import check_links
from sphinx.cmd.build import main as sphinx

HERE = Path(__file__).resolve().parent
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


def order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Sort key of a version: numbers as numbers, and ``1.0.0rc1`` before ``1.0.0``."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    release = tuple(int(part) for part in numbers[0].split(".")) if numbers else ()
    rest = version[numbers.end() :] if numbers else version
    return release, not rest, rest


def write_versions(folder: Path) -> list[str]:
    """Write the page that leads to the newest version and lists all that were built here; newest first."""
    found = sorted((path.parent.name for path in folder.glob("*/index.html")), key=order, reverse=True)
    items = "\n".join(f'<li><a href="{html.escape(v)}/index.html">{html.escape(v)}</a></li>' for v in found)
    folder.joinpath("index.html").write_text(PAGE.format(newest=html.escape(found[0]), items=items), "utf-8")
    return found


def main() -> int:
    """Build, list the versions, check; 1 if Sphinx warns or a link is broken."""
    sys.path.insert(0, str(HERE.parent))
    from eicon import __version__

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "_build" / "html", help="[default: docs/_build/html]")
    parser.add_argument("--quick", action="store_true", help="Read only pages that have changed; may miss warnings.")
    parser.add_argument("--jobs", default="1", help="Processes; auto: one per core.")
    given = parser.parse_args()
    version, doctrees = given.out / __version__, given.out.parent / "doctrees"
    if not given.quick:
        for folder in (version, doctrees):
            shutil.rmtree(folder, ignore_errors=True)
    strict = ["-W", "--keep-going", "-n", "-q"]
    failed = sphinx([*strict, "-j", given.jobs, "-b", "html", "-d", str(doctrees), str(HERE), str(version)])
    if failed:
        return 1
    versions = write_versions(given.out)
    sys.stdout.write(f"Documentation: {given.out / 'index.html'} (versions: {', '.join(versions)})\n")
    return check_links.main(str(given.out))


if __name__ == "__main__":
    sys.exit(main())
