"""Tables on real wiring and known structure, and claims compared with intervals over seeds."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from ._circuits import CIRCUITS
from ._claims import RECOVERED, Claim, Line, Requirement, cell, geometric, interval, judged, last, text
from ._draw_known import FITS, SHOWN, recovered_at
from ._draw_wiring import CONNECTOME, REWIRED, error_curves, error_of
from ._known import N_STEPS, NOISE, WINDOWS
from ._wiring import RECORDED

LOST = 0.05
"""Loss of R2 due to measurement noise above which a fit counts as biased."""
NOISY = {measured: NOISE.index((0.05, measured)) for measured in (0.1, 0.2)}
"""Index in `NOISE` of each measurement noise, and of its control `QUIET`."""
QUIET = NOISE.index((0.05, 0.0))
SIDES: dict[str, Literal["below", "above"]] = {CONNECTOME: "below", REWIRED: "above"}
BIASED = {
    "Fits of whole rollouts are not biased by noisy regressors.": N_STEPS,
    "Fits of single steps are biased by noisy regressors.": 1,
}
"""Claims, and the window of each."""
MORE = {"bias": "bias", "product_slope": f"slope of {SHOWN['product']}", "tau_slope": "slope of time constant"}


def circuit_page(lines: Sequence[Line]) -> str:
    """Return tables and claims of figures 5 and 6 in Markdown, for docs/results; "" without results."""
    parts = {
        "Error of unrecorded neurons, real wiring": wiring_table(lines),
        "R² of recovered numbers, known structure": known_table(lines),
        "Claims on real wiring and known structure": text(circuit_claims(lines)),
    }
    return "\n".join(f"### {title}\n\n{body}" for title, body in parts.items() if body.count("\n") > 2)


def circuit_claims(lines: Sequence[Line]) -> list[Claim]:
    """Return the status of the claims of figures 5 and 6, without figures that have no results."""
    found = []
    if _of_wiring(lines):
        conditions = []
        for name in CIRCUITS:
            most = RECORDED[name][-1]
            numbers, curves = error_curves(lines, name, "unrecorded")
            for kind, side in SIDES.items():
                values = curves[kind][:, numbers == most].ravel() if kind in curves else np.empty(0)
                conditions.append(
                    Requirement(f"{name}, {kind}, M = {most}", geometric(_known(values)), side, RECOVERED)
                )
        words = "On real wiring, unrecorded neurons are predicted by the connectome, and not by rewired ones."
        found.append(judged(words, *conditions))
    if any("window" in line["settings"] for line in lines):
        each = list(itertools.product(CIRCUITS, ("product", "tau"), NOISY))
        for words, window in BIASED.items():
            found.append(judged(words, *(lost_to_noise(lines, window, *one) for one in each)))
    return found


def lost_to_noise(lines: Sequence[Line], window: int, circuit: str, what: str, measured: float) -> Requirement:
    """Require that the loss of R2 due to measurement noise is small for whole rollouts and larger for single steps."""
    values = recovered_at(lines, circuit, window, what)
    lost = interval(_known(values[:, QUIET] - values[:, NOISY[measured]]))
    words = f"{circuit}, R² of {SHOWN[what]} lost to noise of {measured:g}"
    return Requirement(words, lost, "below" if window == N_STEPS else "above", LOST)


def wiring_table(lines: Sequence[Line]) -> str:
    """Return a table of errors of groups of neurons in held-out trials, by circuit, wiring and M."""
    groups: dict[tuple[str, bool, int], list[Line]] = {}
    for line in _of_wiring(lines):
        part = line["settings"]
        groups.setdefault((part["circuit"], part["null"], part["recorded"]), []).append(line)
    names = ("unrecorded, before the fit", "unrecorded", "recorded", "neurons without targets", "R² of gains")
    rows = [f"| circuit | wiring | M | {' | '.join(names)} | seeds |", "|---" * (len(names) + 4) + "|"]
    for (circuit, null, m), group in sorted(groups.items(), key=lambda item: item[0]):
        errors = [[error_of(line["measures"]["by_step"]["0"], "unrecorded") for line in group]]
        errors += [[error_of(last(line), of) for line in group] for of in ("unrecorded", "recorded", "others")]
        gains = interval(_known([last(line)["gain_r2"] for line in group]))
        cells = " | ".join(cell(found) for found in (*(geometric(_known(one)) for one in errors), gains))
        rows.append(f"| {circuit} | {REWIRED if null else CONNECTOME} | {m} | {cells} | {len(group)} |")
    return "\n".join(rows) + "\n"


def known_table(lines: Sequence[Line]) -> str:
    """Return a table of R2 of recovered parameters, by circuit, noise and length of windows."""
    columns = SHOWN | MORE
    rows = [f"| circuit | process, measurement | fit | {' | '.join(columns.values())} | seeds |"]
    rows.append("|---" * (4 + len(columns)) + "|")
    for circuit in CIRCUITS:
        for place, noise in enumerate(NOISE):
            for window in WINDOWS:
                found = [_known(recovered_at(lines, circuit, window, what)[:, place]) for what in columns]
                if found[0].size:
                    cells = " | ".join(cell(interval(values)) for values in found)
                    rows.append(
                        f"| {circuit} | {noise[0]:g}, {noise[1]:g} | {FITS[window]} | {cells} | {found[0].size} |"
                    )
    return "\n".join(rows) + "\n"


def _of_wiring(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of students on a circuit."""
    return [line for line in lines if {"circuit", "recorded"} <= line["settings"].keys()]


def _known(values: Iterable[float | None]) -> np.ndarray:
    """Return the finite values, without None and NaN."""
    array = np.array(list(values), float)
    return array[np.isfinite(array)]
