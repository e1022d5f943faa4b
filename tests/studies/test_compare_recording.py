import numpy as np
import pytest

from eicon.analysis import compare
from eicon.models import RateRNN
from eicon.recordings import Recording
from eicon.studies._compare_recording import compare_recording

T, B, M = 20, 6, 4
RNG = np.random.default_rng(0)
INPUTS = RNG.uniform(0, 1, (T, B, 2))
NET = RateRNN.dale(2, 8, 1, activation="softplus", seed=1, dt=20.0)
RATES = np.asarray(NET.predict(INPUTS, noise=False).rates, np.float64)
SIDE = {"side": ["left", "left", "right", "up", "down", "on"]}


def recording(activity, **options):
    return Recording(activity, 20.0, units=list("abcd"), inputs=INPUTS, **options)


def test_steps_at_which_all_units_were_observed_are_compared():
    seen = RATES[:, :, [7, 1, 3, 0]] + 0.05 * RNG.normal(size=(T, B, M))
    holes = seen.copy()
    holes[:, :, 3] = np.nan  # a unit that was never observed
    holes[:, 4] = np.nan
    holes[12:, 5, 1] = np.nan
    result = compare_recording(NET, recording(holes), n_permutations=0)
    kept = [0, 1, 2, 3, 5]
    mask = np.isfinite(holes[:, kept, :3]).all(axis=2)
    wanted = compare(RATES[:, kept], np.nan_to_num(holes[:, kept, :3]), mask=mask, n_permutations=0)
    assert result.found.cka.value == pytest.approx(wanted.cka.value, rel=1e-5)
    assert (result.n_units, result.n_trials) == ((8, 3), 5)
    assert result.notes == [
        "Units left out because they were never observed: 1 of 4.",
        "Trials left out because no step has all units: 1 of 6.",
        "No conditions are repeated, so there is no ceiling.",
    ]


def test_conditions_that_are_repeated_among_the_trials_left_give_a_ceiling():
    seen = RATES[:, :, [7, 1, 3, 0]] + 0.05 * RNG.normal(size=(T, B, M))
    ceiling = "No conditions are repeated, so there is no ceiling."
    assert ceiling not in compare_recording(NET, recording(seen, conditions=SIDE), n_permutations=0).notes
    seen[:, 1] = np.nan  # the second trial on the left
    assert ceiling in compare_recording(NET, recording(seen, conditions=SIDE), n_permutations=0).notes


def test_refused():
    activity = RATES[:, :, :4].copy()
    activity[:, :3, 0] = activity[:, 3:, 1] = np.nan
    with pytest.raises(ValueError, match="there is no step at which all recorded units were observed"):
        compare_recording(NET, recording(activity))
    with pytest.raises(ValueError, match="the recording has no inputs, and the network needs 2"):
        compare_recording(NET, Recording(RATES, 20.0))
