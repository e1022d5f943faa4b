"""Derive the embedded connectomes from the packages that contain their sources.

Run ``python -m eicon.connectomes.data.derive --cect PATH --graspologic PATH`` with the folders of the two
packages (unpacked, not necessarily installed). It writes the npz files and the digest of each, which belongs
in the table `EMBEDDED` of ``eicon/connectomes/_catalogue.py`` and in LICENCES.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .._cect import read_cect
from .._connectome import Connectome
from .._packages import read_graspologic

VERSIONS = {"cect": "0.3.5", "graspologic": "3.4.4"}


def derive(cect: Path, graspologic: Path) -> dict[str, Connectome]:
    """Return the embedded connectomes by name."""
    worm = read_cect("Cook2019HermReader", cect)
    sources = {"celegans": (worm, "cect")}
    for side in ("left", "right"):
        sources[f"larva_{side}"] = (read_graspologic(graspologic, side=side), "graspologic")
    return {
        name: connectome._with(
            name=name,
            provenance=connectome.provenance.replace(package, f"{package} {VERSIONS[package]}", 1),
        )
        for name, (connectome, package) in sources.items()
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files next to this script, or to the folder given."""
    parser = argparse.ArgumentParser(description="Derive the connectomes bundled with eicon.")
    for package, version in VERSIONS.items():
        parser.add_argument(f"--{package}", type=Path, required=True, help=f"folder of {package} {version}")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    options = parser.parse_args(arguments)
    for name, connectome in derive(options.cect, options.graspologic).items():
        connectome.save(options.out / f"{name}.npz")
        sys.stdout.write(f"{name} {connectome.digest}\n{connectome!r}\n{connectome.provenance}\n")


if __name__ == "__main__":
    main()
