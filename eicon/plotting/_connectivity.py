"""The weight matrix, sorted by selectivity or by a label of its units."""

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ._style import E_COLOR, I_COLOR, axes_or_new, font_size, foreground, house_style, line_width, weight_cmap

MOST_NAMES, FEW_NAMES = 40, 12
"""A block of less than 1/40 of all units has no room for a name, unless there are few blocks."""
LONGEST_ROW = 30


class Block(NamedTuple):
    """Units of one label, side by side."""

    name: str
    start: int
    end: int
    colour: str


@house_style
def plot_connectivity(
    W: ArrayLike,
    order: ArrayLike | None = None,
    excitatory: ArrayLike | None = None,
    *,
    order_by: Any = None,
    percentile: float | int = 98.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the effective weight matrix, rows = presynaptic, sorted by selectivity or by a label of the units.

    Parameters
    ----------
    W : (N, N) array
        Effective weights ``W[pre, post]``.
    order : (N,) array of int, optional
        Order of the units on both axes, such as `Selectivity.order`; None keeps the order, E before I.
    excitatory : (N,) bool array, optional
        True for E units, in the order of `W`. Adds boundary lines and E/I labels; `order` must then put all E
        units before all I units.
    order_by : (N,) array, or a sequence of such arrays, optional
        Labels by which units are sorted, e.g. ``net.units["area"]``, in order of first occurrence; with several,
        the second sorts within the first. Blocks have borders and names; with `excitatory`, E comes before I within
        each block, and the names of blocks of a single type have its colour. `order` sorts within blocks.
    percentile : float
        The colour scale ends, symmetrically, at this percentile of the non-zero ``|W|``, so that a few large
        weights do not wash out the others; 100 for the maximum.
    ax : Axes, optional
        Axes to draw into; None makes a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If `W` is not square, `order` is not a permutation, `excitatory` does not match or is interleaved by
        `order`, `order_by` does not have one label per unit, or `percentile` is outside (0, 100].
    """
    weights = np.asarray(W, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.size == 0:
        raise ValueError(f"`W` must be square (N, N), W[pre, post]; got shape {weights.shape}.")
    if not 0 < percentile <= 100:
        raise ValueError(f"`percentile` must be in (0, 100]; got {percentile}.")
    blocks: list[Block] = []
    if order_by is None:
        sorting, n_excitatory = sorted_units(order, excitatory, len(weights))
    else:
        sorting, blocks = _sorted_by(order_by, order, excitatory, len(weights))
        n_excitatory = None
    ax = axes_or_new(ax, figsize=(4.0, 3.0))
    size = np.abs(weights[weights != 0.0])
    limit = float(np.percentile(size, percentile)) if size.size else 1.0
    image = ax.imshow(
        weights[np.ix_(sorting, sorting)],
        cmap=weight_cmap(),
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
    )
    clipped = bool(size.size) and bool(size.max() > limit)
    cax = ax.inset_axes((1.04, 0.0, 0.05, 1.0))
    bar = ax.figure.colorbar(image, cax=cax, extend="both" if clipped else "neither")
    bar.set_label("effective weight")
    ax.spines[:].set_visible(True)
    ax.set_ylabel("from (presynaptic)")
    ax.set_xlabel("to (postsynaptic)")
    if n_excitatory is not None:
        _mark_types(ax, n_excitatory, len(weights))
    elif blocks:
        _mark_blocks(ax, blocks, len(weights))
    return ax


def _sorted_by(
    order_by: Any, order: ArrayLike | None, excitatory: ArrayLike | None, n: int
) -> tuple[np.ndarray, list[Block]]:
    """Return the order of units by label, and the blocks of equal labels."""
    nested = all(np.ndim(one) == 1 for one in order_by)
    given = list(order_by) if nested else [order_by]
    labels = [np.asarray(one) for one in given]
    if not labels or any(one.shape != (n,) for one in labels):
        raise ValueError(
            f'`order_by` must contain one label per unit, shape (N,) = ({n},), such as net.units["area"]; '
            f"got shapes {[one.shape for one in labels]}."
        )
    codes = []
    for one in labels:
        _, first, index = np.unique(one, return_index=True, return_inverse=True)
        codes.append(np.argsort(np.argsort(first))[index])
    within, _ = sorted_units(order, None, n)
    place = np.argsort(within)
    types = np.zeros(n, bool) if excitatory is None else ~sorted_types(excitatory, n)
    sorting = np.lexsort((place, types, *reversed(codes)))
    names = [" ".join(str(one[unit]) for one in labels) for unit in sorting]
    starts = [i for i in range(n) if i == 0 or names[i] != names[i - 1]]
    ends = [*starts[1:], n]
    kinds = None if excitatory is None else types[sorting]
    return sorting, [
        Block(names[start] or "(none)", start, end, _colour_of(kinds, start, end))
        for start, end in zip(starts, ends, strict=True)
    ]


def _colour_of(inhibitory: np.ndarray | None, start: int, end: int) -> str:
    """Return the colour of a block of one type, or the text colour for mixed blocks."""
    kinds = set() if inhibitory is None else set(inhibitory[start:end].tolist())
    return foreground() if len(kinds) != 1 else I_COLOR if kinds.pop() else E_COLOR


def _mark_blocks(ax: Axes, blocks: list[Block], n: int) -> None:
    """Draw borders between blocks, and the names that have room."""
    for block in blocks[1:]:
        for line in (ax.axhline, ax.axvline):
            line(block.start - 0.5, color=foreground(), linewidth=line_width(0.6))
    named = [block for block in blocks if (block.end - block.start) * MOST_NAMES >= n or len(blocks) <= FEW_NAMES]
    middles = [(block.start + block.end - 1) / 2 for block in named]
    names = [block.name for block in named]
    upright = sum(map(len, names)) <= LONGEST_ROW
    turned: Any = {} if upright else {"rotation": 90}
    ax.set_xticks(middles, names, fontsize=font_size(-2), **turned)
    ax.set_yticks(middles, names, fontsize=font_size(-2))
    ax.tick_params(length=0)
    for texts in (ax.get_xticklabels(), ax.get_yticklabels()):
        for text, block in zip(texts, named, strict=True):
            text.set_color(block.colour)


def sorted_types(excitatory: ArrayLike, n: int) -> np.ndarray:
    """Check the types of units (N,), True for E."""
    types = np.asarray(excitatory)
    if types.dtype != np.bool_ or types.shape != (n,):
        raise ValueError(
            f"`excitatory` must be bools, shape (N,) = ({n},); got {types.dtype}, shape {types.shape}. "
            "From Dale signs, pass sign > 0."
        )
    return types


def sorted_units(order: ArrayLike | None, excitatory: ArrayLike | None, n: int) -> tuple[np.ndarray, int | None]:
    """Return the order of units and, if types are known, the number of E units."""
    types = None if excitatory is None else sorted_types(excitatory, n)
    if order is None:
        sorting = np.arange(n) if types is None else np.argsort(~types, kind="stable")
    else:
        sorting = np.asarray(order)
    if sorting.shape != (n,) or not np.array_equal(np.sort(sorting), np.arange(n)):
        raise ValueError(
            f"`order` must be a permutation of 0..{n - 1}; got shape {sorting.shape}. Pass Selectivity.order."
        )
    if types is None:
        return sorting, None
    n_excitatory = int(np.count_nonzero(types))
    if not types[sorting][:n_excitatory].all():
        raise ValueError(
            "`order` must put all E units before all I units; got them interleaved. "
            "Pass `excitatory` to selectivity() too."
        )
    return sorting, n_excitatory


def type_blocks(n_excitatory: int, n: int) -> list[tuple[str, int, int, str]]:
    """Return (name, first, last + 1, colour) of the blocks of sorted units that occur."""
    blocks = [("E", 0, n_excitatory, E_COLOR), ("I", n_excitatory, n, I_COLOR)]
    return [block for block in blocks if block[2] > block[1]]


def _mark_types(ax: Axes, n_excitatory: int, n: int) -> None:
    """Replace unit numbers by E and I at the middle of each block, with lines between the blocks."""
    blocks = type_blocks(n_excitatory, n)
    if len(blocks) == 2:
        for line in (ax.axhline, ax.axvline):
            line(n_excitatory - 0.5, color=foreground(), linewidth=line_width(0.8))
    middles = [(start + stop - 1) / 2 for _, start, stop, _ in blocks]
    names = [name for name, _, _, _ in blocks]
    ax.set_xticks(middles, names)
    ax.set_yticks(middles, names)
    ax.tick_params(length=0)
    for texts in (ax.get_xticklabels(), ax.get_yticklabels()):
        for text, (_, _, _, colour) in zip(texts, blocks, strict=True):
            text.set(color=colour, fontweight="bold")
