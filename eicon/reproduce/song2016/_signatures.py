"""What the paper says about a figure, and whether the trained networks agree."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._files import without_nan
from ...plotting._files import Drawing

SIGNIFICANT = 0.01
"""Largest p of an effect that is said to be there."""


class Signature(NamedTuple):
    """A finding of the paper, looked for in the trained networks.

    Attributes
    ----------
    claim : what the paper says
    measured : what was found here
    holds : whether that agrees, in all networks unless `claim` or `measured` says otherwise
    values : JSON-compatible numbers, lists over networks in the order of their seeds; None where there is no number
    """

    claim: str
    measured: str
    holds: bool
    values: dict[str, Any]


class FigureResult(NamedTuple):
    """A figure of the paper, made again.

    Attributes
    ----------
    signatures : what it is to show
    drawings : name -> figure, the main one first
    captions : of each drawing, by the same names
    """

    signatures: list[Signature]
    drawings: dict[str, Drawing]
    captions: dict[str, str]


def signature(claim: str, measured: str, flags: Iterable[bool | np.bool_ | None], **values: Any) -> Signature:
    """Signature that holds if there are flags and all of them are true (None: could not be measured)."""
    judged = [bool(flag) for flag in flags]
    return Signature(claim, measured, bool(judged) and all(judged), without_nan(values))


FOLLOWS = (
    "the fitted curve goes from under 1/4 to over 3/4, and no level lies below a lower one by more than their 95 % "
    "intervals"
)
"""What `eicon.analysis.results.Psychometric.follows_evidence` asks, in words."""


def span(values: Sequence[float | None], form: str = "{:.2f}") -> str:
    """Smallest and largest number in words, over networks."""
    known = [float(value) for value in values if value is not None and np.isfinite(value)]
    if not known:
        return "not measurable"
    low, high = form.format(min(known)), form.format(max(known))
    return low if low == high else f"{low} to {high}"


def largest_p(values: Sequence[float | None]) -> str:
    """Largest p in words."""
    known = [float(value) for value in values if value is not None and np.isfinite(value)]
    if not known:
        return "p not measurable"
    return (
        "p < 0.001" if max(known) < 0.001 else f"p up to {max(known):.2g}" if len(known) > 1 else f"p = {known[0]:.2g}"
    )


def networks(n: int) -> str:
    """So many networks, in words."""
    return "1 network" if n == 1 else f"{n} networks"
