"""Networks of named populations: what is connected, how densely, and that it stays so."""

import re

import jax
import numpy as np
import pytest

from eicon.models import Connectivity, Population, Projection, RateRNN, load, save, verify
from eicon.tasks import PerceptualDecision
from eicon.training import Trainer

UNITS = [
    Population("sensory E", 7, "E", "S"),
    Population("motor E", 6, "E", "M"),
    Population("sensory I", 3, "I", "S"),
    Population("motor I", 2, "I", "M"),
    Population("free", 4),
]
TYPES = {"E": 1, "I": -1, "": 0}


def names_of(populations):
    return [population.name for population in populations for _ in range(population.n)]


def matches(pattern, name):
    """A star stands for any letters, and nothing else is special."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name) is not None


def by_hand(sources, targets, projections, autapses):
    """Index of the projection that connects each pair of units, or -1: a plain double loop over names."""
    rows, columns = names_of(sources), names_of(targets)
    found = np.full((len(rows), len(columns)), -1)
    for i, source in enumerate(rows):
        for j, target in enumerate(columns):
            for k, projection in enumerate(projections):
                if matches(projection.source, source) and matches(projection.target, target):
                    found[i, j] = k
    if sources is targets and not autapses:
        np.fill_diagonal(found, -1)
    return found


PROJECTIONS = [
    Projection("sensory *", "sensory *"),
    Projection("motor *", "motor *"),
    Projection("sensory E", "motor *"),
    Projection("motor E", "sensory E"),
    Projection("* I", "free"),
    Projection("free", "free"),
]


@pytest.mark.parametrize("autapses", [False, True])
def test_mask_is_a_double_loop_over_names(autapses):
    connectivity = Connectivity.areas(UNITS, UNITS, PROJECTIONS, autapses=autapses)
    np.testing.assert_array_equal(connectivity.mask, by_hand(UNITS, UNITS, PROJECTIONS, autapses) >= 0)
    assert connectivity.sign.tolist() == [1] * 13 + [-1] * 5 + [0] * 4
    assert not connectivity.fixed.any()
    assert connectivity.positive == "abs"
    assert (
        Connectivity.areas(UNITS, UNITS, PROJECTIONS[::-1], autapses=autapses, positive="relu").mask.tolist()
        == connectivity.mask.tolist()
    )


def test_rows_and_columns_are_in_the_order_of_the_populations():
    """Blocks are [source, target]: no population has the size of another, so that none can be transposed."""
    order = [4, 2, 0, 3, 1]
    shuffled = [UNITS[i] for i in order]
    channels = [Population("left"), Population("right", 2)]
    listed = [Projection("left", "sensory *"), Projection("right", "* I")]
    for targets in (UNITS, shuffled):
        connectivity = Connectivity.areas(channels, targets, listed)
        assert connectivity.shape == (3, 22)
        np.testing.assert_array_equal(connectivity.mask, by_hand(channels, targets, listed, False) >= 0)
    recurrent = Connectivity.areas(shuffled, shuffled, PROJECTIONS)
    np.testing.assert_array_equal(recurrent.mask, by_hand(shuffled, shuffled, PROJECTIONS, False) >= 0)
    assert recurrent.sign.tolist() == [TYPES[p.type] for p in shuffled for _ in range(p.n)]


def test_all_to_all_by_default():
    np.testing.assert_array_equal(Connectivity.areas(UNITS, UNITS).mask, ~np.eye(22, dtype=bool))
    dale = [Population("E", 8, "E"), Population("I", 2, "I")]
    assert Connectivity.areas(dale, dale).digest == Connectivity.dale(10).digest


DENSITIES = {0: 0.5, 1: 0.07, 2: 0.31, 3: 0.9, 4: 0.66, 5: 0.17}
SPARSE = [Projection(p.source, p.target, density=DENSITIES[k]) for k, p in enumerate(PROJECTIONS)]


@pytest.mark.parametrize("autapses", [False, True])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_block_has_exactly_the_density_that_was_asked(autapses, seed):
    mask = Connectivity.areas(UNITS, UNITS, SPARSE, autapses=autapses, seed=seed).mask
    possible = by_hand(UNITS, UNITS, PROJECTIONS, autapses)
    assert not mask[possible < 0].any()
    names = np.array(names_of(UNITS))
    blocks = 0
    for source in UNITS:
        for target in UNITS:
            block = np.ix_(names == source.name, names == target.name)
            pairs = int((possible[block] >= 0).sum())
            if pairs:
                blocks += 1
                assert mask[block].sum() == round(DENSITIES[possible[block].max()] * pairs), (source, target)
    assert blocks == 14


def test_seed_chooses_the_pairs_and_is_all_that_does():
    first, again, other = (Connectivity.areas(UNITS, UNITS, SPARSE, seed=seed) for seed in (0, 0, 1))
    assert first.digest == again.digest
    assert first.mask.sum() == other.mask.sum()
    assert (first.mask != other.mask).any()
    dense = [Connectivity.areas(UNITS, UNITS, PROJECTIONS, seed=seed).digest for seed in (0, 1)]
    assert dense[0] == dense[1]


def test_every_pair_is_equally_probable():
    n, draws = [Population("a", 4), Population("b", 5)], 500
    counts = sum(
        Connectivity.areas(n, n, [Projection("a", "b", density=0.3)], seed=seed).mask.astype(int)
        for seed in range(draws)
    )
    assert not counts[4:].any()
    assert not counts[:, :4].any()
    assert np.abs(counts[:4, 4:] - 0.3 * draws).max() < 4.5 * np.sqrt(draws * 0.3 * 0.7)


def test_a_single_unit_without_autapses_is_not_connected_to_itself():
    units = [Population("one", 1, "E"), Population("two", 2, "E")]
    mask = Connectivity.areas(units, units, [Projection()]).mask
    assert mask.astype(int).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("*", {"E", "e", "E2", "a*b", "[x]", "x"}),
        ("E", {"E"}),
        ("E*", {"E", "E2"}),
        ("[Ee]", {"E", "e"}),
        ("?", {"E", "e", "x"}),
        ("a[*]b", {"a*b"}),
        ("[[]x]", {"[x]"}),
        ("[x]", {"x"}),
    ],
)
def test_patterns(pattern, wanted):
    units = [Population(name) for name in ("E", "e", "E2", "a*b", "[x]", "x")]
    mask = Connectivity.areas(units, [Population("target")], [Projection(pattern)]).mask[:, 0]
    assert {unit.name for unit, there in zip(units, mask, strict=True) if there} == wanted


def test_constant_weights_have_the_sign_of_their_source():
    units = [Population("E", 3, "E"), Population("I", 2, "I"), Population("free", 2)]
    listed = [
        Projection("E", "E"),
        Projection("E", "I", weight=0.3),
        Projection("I", "*", weight=0.7, density=0.5),
        Projection("free", "E", weight=-0.2),
        Projection("free", "I", weight=0.4),
    ]
    connectivity = Connectivity.areas(units, units, listed, seed=2)
    sizes = {("E", "I"): 0.3, ("I", "E"): -0.7, ("I", "I"): -0.7, ("I", "free"): -0.7}
    sizes |= {("free", "E"): -0.2, ("free", "I"): 0.4}
    names = names_of(units)
    for i, j in np.ndindex(7, 7):
        value, wanted = connectivity.fixed[i, j], np.float32(sizes.get((names[i], names[j]), 0.0))
        assert value in (wanted, 0) if names[i] == "I" else value == wanted
        assert connectivity.mask[i, j] == (names[i] == names[j] == "E" and i != j)
    from_i = connectivity.fixed[3:5] != 0
    assert [int(from_i[:, names_at].sum()) for names_at in (slice(0, 3), slice(3, 5), slice(5, 7))] == [3, 1, 2]


ONE, TWO = Population("one", 2, "E"), Population("two", 3, "I")
BOTH = [ONE, TWO]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Population(""), "a population needs a name; got an empty one"),
        (lambda: Population("a", 0), "population 'a' must have at least 1 unit; got 0"),
        (lambda: Population("a", 1, "X"), "population 'a' has unknown type 'X'; allowed: E, I or nothing"),
        (lambda: Projection("a", "b", density=0.0), r"density of 'a' -> 'b' must be in \(0, 1\]; got 0.0"),
        (lambda: Projection("a", "b", density=1.01), r"density of 'a' -> 'b' must be in \(0, 1\]; got 1.01"),
        (lambda: Projection(density=float("nan")), r"density of '\*' -> '\*' must be in \(0, 1\]; got nan"),
        (lambda: Projection("a", "b", weight=0.0), "constant weight must be finite and not 0; got 0.0 in 'a' -> 'b'"),
        (lambda: Projection(weight=float("inf")), "constant weight must be finite and not 0; got inf"),
        (lambda: Connectivity.areas([ONE, ONE], BOTH), "duplicate population name 'one'; names must be unique"),
        (lambda: Connectivity.areas(BOTH, [TWO, TWO]), "duplicate population name 'two'; names must be unique"),
        (
            lambda: Connectivity.areas(BOTH, BOTH, [Projection("on")]),
            r"no population matches 'on' of 'on' -> '\*'; populations are 'one', 'two'",
        ),
        (
            lambda: Connectivity.areas(BOTH, [TWO], [Projection("*", "one")]),
            r"no population matches 'one' of '\*' -> 'one'; populations are 'two'",
        ),
        (
            lambda: Connectivity.areas(BOTH, BOTH, [Projection("one"), Projection("*", "two")]),
            r"'one' -> 'two' is connected twice, by 'one' -> '\*' and by '\*' -> 'two'",
        ),
        (lambda: Connectivity.areas(BOTH, BOTH, []), "at least one projection is needed"),
        (lambda: Connectivity.areas([], BOTH), "at least one source population and one target population"),
        (lambda: Connectivity.areas(BOTH, []), "at least one source population"),
        (lambda: RateRNN.from_populations(BOTH, 0, 1), "at least one source population"),
        (
            lambda: Connectivity.areas(BOTH, BOTH, [Projection("one", weight=-1.0)]),
            "a constant weight is a magnitude, and must be > 0 if the source is E or I; got one < 0",
        ),
        (lambda: Connectivity.areas(BOTH, BOTH, [Projection("two", weight=-1.0)]), "is a magnitude, and must be > 0"),
        (lambda: RateRNN.from_populations(BOTH, ["a", "a"], 1), "duplicate population name 'a'; names must be unique"),
        (
            lambda: RateRNN.from_populations(BOTH, 2, 1, input=[Projection("input 2")]),
            "no population matches 'input 2' of .*; populations are 'input 0', 'input 1'",
        ),
        (
            lambda: RateRNN.from_populations(BOTH, 2, ["up"], readout=[Projection("one", "output 0")]),
            "no population matches 'output 0' of 'one' -> 'output 0'; populations are 'up'",
        ),
        (
            lambda: RateRNN.from_populations(BOTH, 2, 1, recurrent=[Projection("one", "two")], spectral_radius=1.0),
            "contain no loop",
        ),
    ],
)
def test_errors_say_what_is_wrong(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_network_of_populations():
    net = RateRNN.from_populations(
        UNITS,
        ["left", "right"],
        ["up", "down", "rest"],
        recurrent=PROJECTIONS,
        input=[Projection("left", "sensory *"), Projection("right", "free")],
        readout=[Projection("motor E", "up"), Projection("free", "*n"), Projection("sensory I", "rest")],
        spectral_radius=1.3,
        bias=True,
        seed=4,
    )
    assert net.units["population"].tolist() == names_of(UNITS)
    assert net.units["area"].tolist() == ["S"] * 7 + ["M"] * 6 + ["S"] * 3 + ["M"] * 2 + [""] * 4
    assert net.units["type"].tolist() == [p.type for p in UNITS for _ in range(p.n)]
    names = names_of(UNITS)
    w_rec, w_in, w_out = (np.asarray(w) for w in (net.W_rec, net.W_in, net.W_out))
    np.testing.assert_array_equal(w_rec != 0, by_hand(UNITS, UNITS, PROJECTIONS, False) >= 0)
    to = {"left": {"sensory E", "sensory I"}, "right": {"free"}}
    np.testing.assert_array_equal(w_in != 0, [[name in to[channel] for name in names] for channel in to])
    from_ = {"up": {"motor E"}, "down": {"free"}, "rest": {"sensory I"}}
    np.testing.assert_array_equal(w_out != 0, [[name in from_[output] for output in from_] for name in names])
    sign = np.array([TYPES[p.type] for p in UNITS for _ in range(p.n)])
    for weights in (w_rec, w_out):
        assert (sign[:, None] * weights >= 0).all()
    assert (w_in >= 0).all()
    assert len(set(np.sign(w_rec[18:]).ravel())) == 3, "free units have weights of either sign"
    certificate = verify(net)
    assert certificate.ok
    assert (certificate.n_excitatory, certificate.n_inhibitory, certificate.n_free) == (13, 5, 4)
    assert certificate.spectral_radius == pytest.approx(1.3, rel=1e-5)
    assert net.b_rec is not None


def test_defaults_of_input_and_readout():
    net = RateRNN.from_populations(
        [Population("E*", 3, "E"), Population("E 2", 2, "I"), Population("[E]", 3, "E")], 2, 2
    )
    assert (np.asarray(net.W_in) > 0).all()
    assert (np.asarray(net.W_out) > 0).tolist() == [[True] * 2] * 3 + [[False] * 2] * 2 + [[True] * 2] * 3
    assert not np.asarray(net.W_out)[3:5].any(), "names that look like patterns read out no other population"
    free = RateRNN.from_populations([Population("a", 9), Population("b", 8)], 2, 2, free_input=True)
    assert np.asarray(free.W_out).all()
    assert {-1, 1} == set(np.sign(free.W_in).ravel()) == set(np.sign(free.W_out).ravel())
    signed = RateRNN.from_populations([Population("E", 20, "E"), Population("I", 5, "I")], 1, 2, free_readout=True)
    assert {-1, 1} == set(np.sign(np.asarray(signed.W_out)[:20]).ravel())
    assert not np.asarray(signed.W_out)[20:].any()


def test_channels_and_outputs_may_be_called_as_populations_are():
    """They are no units: nothing is an autapse."""
    units = [Population("left"), Population("right")]
    net = RateRNN.from_populations(units, ["left", "right"], ["left", "right"], free_input=True)
    assert np.asarray(net.W_in).all()
    assert np.asarray(net.W_out).all()
    assert (np.asarray(net.W_rec) != 0).tolist() == [[False, True], [True, False]]


def test_seed_fixes_connections_and_weights():
    def make(seed):
        return RateRNN.from_populations(UNITS, 2, 2, recurrent=SPARSE, input=[Projection(density=0.5)], seed=seed)

    first, again, other = (make(seed) for seed in (3, 3, 4))
    assert first.constants == again.constants
    assert first.constants != other.constants
    for name, value in first.parameters().items():
        assert np.asarray(value).tobytes() == np.asarray(again.parameters()[name]).tobytes(), name
    assert (first.input.connectivity.mask != other.input.connectivity.mask).any()
    assert (np.asarray(first.W_in)[:, :13] != 0).sum() == 2 * (round(0.5 * 7) + round(0.5 * 6))


AREAS = [
    Population("sensory E", 6, "E", "S"),
    Population("motor E", 6, "E", "M"),
    Population("sensory I", 2, "I", "S"),
    Population("motor I", 2, "I", "M"),
]
TWO_AREAS = [
    Projection("sensory *", "sensory *"),
    Projection("motor *", "motor E"),
    Projection("motor *", "motor I", weight=0.1),
    Projection("sensory E", "motor *", density=0.6),
    Projection("motor E", "sensory *", density=0.2),
]


@pytest.mark.battery
@pytest.mark.parametrize("optimizer", ["adam", pytest.param("sgd", marks=pytest.mark.battery)])
def test_training_keeps_connections_signs_and_constant_weights(optimizer, tmp_path):
    task = PerceptualDecision(fixation=40.0, stimulus=60.0, decision=40.0)
    net = RateRNN.from_populations(
        AREAS,
        task.input_channels,
        task.output_channels,
        recurrent=TWO_AREAS,
        input=[Projection("*", "sensory *", density=0.8)],
        readout=[Projection("motor E", "choice 0", density=0.5), Projection("motor E", "choice 1", weight=0.2)],
        positive="relu" if optimizer == "sgd" else "abs",
        sigma_rec=0.1,
        seed=1,
    )
    before = {role: np.asarray(getattr(net, role)) for role in ("W_rec", "W_in", "W_out")}
    trainer = Trainer(net, task, optimizer=optimizer, learning_rate=0.05, batch_size=8, validation_repeats=1)
    trainer.fit(10, progress=False)
    certificate = verify(net)
    assert certificate.ok, certificate.problems()
    for role, connectivity in (
        ("W_rec", net.recurrent.connectivity),
        ("W_in", net.input.connectivity),
        ("W_out", net.readout.connectivity),
    ):
        after = np.asarray(getattr(net, role))
        fixed = connectivity.fixed != 0
        assert after[fixed].tobytes() == before[role][fixed].tobytes()
        assert (after[connectivity.mask] != before[role][connectivity.mask]).any()
        assert not after[~connectivity.exists].any()
    names, w_rec = np.array(names_of(AREAS)), np.asarray(net.W_rec)
    assert net.recurrent.connectivity.fixed[:, names == "motor I"].any()
    exists = net.recurrent.connectivity.exists
    for (source, target), density in {
        ("sensory E", "motor E"): 0.6,
        ("sensory E", "motor I"): 0.6,
        ("motor E", "sensory E"): 0.2,
        ("motor E", "sensory I"): 0.2,
        ("sensory I", "motor E"): 0.0,
        ("motor I", "sensory E"): 0.0,
    }.items():
        block = np.ix_(names == source, names == target)
        assert exists[block].sum() == round(density * exists[block].size)
        if optimizer == "adam":  # the map "relu" may put weights to 0
            assert (w_rec[block] != 0).sum() == round(density * exists[block].size)
    save(net, tmp_path / "net.npz")
    back = load(tmp_path / "net.npz")
    assert back.units["population"].tolist() == names.tolist()
    assert back.units["area"].tolist() == net.units["area"].tolist()
    inputs = jax.jit(lambda key: task.trials(1, key=key).inputs)(jax.random.key(0))
    np.testing.assert_array_equal(back.predict(inputs, noise=False).outputs, net.predict(inputs, noise=False).outputs)
