"""Claims of the paper about a figure, and tests of the trained networks."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._files import without_nan
from ...plotting._files import Drawing

SIGNIFICANT = 0.01
"""Largest p of a significant effect."""


class Signature(NamedTuple):
    """Finding of the paper, tested in the trained networks.

    Attributes
    ----------
    claim : finding of the paper
    measured : result of the trained networks
    holds : True if they agree, in all networks unless `claim` or `measured` says otherwise
    values : JSON-compatible numbers, lists over networks in the order of their seeds; None where there is no number
    """

    claim: str
    measured: str
    holds: bool
    values: dict[str, Any]


class FigureResult(NamedTuple):
    """Reproduced figure of the paper.

    Attributes
    ----------
    signatures : findings that it should show
    drawings : name -> figure, the main one first
    captions : caption of each drawing, by the same names
    """

    signatures: list[Signature]
    drawings: dict[str, Drawing]
    captions: dict[str, str]


def signature(claim: str, measured: str, flags: Iterable[bool | np.bool_ | None], **values: Any) -> Signature:
    """Make a signature that holds if there are flags and all of them are true (None: not measurable)."""
    judged = [bool(flag) for flag in flags]
    return Signature(claim, measured, bool(judged) and all(judged), without_nan(values))


FOLLOWS = (
    "the fitted curve goes from under 1/4 to over 3/4, and no level lies below a lower one by more than their 95 % "
    "intervals"
)
"""Condition of `eicon.analysis.results.Psychometric.follows_evidence`, in words."""


def span(values: Sequence[float | None], form: str = "{:.2f}") -> str:
    """Describe the smallest and largest number over networks."""
    known = [float(value) for value in values if value is not None and np.isfinite(value)]
    if not known:
        return "not measurable"
    low, high = form.format(min(known)), form.format(max(known))
    return low if low == high else f"{low} to {high}"


def largest_p(values: Sequence[float | None]) -> str:
    """Describe the largest p."""
    known = [float(value) for value in values if value is not None and np.isfinite(value)]
    if not known:
        return "p not measurable"
    return (
        "p < 0.001" if max(known) < 0.001 else f"p up to {max(known):.2g}" if len(known) > 1 else f"p = {known[0]:.2g}"
    )


def networks(n: int) -> str:
    """Describe a number of networks."""
    return "1 network" if n == 1 else f"{n} networks"
