import numpy as np
import pytest

from eicon.analysis.fits import unit_fit
from eicon.models import Leaky, RateRNN
from eicon.recordings import Recording
from eicon.studies.fits import fit_measures

T, B, N = 15, 6, 8
RNG = np.random.default_rng(0)
INPUTS = RNG.uniform(0, 1, (T, B, 2))


def made(**numbers):
    cell = Leaky("softplus", gain=True)
    return RateRNN.dale(
        2, N, 1, cell=cell, bias=True, train=["gain", "bias"], seed=1, dt=20.0,
        parameters={"gain": RNG.uniform(0.5, 1.5, N), "bias": RNG.normal(0, 0.4, N), **numbers},
    )  # fmt: skip


TEACHER, STUDENT = made(), made()
RATES = np.asarray(TEACHER.predict(INPUTS, noise=False).rates, np.float64)
MODEL = np.asarray(STUDENT.predict(INPUTS, noise=False).rates, np.float64)
KNOWN = [6, 1, 3, 0, 5]
CONDITIONS = {"side": ["left", "right"] * 3, "level": [1, 1, 1, 1, 2, 2]}
RECORDING = Recording(RATES[..., KNOWN], dt=20.0, units=KNOWN, inputs=INPUTS, conditions=CONDITIONS)


def test_recorded_and_unrecorded_units_in_fitted_and_held_out_trials():
    fitted, held_out = RECORDING.of_trials(slice(0, 4)), RECORDING.of_trials(slice(4, 6))
    found = fit_measures(STUDENT, fitted, recorded=["3", "6"], held_out=held_out)
    assert np.flatnonzero(found.recorded).tolist() == [3, 6]
    assert np.flatnonzero(found.unrecorded).tolist() == [0, 1, 5]  # 2, 4 and 7 are not known
    for result, trials in ((found.fitted, slice(0, 4)), (found.held_out, slice(4, 6))):
        wanted = unit_fit(MODEL[:, trials], RATES[:, trials], variance_of=RATES[:, :4])
        for name in ("mse", "normalised_mse", "r2", "r"):
            ours, theirs = getattr(result, name), getattr(wanted, name)
            np.testing.assert_allclose(ours[KNOWN], theirs[KNOWN], rtol=1e-4, atol=1e-6)
            assert np.isnan(ours[[2, 4, 7]]).all()
    numbers = found.numbers()
    assert numbers["unrecorded_held_out_mse"] == pytest.approx(found.held_out.mse[[0, 1, 5]].mean())
    assert numbers["recorded_fitted_r2"] == pytest.approx(np.median(found.fitted.r2[[3, 6]]))
    assert len(numbers) == 16
    assert found.recovery == {}
    # Two trials of each side are of one level: left 0 and 2, right 1 and 3.
    other = RATES[:, [2, 3, 0, 1]]
    np.testing.assert_allclose(found.fitted.condition_r2[KNOWN], unit_fit(other, RATES[:, :4]).r2[KNOWN])


def test_numbers_of_a_teacher():
    found = fit_measures(STUDENT, RECORDING, teacher=TEACHER).recovery
    assert set(found) == {"gain", "bias", "tau", "x0", "weights", "effective"}
    ours, theirs = STUDENT.parameter("gain"), TEACHER.parameter("gain")
    assert found["gain"].r == pytest.approx(np.corrcoef(ours, theirs)[0, 1])
    assert found["bias"].error == pytest.approx(
        np.sqrt(np.mean((STUDENT.parameter("b_rec") - TEACHER.parameter("b_rec")) ** 2))
    )
    assert found["weights"].r2 == 1.0
    assert found["weights"].n == np.count_nonzero(TEACHER.W_rec)
    weights = np.asarray(TEACHER.W_rec, np.float64)
    exists = weights != 0
    J = [(gain[:, None] * weights)[exists] for gain in (ours, theirs)]
    assert found["effective"].r == pytest.approx(np.corrcoef(*J)[0, 1])
    assert found["effective"].r2 == pytest.approx(1 - np.sum((J[0] - J[1]) ** 2) / np.sum((J[1] - J[1].mean()) ** 2))
    assert found["tau"].error == 0.0
    assert np.isnan(found["tau"].r2)


def test_a_network_without_gains_and_biases_has_those_of_one_and_zero():
    plain = RateRNN.dale(2, N, 1, activation="softplus", seed=1, dt=20.0)
    found = fit_measures(plain, RECORDING, teacher=TEACHER).recovery
    assert {"gain", "bias"} <= set(found)
    assert found["gain"].error == pytest.approx(np.sqrt(np.mean((1 - TEACHER.parameter("gain")) ** 2)))
    assert found["bias"].r == 0.0
    assert found["effective"].n == found["weights"].n


def test_calcium_is_judged_up_to_a_scale_and_an_offset_of_the_fitted_trials():
    decay = np.exp(-20.0 / 100.0)
    trace = [RATES[0]]
    for rates in RATES[1:]:
        trace.append(decay * trace[-1] + (1 - decay) * rates)
    scale, offset = RNG.uniform(1, 5, N), RNG.normal(size=N)
    data = Recording(
        np.array(trace) * scale + offset, dt=20.0, inputs=INPUTS, observed="calcium", decay=100.0, units=range(N)
    )
    found = fit_measures(TEACHER, data.of_trials(slice(0, 3)), recorded=[0], held_out=data.of_trials(slice(3, 6)))
    np.testing.assert_allclose(found.fitted.r2, 1.0, atol=1e-5)
    np.testing.assert_allclose(found.held_out.r2, 1.0, atol=1e-5)
    wrong = Recording(np.array(trace) * 2 + 1, dt=20.0, inputs=INPUTS, observed="rate", units=range(N))
    assert fit_measures(TEACHER, wrong).fitted.r2.max() < 0.5


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"recorded": ["2"]}, "2: no such unit; the recording has 6, 1, 3, 0, 5"),
        ({"teacher": RateRNN.dale(2, 6, 1)}, "`teacher` must have the units of the network; got 6 and 8 units"),
        ({"held_out": Recording(RATES, dt=10.0, inputs=INPUTS)}, "must have the same dt; got 20 and 10 ms"),
    ],
)
def test_refused(change, text):
    with pytest.raises(ValueError, match=text):
        fit_measures(STUDENT, RECORDING, **change)
