"""Known mistakes 9, 13 and 16 in the files that bio2art ships: orientation, unknown densities, pickled names.

Commands:

    python bio2art_files.py FOLDER    # bio2art/connectomes in a clone of AlGoulas/bio2art
"""

# ruff: noqa: T201

import pickletools
import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Print one line for each mistake."""
    for name in ("Macaque_Normalized", "Marmoset_Normalized", "Mouse_Gamanut_Normalized"):
        weights = np.load(folder / f"C_{name}.npy")
        sums = weights.sum(axis=0).max(), weights.sum(axis=1).max()
        print(f"9: {name}: largest sum of a column {sums[0]:.2f}, of a row {sums[1]:.2f}; fractions of inputs")
    for path in sorted(folder.glob("ND_*.npy")):
        density = np.load(path)
        with np.errstate(invalid="ignore"):
            integers = density.astype("int64")
        unknown = np.isnan(density)
        print(
            f"13: {path.name}: {unknown.sum()} unknown of {len(density)}; as integers {set(integers[unknown].tolist())}"
        )
    for path in sorted(folder.glob("Names_*.lst"))[:1]:
        codes = [code.name for code, _, _ in pickletools.genops(path.read_bytes())]
        print(f"16: {path.name} is a pickle: {codes[0]} ... {codes[-1]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
