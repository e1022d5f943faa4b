"""Summary of the dynamics of a run, in words."""

from collections.abc import Mapping
from typing import Any


def dynamics_words(numbers: Mapping[str, Any]) -> list[str]:
    """Summarise the results of `run_dynamics`, one line for each.

    Parameters
    ----------
    numbers : mapping
        Contents of analysis.json.
    """
    lines = []
    if "fixed_points" in numbers:
        lines += _fixed_point_words(numbers["fixed_points"])
    if "lyapunov" in numbers:
        found = numbers["lyapunov"]
        for name, where in (
            ("autonomous", f"constant input as in {found['epoch']!r}"),
            ("driven", f"along {found['driven']['trials']} trials"),
        ):
            lines.append(f"Lyapunov exponent, {where}: {_exponent_words(found[name])}")
    if "spectra" in numbers:
        found = numbers["spectra"]
        largest, growing = found["largest_real_part_per_ms"], found["growing_directions"]
        lines.append(
            f"Jacobian along the mean trajectory: largest real part {largest['max']:+.3g} 1/ms, "
            f"up to {growing['max']} growing directions."
        )
        if "training" not in found:
            lines.append("Spectra across training need a run with snapshots = true in its configuration.")
    return lines


def _fixed_point_words(found: Mapping[str, Any]) -> list[str]:
    given = "".join(f", {name} = {value:g}" for name, value in found["conditions"].items())
    counts = ", ".join(f"{number} {name}" for name, number in found["counts"].items())
    lines = [f"Fixed points, constant input as in {found['epoch']!r}{given}: {counts}."]
    lost = found["not_converged"]
    if lost["candidates"]:
        lines.append(
            f"  {lost['candidates']} of {found['candidates']} searches did not converge "
            f"(q from {lost['q'][0]:.1e}) and are not counted."
        )
    if found["input_sd_within_epoch"] > 0 or found["input_sd_between_trials"] > 0:
        lines.append(
            f"  The input is not constant there: s.d. {found['input_sd_within_epoch']:.2g} within the epoch, "
            f"{found['input_sd_between_trials']:.2g} between trials; its median was used."
        )
    slow = found["slow_points"]
    if slow.get("shape", "points") != "points":
        lines.append(
            f"  {slow['hang_together']} of {slow['points']} slow points (q < {slow['q_below']:g}) are connected "
            f"and form a {slow['shape']}."
        )
    return lines


def _exponent_words(found: Mapping[str, Any]) -> str:
    value, error = found["exponents_per_ms"][0], found["standard_error_per_ms"][0]
    if value is None:
        return "-infinity: one step removes all differences."
    if error is None or abs(value) <= 2 * error:
        meaning = "not clearly different from 0"
    else:
        meaning = "nearby states diverge" if value > 0 else "nearby states converge"
    negligible = error is None or error <= 1e-6 * abs(value)
    shown = f"{value:+.3g}" + ("" if negligible else f" ± {error:.1g}")
    return f"{shown} 1/ms, {meaning}."
