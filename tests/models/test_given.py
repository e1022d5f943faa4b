"""Inputs as users have them: trials, datasets, arrays with names; and arrays that would be misread."""

import numpy as np
import pytest

from eicon import key
from eicon.exchange import from_numpy, to_xarray
from eicon.models import RateRNN
from eicon.tasks import PerceptualDecision


@pytest.fixture(scope="module")
def example():
    task = PerceptualDecision()
    net = RateRNN.dale(task.n_in, 6, task.n_out, seed=0)
    trial = task.sample(key(0), 4)
    activity = net.predict(trial.inputs)
    return net, trial, activity, to_xarray(net, trial, activity, task=task)


@pytest.mark.parametrize("given", ["trial", "dataset", "other order", "array", "pandas"])
def test_predict_takes_what_has_inputs(given, example):
    net, trial, activity, data = example
    taken = {
        "trial": trial,
        "dataset": data,
        "other order": data.transpose("trial", "time", ...),
        "array": data.inputs.transpose("input", "trial", "time"),
        "pandas": np.stack([data.inputs[:, i].to_pandas() for i in range(4)], axis=1),
    }
    np.testing.assert_array_equal(net.predict(taken[given]).rates, activity.rates)


@pytest.mark.unchecked
def test_what_would_be_misread_is_refused_in_one_line(example):
    net, trial, activity, data = example
    inputs = np.asarray(trial.inputs)
    eye = np.eye(3)
    for call, text in (
        (lambda: net.predict(np.ma.array(inputs)), "`inputs` must not be a masked array"),
        (lambda: net.predict(inputs * 1j), "`inputs` must be real; got complex numbers"),
        (lambda: net.predict(None), "`inputs` must be an array; got None"),
        (lambda: net.predict(activity), r"got Activity. Pass one of its arrays \(outputs, rates, states\)"),
        (lambda: net.predict(inputs.astype(str)), "`inputs` must contain numbers; got <U"),
        (lambda: net.predict(data.inputs.isel(trial=0)), r"got time, input, without trial. .*isel\(trial=\[0\]\)"),
        (lambda: net.predict(data.rates), "must have the dimensions time, trial, input; got time, trial, unit"),
        (lambda: net.held(np.ma.array([1.0, 2.0])), "`inputs` must not be a masked array"),
        (lambda: from_numpy(np.ma.array(eye), eye, eye, orientation="pre, post"), "`W_rec` must not be a masked array"),
        (lambda: from_numpy(eye, eye * 1j, eye, orientation="pre, post"), "`W_in` must be real"),
        (lambda: from_numpy(eye, eye, eye, b_rec=np.ma.ones(3), orientation="pre, post"), "`b_rec` must not be a mask"),
    ):
        with pytest.raises((TypeError, ValueError), match=text) as caught:
            call()
        assert "\n" not in str(caught.value)
