"""Silenced and driven units and cut projections, against networks without them and a plain loop in numpy."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity, Cut, Drive, RateRNN, Silence
from eicon.models._network import _run
from eicon.models._perturbation import _strength, drawn_units, perturbed_trials
from eicon.tasks import PerceptualDecision

N, B = 10, 6
TASK = PerceptualDecision.variable()
TRIAL = TASK.sample(jax.random.key(2), B)
T = TRIAL.n_steps
SPANS = {name: np.asarray(span) for name, span in TRIAL.epochs.items()}
LABELS = {"area": np.array(["S"] * 4 + ["M"] * 5 + ["S"]), "layer": np.arange(N) % 3}
KEY = jax.random.key(9)
ALL = np.ones(N, bool)


def make(recurrent, weights, b_rec):
    dale = RateRNN.dale(2, N, 2)
    net = RateRNN(
        recurrent, dale.input.connectivity, dale.readout.connectivity,
        weights=weights, tau=np.linspace(50.0, 120.0, N), bias=True, readout_bias=True, sigma_rec=0.15, sigma_in=0.05,
        x0=np.linspace(-0.2, 0.5, N), units=LABELS,
    )  # fmt: skip
    net.b_rec.value, net.b_out.value = jnp.asarray(b_rec, jnp.float32), jnp.array([0.1, -0.2])
    return net


def arrays(activity):
    """Outputs, rates and currents."""
    return [np.asarray(values) for values in (activity.outputs, activity.rates, activity.currents)]


@pytest.fixture(scope="module")
def net():
    """With everything, two constant weights among it; active without noise."""
    dale = RateRNN.dale(2, N, 2, spectral_radius=1.2, seed=6)
    entries = np.zeros((N, N), bool)
    entries[1, 5] = entries[8, 2] = True
    weights = {"recurrent": dale.W_rec, "input": dale.W_in, "readout": dale.W_out}
    b_rec = np.random.default_rng(0).uniform(0.0, 0.3, N)
    return make(dale.recurrent.connectivity.frozen(dale.W_rec, entries), weights, b_rec)


@pytest.fixture(scope="module")
def plain(net):
    """The unperturbed run, as `perturb` does it."""
    return arrays(net.perturb(TRIAL, key=KEY))


def changed(net, *, recurrent=ALL, readout=ALL, b_rec=0.0):
    """Another network: some connections (False) are not there, and a bias is added."""
    old = net.recurrent.connectivity
    there = np.broadcast_to(recurrent, (N, N))
    weights = {"recurrent": net.W_rec * there, "input": net.W_in, "readout": net.W_out * readout[:, None]}
    return make(Connectivity(old.sign, old.mask & there, old.fixed * there), weights, net.b_rec.value + b_rec)


def assert_close(activity, wanted, rtol=5e-5, atol=5e-6):
    for ours, expected in zip(activity, wanted, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=rtol, atol=atol)


def test_epochs_differ_between_trials_and_end_before_the_last_step():
    assert len(set(SPANS["stimulus"][:, 1])) > 3
    assert (SPANS["decision"][:, 1] < T).any()
    assert not SPANS["fixation"][:, 0].any()


def test_without_perturbations_it_is_predict(net, plain):
    assert_close(plain, arrays(net.predict(TRIAL.inputs, key=KEY)), rtol=1e-6, atol=1e-6)
    quiet = arrays(net.predict(TRIAL.inputs, noise=False))
    assert_close(arrays(net.perturb(TRIAL, noise=False)), quiet, rtol=1e-6, atol=1e-6)
    assert_close(arrays(net.perturb(TRIAL, key=KEY, noise=False)), quiet, rtol=1e-6, atol=1e-6)
    assert np.abs(plain[0] - quiet[0]).max() > 0.05


def test_silenced_throughout_is_the_network_without_their_outgoing_weights(net):
    units = [0, 3, 8]
    keep = ~np.isin(np.arange(N), units)
    ours = net.perturb(TRIAL, Silence(units), key=KEY)
    wanted = changed(net, recurrent=keep[:, None], readout=keep).predict(TRIAL.inputs, key=KEY)
    assert_close((ours.outputs, ours.currents), (wanted.outputs, wanted.currents))
    np.testing.assert_allclose(ours.rates[:, :, keep], wanted.rates[:, :, keep], rtol=5e-5, atol=5e-6)
    assert not np.asarray(ours.rates)[:, :, ~keep].any()
    assert np.asarray(wanted.rates)[:, :, ~keep].any(), "they would be active"


def test_cut_throughout_is_the_network_without_these_connections(net):
    """Among them a constant one, and pairs that are not connected at all."""
    source, target = np.isin(np.arange(N), [1, 2, 9]), np.isin(np.arange(N), [2, 5, 6])
    ours = net.perturb(TRIAL, Cut(source, target), key=KEY)
    wanted = changed(net, recurrent=~np.outer(source, target)).predict(TRIAL.inputs, key=KEY)
    assert_close(arrays(ours), arrays(wanted))
    transposed = net.perturb(TRIAL, Cut(target, source), key=KEY)
    assert np.abs(np.asarray(ours.currents) - np.asarray(transposed.currents)).max() > 0.05


def test_driven_throughout_is_a_bias(net):
    ours = net.perturb(TRIAL, Drive({"area": "M"}, 0.7), Drive([0, 5], -0.3), key=KEY)
    bias = 0.7 * (LABELS["area"] == "M") - 0.3 * np.isin(np.arange(N), [0, 5])
    assert_close(arrays(ours), arrays(changed(net, b_rec=bias).predict(TRIAL.inputs, key=KEY)))


def test_a_drive_is_in_the_unit_of_the_current(uncoupled):
    """Alone, it shifts a unit's current by so much; from one step to the next by alpha of what is left."""
    net = uncoupled(tau=np.linspace(40.0, 100.0, N))
    shift = np.asarray(net.perturb(TRIAL._replace(inputs=np.zeros((T, B, N), np.float32)), Drive([2, 6], 0.8)).currents)
    alpha = 20.0 / np.linspace(40.0, 100.0, N)
    wanted = 0.8 * (1 - (1 - alpha) ** np.arange(1, T + 1)[:, None]) * np.isin(np.arange(N), [2, 6])
    np.testing.assert_allclose(shift, np.repeat(wanted[:, None], B, axis=1), atol=1e-5)


def first_change(values, before):
    """First step at which each unit of each trial differs, T where it never does; (B, N)."""
    differs = values != before
    return np.where(differs.any(axis=0), differs.argmax(axis=0), T)


@pytest.mark.parametrize("epoch", ["stimulus", "decision"])
def test_silence_begins_with_the_first_step_of_its_epoch_and_ends_after_the_last(net, plain, epoch):
    units = np.isin(np.arange(N), [0, 2, 9])
    ours = arrays(net.perturb(TRIAL, Silence(units, epoch), key=KEY))
    outputs, rates, currents = (first_change(a, b) for a, b in zip(ours, plain, strict=True))
    start, stop = SPANS[epoch].T
    for b in range(B):
        assert (currents[b] > start[b]).all(), "nobody's current has changed at that step yet"
        assert currents[b].min() == start[b] + 1
        assert (rates[b, ~units] > start[b]).all()
        active = plain[1][start[b], b, units] > 0
        assert active.any()
        np.testing.assert_array_equal(rates[b, units] == start[b], active)
        assert (outputs[b] >= start[b]).all()
        assert (outputs[b] == start[b]).any()
        assert not ours[1][start[b] : stop[b], b][:, units].any()
        following = slice(stop[b], stop[b] + 1)
        np.testing.assert_allclose(ours[1][following, b], np.maximum(ours[2][following, b], 0), rtol=1e-6)


def test_silence_from_the_beginning_takes_the_initial_rates_too(net):
    during = net.perturb(TRIAL, Silence("E", "fixation"), noise=False)
    always = net.perturb(TRIAL, Silence("E"), noise=False)
    stop = SPANS["fixation"][0, 1]
    for a, b in zip(arrays(during), arrays(always), strict=True):
        np.testing.assert_array_equal(a[:stop], b[:stop])
    alpha = 20.0 / net.tau
    r = np.maximum(np.asarray(net.x0.value), 0) * ~net.is_excitatory
    first = (1 - alpha) * np.asarray(net.x0.value) + alpha * (
        r @ np.asarray(net.W_rec) + np.asarray(TRIAL.inputs)[0] @ np.asarray(net.W_in) + np.asarray(net.b_rec.value)
    )
    np.testing.assert_allclose(np.asarray(always.currents)[0], first, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("epoch", ["stimulus", "decision"])
def test_a_drive_begins_with_the_first_step_of_its_epoch(net, plain, epoch):
    units = np.isin(np.arange(N), [1, 9])
    ours = arrays(net.perturb(TRIAL, Drive(units, -0.4, epoch), key=KEY))
    currents = first_change(ours[2], plain[2])
    start = SPANS[epoch][:, 0]
    alpha = 20.0 / net.tau
    for b in range(B):
        assert (currents[b, units] == start[b]).all()
        assert (currents[b, ~units] > start[b]).all()
        moved = ours[2][start[b], b] - plain[2][start[b], b]
        np.testing.assert_allclose(moved, -0.4 * alpha * units, atol=1e-6)


def test_a_cut_begins_with_the_first_step_of_its_epoch(net, plain):
    source, target = np.isin(np.arange(N), [0, 1, 2, 9]), np.isin(np.arange(N), [3, 4, 5])
    ours = arrays(net.perturb(TRIAL, Cut(source, target, "stimulus"), key=KEY))
    alpha, w_rec = 20.0 / net.tau, np.asarray(net.W_rec)
    for b, start in enumerate(SPANS["stimulus"][:, 0]):
        for a, before in zip(ours, plain, strict=True):
            np.testing.assert_allclose(a[:start, b], before[:start, b], rtol=1e-6, atol=1e-6)
        lost = alpha * ((plain[1][start - 1, b] * source) @ w_rec) * target
        assert np.abs(lost[target]).min() > 1e-3
        np.testing.assert_allclose(ours[2][start, b] - plain[2][start, b], -lost, atol=1e-6)


def perturbed_by_hand(net, silences=(), drives=(), cuts=()):
    """Step by step and trial by trial, in float64 and without noise; epochs as (mask of units, ..., spans (B, 2))."""
    alpha = net.dt / net.tau
    w_rec, w_in, w_out = (np.asarray(w, np.float64) for w in (net.W_rec, net.W_in, net.W_out))
    x0, b_rec, b_out = (np.asarray(v.value, np.float64) for v in (net.x0, net.b_rec, net.b_out))
    inputs = np.asarray(TRIAL.inputs, np.float64)
    found = np.zeros((T, B, 2)), np.zeros((T, B, N)), np.zeros((T, B, N))
    for b in range(B):
        x = x0
        r = np.maximum(x, 0)
        for units, spans in silences:
            if spans[b, 0] == 0:
                r = np.where(units, 0, r)
        for t in range(T):
            weights, received = w_rec.copy(), inputs[t, b] @ w_in + b_rec
            for source, target, spans in cuts:
                if spans[b, 0] <= t < spans[b, 1]:
                    for i, j in itertools.product(np.flatnonzero(source), np.flatnonzero(target)):
                        weights[i, j] = 0
            for units, current, spans in drives:
                if spans[b, 0] <= t < spans[b, 1]:
                    received = received + current * units
            x = (1 - alpha) * x + alpha * (r @ weights + received)
            r = np.maximum(x, 0)
            for units, spans in silences:
                if spans[b, 0] <= t < spans[b, 1]:
                    r = np.where(units, 0, r)
            for values, now in zip(found, (r @ w_out + b_out, r, x), strict=True):
                values[t, b] = now
    return found


ALWAYS = np.tile([[0, T]], (B, 1))


def test_all_three_together_are_the_plain_loop(net):
    area, index = LABELS["area"], np.arange(N)
    ours = net.perturb(
        TRIAL,
        Silence({"area": "S", "type": "I"}, "stimulus"),
        Silence([4], "decision"),
        Silence([5, 4]),
        Drive("E", 0.4, "decision"),
        Drive({"area": "M"}, -0.2, "fixation"),
        Drive([3], 0.25),
        Cut({"area": "S"}, {"area": "M"}, "stimulus"),
        Cut([0, 1], [2], "stimulus"),
        Cut({"area": "M"}, {"area": "S"}),
        noise=False,
    )
    wanted = perturbed_by_hand(
        net,
        silences=[
            ((area == "S") & (index >= 8), SPANS["stimulus"]),
            (index == 4, SPANS["decision"]),
            (np.isin(index, [4, 5]), ALWAYS),
        ],
        drives=[
            (index < 8, 0.4, SPANS["decision"]),
            (area == "M", -0.2, SPANS["fixation"]),
            (index == 3, 0.25, ALWAYS),
        ],
        cuts=[
            (area == "S", area == "M", SPANS["stimulus"]),
            (index < 2, index == 2, SPANS["stimulus"]),
            (area == "M", area == "S", ALWAYS),
        ],
    )
    assert_close(arrays(ours), wanted)
    assert np.abs(wanted[0] - perturbed_by_hand(net)[0]).max() > 0.1


def test_the_network_stays_as_it_is(net):
    def everything():
        return {name: np.asarray(v.value).tobytes() for name, v in net.vars().items()} | {
            "constants": repr(net.constants)
        }

    before = everything()
    net.perturb(TRIAL, Silence("I"), Drive([0], 1.0, "stimulus"), Cut("E", "E", "decision"), key=KEY)
    assert everything() == before


@pytest.mark.parametrize(
    ("units", "wanted"),
    [
        ("E", range(8)),
        ("I", [8, 9]),
        ({"area": "S"}, [0, 1, 2, 3, 9]),
        ({"area": "S", "type": "I"}, [9]),
        ({"layer": [0, 2], "area": ["S", "nowhere"]}, [0, 2, 3, 9]),
        ({}, range(N)),
        ([7, 2, 7], [2, 7]),
        (np.array([9], np.uint8), [9]),
        (np.int64(3), [3]),
        (LABELS["layer"] == 1, [1, 4, 7]),
        ([False] * 9 + [True], [9]),
        (np.zeros(0, int), []),
    ],
)
def test_units_are_selected_by_type_labels_mask_or_index(net, units, wanted):
    chosen = net.select(units)
    assert chosen.dtype == bool
    assert np.flatnonzero(chosen).tolist() == list(wanted)


def test_a_mask_is_copied(net):
    mask = np.zeros(N, bool)
    net.select(mask)[0] = True
    assert not mask.any()


@pytest.mark.parametrize(
    ("perturbation", "message"),
    [
        (Silence("X"), "no unit has type 'X': type is one of E, I. To select by area or layer, pass"),
        (Silence({"region": "M"}), "units have no label 'region'; they have type, area, layer"),
        (
            Silence({"area": "V", "type": "I"}),
            "no unit has area 'V', type 'I': area is one of M, S; type is one of E, I",
        ),
        (Silence([10]), r"there is no unit 10; indices run from 0 to 9\."),
        (Silence([-1]), r"there is no unit -1; indices run from 0 to 9\."),
        (Silence([0.5]), r"indices in 0..9; got \[0.5\]"),
        (Silence(np.ones(9, bool)), r"a bool mask of shape \(10,\) or indices"),
        (Silence(["E", "I"]), "units are a type, labels, a bool mask"),
        (Silence("E", "delay"), "these trials have no epoch 'delay'; they have fixation, stimulus, decision"),
        (Drive("E", 1.0, ""), "these trials have no epoch ''"),
        (Cut("E", "I", "delay"), "these trials have no epoch 'delay'"),
        (Drive("E", float("nan")), "the current of a drive must be finite; got nan"),
        (Drive("E", float("-inf")), "the current of a drive must be finite; got -inf"),
        (Cut("E", [10]), "there is no unit 10; indices run from 0 to 9"),
    ],
)
def test_impossible_perturbations_are_refused(net, perturbation, message):
    with pytest.raises(ValueError, match=message):
        net.perturb(TRIAL, perturbation, noise=False)


def test_a_connection_is_cut_once_at_a_time(net):
    with pytest.raises(ValueError, match="cut by two perturbations at once, which differ in time, trials or dose"):
        net.perturb(TRIAL, Cut("E", "E", "stimulus"), Cut([0], [1]), noise=False)
    with pytest.raises(ValueError, match="cut by two perturbations at once"):
        net.perturb(TRIAL, Cut("E", "E", dose=0.5), Cut([0], [1]), noise=False)
    one_after_the_other = net.perturb(TRIAL, Cut("E", "E", "stimulus"), Cut("E", "E", "decision"), noise=False)
    both = np.stack([SPANS["stimulus"][:, 0], SPANS["decision"][:, 1]], axis=1)
    together = TRIAL._replace(epochs={"both": jnp.asarray(both)})
    assert (SPANS["stimulus"][:, 1] == SPANS["decision"][:, 0]).all()
    assert_close(
        arrays(one_after_the_other), arrays(net.perturb(together, Cut("E", "E", "both"), noise=False)), atol=1e-5
    )


# ------------------------------------------------------------------------- windows, subsets, courses, ramps, doses


def strength(perturbation, trial=TRIAL):
    return _strength(perturbation, trial, 20.0)


def test_a_window_is_the_epoch_of_the_same_steps(net):
    """In ms from the start of the trial or of an epoch, whatever its end; the stop is not included."""
    laser = {
        "of trial": np.tile([[15, 25]], (B, 1)),
        "of stimulus": SPANS["stimulus"][:, :1] + np.array([[-2, 4]]),
        "to the end": np.stack([SPANS["stimulus"][:, 0] + 5, np.full(B, T)], axis=1),
    }
    trial = TRIAL._replace(epochs=TRIAL.epochs | jax.tree.map(jnp.asarray, laser))
    pairs = {
        "of trial": Silence("E", window=(300, 500)),
        "of stimulus": Silence("E", "stimulus", window=(-40, 80.0)),
        "to the end": Silence("E", "stimulus", window=(100, None)),
    }
    for epoch, windowed in pairs.items():
        np.testing.assert_array_equal(strength(windowed), np.asarray(trial.during(epoch)).astype(float))
    ours = net.perturb(TRIAL, pairs["of stimulus"], key=KEY)
    wanted = net.perturb(trial, Silence("E", "of stimulus"), key=KEY)
    np.testing.assert_array_equal(ours.outputs, wanted.outputs)
    assert strength(Silence("E", window=(301, 519)))[:, 0].nonzero()[0].tolist() == list(range(16, 26))
    before = strength(Silence("E", "stimulus", window=(None, 0)))
    np.testing.assert_array_equal(before, np.arange(T)[:, None] < SPANS["stimulus"][:, 0])


def test_other_trials_are_those_without(net, plain):
    """Drawn at random and always the same, listed, masked, or by condition."""
    given = {
        0.5: perturbed_trials(Silence("E", trials=0.5), TRIAL),
        (1, 4): np.isin(np.arange(B), [1, 4]),
        "mask": np.arange(B) % 2 == 0,
    }
    assert given[0.5].sum() == B / 2
    assert (perturbed_trials(Silence("E", trials=0.5, seed=1), TRIAL) != given[0.5]).any()
    for trials, acts in given.items():
        chosen = trials if trials == 0.5 else [1, 4] if trials == (1, 4) else acts
        ours = arrays(net.perturb(TRIAL, Silence("E", trials=chosen), key=KEY))
        always = arrays(net.perturb(TRIAL, Silence("E"), key=KEY))
        for one, before, after in zip(ours, plain, always, strict=True):
            np.testing.assert_allclose(one[:, ~acts], before[:, ~acts], rtol=1e-6, atol=1e-6)
            np.testing.assert_array_equal(one[:, acts], after[:, acts])
    balanced = TASK.trials(2, key=0)
    coherence = np.asarray(balanced.conditions["coherence"])
    acts = perturbed_trials(Silence("E", trials={"coherence": [3.2, -6.4]}), balanced)
    np.testing.assert_allclose(np.unique(coherence[acts]), [-6.4, 3.2], rtol=1e-6)
    assert acts.sum() == 4


def test_a_smaller_fraction_of_cells_is_part_of_a_larger_one(net):
    sizes = {fraction: drawn_units(net.units, "E", fraction, 3) for fraction in (0.01, 0.25, 0.5, 1.0)}
    assert [int(mask.sum()) for mask in sizes.values()] == [1, 2, 4, 8]
    for small, large in itertools.pairwise(sizes.values()):
        assert (large | ~small).all()
    ours = net.perturb(TRIAL, Silence("E", cells=0.5, seed=3), noise=False)
    np.testing.assert_array_equal(
        ours.outputs, net.perturb(TRIAL, Silence(np.flatnonzero(sizes[0.5])), noise=False).outputs
    )
    assert any((drawn_units(net.units, "E", 0.5, seed) != sizes[0.5]).any() for seed in range(3))


def test_a_dose_of_silence_scales_what_is_sent_and_read_out(net):
    ours = net.perturb(TRIAL, Silence([0, 3], dose=0.3), key=KEY)
    scale = np.where(np.isin(np.arange(N), [0, 3]), 0.7, 1.0)
    weights = {"recurrent": net.W_rec * scale[:, None], "input": net.W_in, "readout": net.W_out * scale[:, None]}
    old = net.recurrent.connectivity
    wanted = make(Connectivity(old.sign, old.mask, old.fixed * scale[:, None]), weights, net.b_rec.value)
    wanted = wanted.predict(TRIAL.inputs, key=KEY)
    assert_close((ours.outputs, ours.currents), (wanted.outputs, wanted.currents))
    nothing = net.perturb(TRIAL, Silence("E", dose=0.0), key=KEY)
    assert_close(arrays(nothing), arrays(net.predict(TRIAL.inputs, key=KEY)), rtol=1e-6, atol=1e-6)


def test_a_dose_of_a_cut_scales_its_connections_and_one_of_a_drive_its_current(net):
    source, target = np.isin(np.arange(N), [1, 2, 9]), np.isin(np.arange(N), [2, 5, 6])
    ours = net.perturb(TRIAL, Cut(source, target, dose=0.4), key=KEY)
    left = 1.0 - 0.4 * np.outer(source, target)
    old = net.recurrent.connectivity
    weights = {"recurrent": net.W_rec * left, "input": net.W_in, "readout": net.W_out}
    wanted = make(Connectivity(old.sign, old.mask, old.fixed * left), weights, net.b_rec.value)
    assert_close(arrays(ours), arrays(wanted.predict(TRIAL.inputs, key=KEY)))
    driven = net.perturb(TRIAL, Drive("E", 2.0, "decision", dose=-0.25), key=KEY)
    np.testing.assert_array_equal(driven.outputs, net.perturb(TRIAL, Drive("E", -0.5, "decision"), key=KEY).outputs)


def test_ramps_and_courses_by_hand():
    """Ramps are linear in the middle of each step; a course is one value per step or a function of ms."""
    window = strength(Drive("E", 1.0, window=(100, 300), ramp=(40, 80)))[5:15, 0]
    np.testing.assert_allclose(window, [0.25, 0.75, 1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125])
    assert strength(Drive("E", 1.0, window=(100, 300), ramp=100)).max() == pytest.approx(0.9)
    values = strength(Drive("E", 1.0, "stimulus", course=[1.0, -2.0, 0.5]))
    for b, start in enumerate(SPANS["stimulus"][:, 0]):
        np.testing.assert_array_equal(values[:, b].nonzero()[0], [start, start + 1, start + 2])
        np.testing.assert_array_equal(values[start : start + 3, b], [1.0, -2.0, 0.5])
    sine = strength(Drive("E", 1.0, "stimulus", course=lambda ms: np.sin(ms / 50), dose=2.0))
    for b, (start, stop) in enumerate(SPANS["stimulus"]):
        np.testing.assert_allclose(sine[start:stop, b], 2 * np.sin(20.0 * np.arange(stop - start) / 50), atol=1e-6)
        assert not sine[:start, b].any()
    calls = []
    strength(Drive("E", 1.0, course=lambda ms: calls.append(ms) or 1.0))
    assert calls == [20.0 * step for step in range(T)]


def test_doses_windows_and_subsets_share_compiled_code(net):
    def run(**how):
        net.perturb(TRIAL, Silence("E", **how), Cut([0], [1], **how), key=KEY)

    run()
    compiled = _run._cache_size()
    for dose in (0.0, 0.1, 0.5):
        run(dose=dose, window=(100 * dose, 400), ramp=40 * dose, trials=0.5 + dose / 2, cells=0.3 + dose, seed=2)
    assert _run._cache_size() == compiled


@pytest.mark.parametrize(
    ("make_one", "message"),
    [
        (lambda: Silence("E", window=(500, 500)), r"must end after it starts; got \(500, 500\) ms"),
        pytest.param(
            lambda: Silence("E", window=300),
            r"a window is \(start, stop\) in ms, e.g. \(500, 800\); got 300",
            marks=pytest.mark.unchecked,
        ),
        (lambda: Silence("E", window=(float("nan"), 3)), "a window is"),
        (
            lambda: Silence("E", window=(5e4, None)),
            r"no step lies in the window \(50000, None\) ms from the start of the",
        ),
        (
            lambda: Silence("E", "stimulus", window=(1, 2)),
            r"the window \(1, 2\) ms from the start of stimulus: trials last",
        ),
        (lambda: Silence("E", window=(0.5, 0.8)), r"in steps of \d+\. Is it in seconds\?"),
        (lambda: Silence("E", cells=0.0), r"cells is the fraction .* in \(0, 1\]; got 0"),
        (lambda: Silence("E", cells=3), "Select units by index or label"),
        (lambda: Silence("E", trials=3), r"in \(0, 1\], or the trials themselves; got 3. A single trial is \[3\]"),
        (lambda: Silence("E", trials=[B]), r"indices in 0..5; got \[6\]"),
        (lambda: Silence("E", trials=[True]), r"a mask of shape \(6,\)"),
        (
            lambda: Silence("E", trials={"contrast": 1}),
            "these trials have no condition 'contrast'; they have coherence",
        ),
        (lambda: Silence("E", trials={"coherence": 99}), "no trial has coherence 99; its values are"),
        (lambda: Silence("E", dose=1.5), r"is the fraction that is silenced, in \[0, 1\]; got 1.5"),
        (lambda: Cut("E", "I", course=[0.5, -0.5]), "is the fraction that is cut, in .* got -0.5"),
        (lambda: Drive("E", 1.0, course=[[1.0]]), r"a course has one value per step, shape \(n,\); got shape \(1, 1\)"),
        (lambda: Drive("E", 1.0, course=lambda ms: [1, 2]), "a course must return one number for each time in ms"),
        (lambda: Drive("E", 1.0, course=[1.0, float("nan")]), "a course must be finite"),
        (lambda: Drive("E", 1.0, dose=float("inf")), "a dose must be finite; got inf"),
        (lambda: Drive("E", 1.0, ramp=-1), "ramps last >= 0 ms; got -1"),
        pytest.param(
            lambda: Drive("E", 1.0, ramp=(1, 2, 3)),
            r"a ramp is one time in ms, or \(rise, fall\)",
            marks=pytest.mark.unchecked,
        ),
        (lambda: Drive("E", 1.0, seed=-1), "a seed must be >= 0"),
    ],
)
def test_impossible_windows_subsets_and_doses_are_refused(net, make_one, message):
    with pytest.raises(ValueError, match=message):
        net.perturb(TRIAL, make_one(), noise=False)


def test_impossible_runs_are_refused_as_by_predict(net):
    with pytest.raises(ValueError, match=r"noisy \(sigma_rec 0.15, sigma_in 0.05\): pass key=eicon.key\(0\)"):
        net.perturb(TRIAL)
    with pytest.raises(ValueError, match=r"inputs must have shape \(T, B, n_in\) = \(T, B, 2\); got \(.*, 3\)"):
        net.perturb(TRIAL._replace(inputs=np.zeros((T, B, 3), np.float32)), noise=False)
    with pytest.raises(ValueError, match="inputs must be finite; got NaN or infinity"):
        net.perturb(TRIAL._replace(inputs=np.full((T, B, 2), np.nan, np.float32)), noise=False)


@pytest.mark.unchecked
def test_trials_come_first(net):
    with pytest.raises(TypeError, match="`trial` must be trials, as task.sample returns them; got Silence"):
        net.perturb(Silence("I"), TRIAL)
