"""The training record and the stop criterion."""

import csv
import io

import numpy as np
import pytest

from eicon.training import AccuracyReached, LossReached
from eicon.training.results import History


def validated(*accuracies: float, worst: float | tuple = 0.0, loss: float | tuple = 0.0) -> History:
    n = len(accuracies)
    return History().extended(
        validation_step=np.arange(n),
        validation_loss=np.broadcast_to(loss, n),
        validation_accuracy=np.array(accuracies),
        validation_worst=np.broadcast_to(worst, n),
    )


def test_starts_empty():
    history = History()
    assert history.n_steps == 0
    assert all(len(values) == 0 for values in history.values())


def test_extended_appends_arrays_and_numbers_and_leaves_the_old_one_alone():
    first = History().extended(loss=[1.0, 2.0], validation_step=2)
    second = first.extended(loss=3.0, validation_step=[3])
    assert first.loss.tolist() == [1.0, 2.0]
    assert second.loss.tolist() == [1.0, 2.0, 3.0]
    assert second.validation_step.tolist() == [2, 3]
    assert second.validation_step.dtype == np.int64
    assert second.loss.dtype == np.float64


def test_csv_parses_back():
    rng = np.random.default_rng(0)
    loss, accuracy, norm = rng.random((3, 6)).astype(np.float32)
    accuracy[2] = np.nan  # a batch of catch trials only
    history = History().extended(
        loss=loss,
        accuracy=accuracy,
        grad_norm=norm,
        stage=[0, 0, 0, 1, 1, 1],
        seconds=np.linspace(0.5, 3.0, 6),
        compile_seconds=[0.25] * 6,
        validation_seconds=np.linspace(0.125, 0.25, 6),
        damping=norm,
        validation_step=[2, 5],
        validation_loss=[0.25, 0.125],
        validation_accuracy=[0.5, 0.75],
        validation_worst=[0.0625, 0.375],
    )
    assert history.to_csv().splitlines()[0] == (
        "step,loss,accuracy,grad_norm,stage,damping,seconds,compile_seconds,validation_seconds,"
        "validation_loss,validation_accuracy,validation_worst"
    )
    rows = list(csv.DictReader(io.StringIO(history.to_csv())))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [int(row["stage"]) for row in rows] == [0, 0, 0, 1, 1, 1]
    for name in ("loss", "accuracy", "grad_norm", "damping"):
        parsed = np.array([float(row[name]) for row in rows], np.float32)
        np.testing.assert_array_equal(parsed, getattr(history, name))
    for name in ("seconds", "compile_seconds", "validation_seconds"):
        np.testing.assert_allclose([float(row[name]) for row in rows], history[name], atol=5e-4)
    for i, row in enumerate(rows):
        at = {1: 0, 4: 1}.get(i)
        for name in ("validation_loss", "validation_accuracy", "validation_worst"):
            assert row[name] == "" if at is None else float(row[name]) == getattr(history, name)[at]


def test_csv_has_as_many_digits_as_the_numbers():
    """Those of a training in single precision are printed as such, and those in double precision to the last digit."""
    single, double = np.float32(0.1), 0.1234567890123456
    history = History().extended(loss=[single, double, np.nan, 1e300], accuracy=[0.5] * 4, grad_norm=[single] * 4)
    history = history.extended(
        **dict.fromkeys(("stage", "seconds", "compile_seconds", "validation_seconds"), [1.0] * 4)
    )
    rows = list(csv.DictReader(io.StringIO(history.to_csv())))
    assert [row["loss"] for row in rows] == ["0.1", "0.1234567890123456", "nan", "1e+300"]
    assert {(row["accuracy"], row["grad_norm"]) for row in rows} == {("0.5", "0.1")}


def test_stop_criterion_is_the_mean_of_the_last_validations():
    stop = AccuracyReached(0.75, window=3)
    assert not stop(validated())
    assert not stop(validated(1.0, 1.0))  # too few
    assert stop(validated(0.5, 0.75, 1.0))
    assert not stop(validated(1.0, 0.5, 0.75, 0.75))  # the first does not count any more
    assert stop(validated(0.0, 0.75, 0.75, 0.75))


def test_stop_criterion_by_default_is_the_papers():
    assert AccuracyReached(0.85).window == 5
    assert AccuracyReached(0.85)(validated(0.8, 0.8, 0.85, 0.9, 0.95))
    assert not AccuracyReached(0.85)(validated(0.8, 0.8, 0.85, 0.9, 0.85))


@pytest.mark.parametrize(("threshold", "window"), [(0.0, 5), (1.1, 5), (0.85, 0), (float("nan"), 5)])
def test_impossible_criteria_are_refused(threshold, window):
    said = r"threshold must be in \(0, 1\], a fraction; got" if window else "window must be at least 1; got 0"
    with pytest.raises(ValueError, match=said):
        AccuracyReached(threshold, window)


def test_worst_condition_counts_where_that_is_asked():
    stop = AccuracyReached(0.75, window=3, worst=True)
    assert not stop(validated())
    assert not stop(validated(1.0, 1.0, worst=1.0))  # too few
    assert not stop(validated(1.0, 1.0, 1.0, worst=(0.75, 0.75, 0.5)))
    assert stop(validated(0.0, 0.0, 0.0, worst=(0.5, 0.75, 1.0)))
    assert stop(validated(0.0, 0.0, 0.0, 0.0, worst=(0.0, 0.75, 0.75, 0.75)))
    assert not stop(validated(1.0, 1.0, 1.0, worst=(1.0, float("nan"), 1.0)))
    assert not AccuracyReached(0.75, window=3)(validated(0.0, 0.0, 0.0, worst=1.0))


def test_loss_criterion_is_the_mean_of_the_last_validations():
    stop = LossReached(0.25, window=2)
    assert not stop(validated())
    assert not stop(validated(1.0))  # too few
    assert stop(validated(0.0, 0.0, loss=(0.0, 0.5)))
    assert stop(validated(0.0, 0.0, 0.0, loss=(9.0, 0.25, 0.25)))
    assert not stop(validated(1.0, 1.0, 1.0, worst=1.0, loss=(0.0, 0.25, 0.375)))
    assert not stop(validated(1.0, 1.0, loss=(0.0, float("nan"))))
    assert LossReached(0.5).window == 5
    assert LossReached(1e9)(validated(*[0.0] * 5, loss=2.0))


@pytest.mark.parametrize(("threshold", "window"), [(0.0, 5), (-1.0, 5), (0.1, 0), (float("nan"), 5)])
def test_impossible_loss_criteria_are_refused(threshold, window):
    with pytest.raises(
        ValueError, match="threshold must be > 0; got" if window else "window must be at least 1; got 0"
    ):
        LossReached(threshold, window)
