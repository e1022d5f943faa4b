from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from eicon import analysis, plotting

from .reading import legend_texts

RNG = np.random.default_rng(0)
N, N_E = 10, 7
CHOICE = np.arange(40) % 2
RATES = RNG.random((20, 40, N)) + 0.3 * (CHOICE == 0)[:, None] * RNG.normal(size=N)
LEVELS = np.array([-10.0, -3.0, 3.0, 10.0])


def test_tuning_curves_are_coloured_by_direction():
    stimulus = np.tile([10.0, 14.0, 18.0, 22.0], 10)
    rates = np.stack([stimulus, -stimulus, np.abs(stimulus - 16.0)], axis=1) + 0.1 * RNG.normal(size=(40, 3))
    result = analysis.coding.tuning(rates, stimulus)
    ax = plotting.coding.plot_tuning(result)
    rising, falling = (one[0] for one in ax.containers)
    np.testing.assert_array_equal(rising.get_xydata(), np.stack([result.levels, result.curve[:, 0]], axis=1))
    np.testing.assert_array_equal(falling.get_ydata(), result.curve[:, 1])
    assert rising.get_color() != falling.get_color()
    assert legend_texts(ax) == ["rising (1 of 3 units)", "falling (1 of 3 units)"]
    assert ax.get_xlabel() == "stimulus"
    (peaked,) = plotting.coding.plot_tuning(result, units=[2]).containers
    assert to_hex(peaked[0].get_color()) == "#555555"


def test_names_of_levels_do_not_touch_and_have_a_minus():
    levels = np.array([-51.2, -25.6, -12.8, -6.4, -3.2, 3.2, 6.4, 12.8, 25.6, 51.2])
    ax = plotting.coding.plot_tuning(analysis.coding.tuning(np.tile(levels, 4)[:, None], np.tile(levels, 4)))
    figure = ax.get_figure()
    figure.draw_without_rendering()
    labels = ax.get_xticklabels()
    assert (labels[0].get_text(), labels[-1].get_text()) == ("\N{MINUS SIGN}51.2", "51.2")
    boxes = [label.get_window_extent() for label in labels]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_tuning_correlation_is_a_matrix_over_time():
    result = analysis.coding.tuning_correlation(RATES, np.tile(LEVELS, 10), steps=[2, 6, 10, 14])
    ax = plotting.coding.plot_tuning_correlation(result, result.steps * 20.0, epochs={"f1": (40.0, 120.0)}, since="f1")
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), result.correlation)
    assert image.get_extent() == [0.0, 320.0, 0.0, 320.0]
    assert image.origin == "lower"
    assert image.get_clim() == (-1.0, 1.0)
    assert [text.get_text() for text in ax.texts] == ["f1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time since f1 (ms)",) * 2


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: plotting.coding.plot_tuning(analysis.coding.tuning(RATES, np.tile(LEVELS, 10)), units=[10]),
            r"`units` must be among 0..9; got \[10\]",
        ),
        (
            lambda: plotting.coding.plot_tuning_correlation(
                analysis.coding.tuning_correlation(RATES, np.tile(LEVELS, 10)), np.arange(20.0) ** 2
            ),
            r"`time` must be one time per step, \(20,\), at least two, ascending in equal steps; got shape \(20,\)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
    assert plt.get_fignums() == []
