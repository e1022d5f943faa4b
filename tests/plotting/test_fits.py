import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy import stats

from eicon import plotting
from eicon.plotting import fits

from .reading import containers, legend_texts, line

RNG = np.random.default_rng(0)
TIME = np.arange(20)
OBSERVED = np.sin(TIME[:, None, None] / 3 + np.arange(4)) + np.zeros((1, 3, 1))
PREDICTED = OBSERVED * np.array([1.0, 1.0, 1.0, -1.0])
RECORDED = np.array([True, False, False, False])
ERRORS = np.array([[1.0, 0.2, 0.02], [0.8, 0.3, 0.03], [0.9, np.nan, 0.01]])


def test_traces_of_recorded_and_unrecorded_units():
    data = OBSERVED.copy()
    data[10:, 1, 2] = np.nan
    figure = fits.plot_unit_traces(PREDICTED, data, 5.0, [0, 2, 3], recorded=RECORDED, trial=1, start=-20.0)
    first, second, third = figure.axes
    assert [ax.get_title() for ax in figure.axes] == ["0, r = 1.00", "2, r = 1.00", "3, r = \N{MINUS SIGN}1.00"]
    truth, model = second.lines
    np.testing.assert_array_equal(truth.get_ydata(), data[:, 1, 2])
    np.testing.assert_array_equal(model.get_xydata(), np.stack([TIME * 5.0 - 20.0, PREDICTED[:, 1, 2]], axis=1))
    assert first.lines[1].get_color() == plotting._fits.RECORDED_COLOR
    assert second.lines[1].get_color() == third.lines[1].get_color() == plotting._fits.UNRECORDED_COLOR
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["observed", "predicted, recorded", "predicted, unrecorded"]


def test_error_against_recorded_units_has_students_intervals_over_seeds():
    ax = fits.plot_unrecorded([1, 10, 100], {"connectome": ERRORS, "null": ERRORS[:1]}, recorded={"null": ERRORS})
    assert legend_texts(ax) == ["connectome", "null", "unrecorded units", "recorded units"]
    points, bars = containers(ax)["connectome"]
    for place, values in enumerate((ERRORS[:, 0], ERRORS[:2, 1], ERRORS[:, 2])):
        logs = np.log(values)
        low, high = stats.t.interval(0.95, logs.size - 1, logs.mean(), stats.sem(logs))
        np.testing.assert_allclose(points[place, 1], np.exp(logs.mean()))
        np.testing.assert_allclose(bars[place], np.exp([low, high]))
    single, none = containers(ax)["null"]
    np.testing.assert_allclose(single[:, 1], ERRORS[0])
    np.testing.assert_allclose(np.ptp(none, axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(containers(ax)["_null, recorded"][0][:, 1], points[:, 1])
    assert ax.get_yscale() == "log"
    linear = fits.plot_unrecorded([1, 10, 100], {"chosen": -ERRORS}, label="R²", scale="linear", level=0.0)
    np.testing.assert_allclose(containers(linear)["chosen"][0][0, 1], -0.9)
    assert linear.get_ylabel() == "R²"
    r = np.array([[0.9, 0.2], [0.99, 0.1], [0.5, np.nan]])
    both = fits.plot_unrecorded([1, 10], {"a": r}, scale="correlation")
    points, bars = containers(both)["a"]
    z = np.arctanh(r[:, 0])
    np.testing.assert_allclose(points[0, 1], np.tanh(z.mean()))
    np.testing.assert_allclose(bars[0], np.tanh(stats.t.interval(0.95, 2, z.mean(), stats.sem(z))))
    assert np.abs(bars).max() < 1


def test_recovered_numbers_and_their_types():
    true = RNG.normal(size=30)
    fitted = 0.5 * true
    types = np.where(np.arange(30) < 20, "E", "I")
    ax = fits.plot_recovery(fitted, true, by=types, where=np.arange(30) != 3, quantity="bias")
    assert line(ax, "E").get_xdata().size == 19
    assert to_hex(line(ax, "I").get_color()) == plotting.I_COLOR.lower()
    np.testing.assert_array_equal(line(ax, "I").get_ydata(), fitted[20:])
    kept = np.delete(true, 3)
    assert ax.get_title(loc="left") == f"R² = {1 - 0.25 * (kept**2).sum() / (29 * kept.var()):.2f}, r = 1.00, n = 29"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("true bias", "fitted bias")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: fits.plot_unit_traces(PREDICTED, OBSERVED, 5.0, [4], recorded=RECORDED), r"`units` must be indices"),
        (lambda: fits.plot_unit_traces(PREDICTED, OBSERVED, 5.0, [0], recorded=[0]), "`recorded` must be bools"),
        (
            lambda: fits.plot_unit_traces(PREDICTED, OBSERVED, 5.0, [0], recorded=RECORDED, trial=3),
            "`trial` must be in",
        ),
        (
            lambda: fits.plot_unit_traces(PREDICTED, OBSERVED, 5.0, [0], recorded=RECORDED, names=["a"]),
            "`names` must name all 4 units, not only those shown; got 1",
        ),
        (lambda: fits.plot_unrecorded([1, 2, 3], {"a": ERRORS}, scale="z"), "`scale` must be one of log, correlation"),
        (lambda: fits.plot_unrecorded([1, 2, 3], {"a": 9 * ERRORS}, scale="correlation"), "must be correlations"),
        (lambda: fits.plot_unrecorded([0, 1, 2], {"a": ERRORS}), "`n_recorded` must be numbers > 0"),
        (lambda: fits.plot_unrecorded([1, 2], {"a": ERRORS}), r"`unrecorded` of 'a' must be \(S, K\) = \(S, 2\)"),
        (lambda: fits.plot_unrecorded([1, 2, 3], {"a": ERRORS - 0.9}), "must be > 0 on a logarithmic axis"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
