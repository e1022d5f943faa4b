"""Constraints on a weight matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Connectivity
from eicon.models.weights import Dense

MAPS = ("abs", "relu", "softplus")


def mixed(positive="abs"):
    """Excitatory, inhibitory and free rows; trainable, fixed and absent entries."""
    rng = np.random.default_rng(0)
    sign = np.array([1, 1, -1, 0, 0])
    kind = rng.integers(0, 3, size=(5, 6))
    values = np.where(sign[:, None] == 0, rng.normal(size=(5, 6)), sign[:, None] * rng.uniform(0.1, 1, (5, 6)))
    connectivity = Connectivity(sign, kind == 0, np.where(kind == 1, values, 0), positive)
    return connectivity, np.where(kind == 2, 0, values).astype(np.float32)


def effective(connectivity, raw):
    """Weights that a network has of these raw ones."""
    return Dense.constrained(connectivity, raw).effective()


def test_dense_is_all_to_all_and_free():
    dense = Connectivity.dense(2, 3)
    assert dense.shape == (2, 3)
    assert dense.mask.all()
    assert not dense.sign.any()
    assert not dense.fixed.any()
    assert dense.trainable
    raw = jnp.array([[1.0, -2, 3], [-4, 5, -6]])
    np.testing.assert_array_equal(effective(dense, raw), raw)


def test_dense_takes_one_sign_or_one_per_row():
    assert Connectivity.dense(2, 3, sign=1).sign.tolist() == [1, 1]
    assert Connectivity.dense(2, 3, sign=[1, -1]).sign.tolist() == [1, -1]


@pytest.mark.parametrize(("n", "e_ratio", "n_e"), [(10, 0.8, 8), (5, 0.5, 2), (7, 0.75, 5)])
def test_dale_puts_excitatory_units_first(n, e_ratio, n_e):
    dale = Connectivity.dale(n, e_ratio)
    assert dale.sign.tolist() == [1] * n_e + [-1] * (n - n_e)
    np.testing.assert_array_equal(dale.mask, ~np.eye(n, dtype=bool))


def test_dale_with_autapses_or_other_targets_is_full():
    assert Connectivity.dale(6, autapses=True).mask.all()
    to_others = Connectivity.dale(6, n_post=6)
    assert to_others.mask.all()
    assert Connectivity.dale(6, n_post=2).shape == (6, 2)


def test_excitatory_only_reads_the_rows_that_excite():
    readout = Connectivity.excitatory_only([1, 1, -1], 2)
    assert readout.mask.tolist() == [[True, True], [True, True], [False, False]]
    assert (np.asarray(effective(readout, jnp.full((3, 2), -1.0))) == [[1, 1], [1, 1], [0, 0]]).all()
    assert Connectivity.excitatory_only([0, 0], 2).mask.all()


@pytest.mark.parametrize("positive", MAPS)
def test_effective_equals_the_formula(positive, reference_effective):
    connectivity, _ = mixed(positive)
    raw = np.random.default_rng(3).normal(size=connectivity.shape).astype(np.float32)
    np.testing.assert_allclose(
        effective(connectivity, jnp.asarray(raw)), reference_effective(connectivity, raw), rtol=1e-6
    )


@pytest.mark.parametrize("positive", MAPS)
@pytest.mark.parametrize("scale", [1e-4, 1.0, 50.0])
def test_raw_and_back(positive, scale):
    connectivity, weights = mixed(positive)
    weights = np.where(connectivity.mask, scale * weights, weights)
    raw = jnp.asarray(connectivity.raw(weights), jnp.float32)
    np.testing.assert_allclose(effective(connectivity, raw), weights, rtol=2e-5)


@pytest.mark.parametrize("positive", MAPS)
def test_a_zero_weight_survives(positive):
    dale = Connectivity.dale(4, 0.5, positive=positive)
    back = effective(dale, jnp.asarray(dale.raw(np.zeros((4, 4))), jnp.float32))
    np.testing.assert_allclose(back, 0, atol=1e-6)


def test_exists_is_trainable_or_fixed():
    connectivity, weights = mixed()
    np.testing.assert_array_equal(connectivity.exists, weights != 0)


def test_frozen_entries_keep_their_value_whatever_the_raw_weights():
    dale = Connectivity.dale(4, 0.5)
    weights = np.array([[0, 1, 2, 3], [4, 0, 5, 6], [-1, -2, 0, -3], [-4, -5, -6, 0]], np.float32)
    entries = np.zeros((4, 4), bool)
    entries[0, 1:3] = entries[3, 0] = True
    frozen = dale.frozen(weights, entries)
    assert not frozen.mask[entries].any()
    np.testing.assert_array_equal(frozen.mask | entries, dale.mask)
    noise = jnp.asarray(np.random.default_rng(0).normal(size=(4, 4)), jnp.float32)
    found = np.asarray(effective(frozen, noise))
    assert found[entries].tolist() == [1, 2, -4]
    assert (found[frozen.mask] == np.asarray(effective(dale, noise))[frozen.mask]).all()


def test_frozen_as_a_whole_cannot_learn():
    dale = Connectivity.dale(4, 0.5)
    weights = np.array([1, 1, -1, -1])[:, None] * (1 - np.eye(4))
    frozen = dale.frozen(weights)
    assert not frozen.trainable
    np.testing.assert_array_equal(effective(frozen, jnp.ones((4, 4))), weights)


def test_freezing_keeps_what_was_fixed_before():
    connectivity, weights = mixed()
    frozen = connectivity.frozen(weights)
    np.testing.assert_array_equal(frozen.fixed, weights)


def test_arrays_are_immutable_copies():
    sign, mask, fixed = np.array([1, -1]), np.ones((2, 2), bool), np.zeros((2, 2))
    connectivity = Connectivity(sign, mask, fixed)
    sign[0], mask[0, 0], fixed[0, 0] = -1, False, 9
    assert connectivity.sign.tolist() == [1, -1]
    assert connectivity.mask.all()
    assert not connectivity.fixed.any()
    for name in ("sign", "mask", "fixed"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(connectivity, name)[0] = 0
        with pytest.raises(AttributeError):
            setattr(connectivity, name, None)


def test_from_connectome_connects_where_the_anatomy_does():
    anatomy = np.array([[0, 2.0, 0], [0, 0.5, 1e-9], [3, 0, 0]])
    connectivity = Connectivity.from_connectome(anatomy, sign=[1, -1, 0], positive="softplus")
    assert connectivity.mask.tolist() == [[False, True, False], [False, True, True], [True, False, False]]
    assert connectivity.sign.tolist() == [1, -1, 0]
    assert connectivity.positive == "softplus"
    assert not connectivity.fixed.any()
    assert Connectivity.from_connectome(anatomy).sign.tolist() == [0, 0, 0]
    assert Connectivity.from_connectome(anatomy, sign=1).sign.tolist() == [1, 1, 1]


CONSTRAINED = {
    "dense": Connectivity.dense(3, 4),
    "dense, positive": Connectivity.dense(3, 4, sign=1, positive="softplus"),
    "dale": Connectivity.dale(5),
    "dale, relu": Connectivity.dale(5, positive="relu"),
    "dale, frozen": Connectivity.dale(4, 0.5).frozen(np.array([1, 1, -1, -1])[:, None] * np.ones((4, 4))),
    "mixed": mixed()[0],
    "mixed, softplus": mixed("softplus")[0],
}


@pytest.mark.parametrize("name", CONSTRAINED)
def test_weights_hold_a_connectivity_and_give_it_back(name, reference_effective):
    connectivity = CONSTRAINED[name]
    raw = np.random.default_rng(3).normal(size=connectivity.shape).astype(np.float32)
    weights = Dense.constrained(connectivity, raw)
    assert np.asarray(weights.raw).tobytes() == raw.tobytes()
    assert weights.connectivity.digest == connectivity.digest
    assert weights.positive == connectivity.positive
    assert weights.shape == connectivity.shape
    assert weights.trainable == connectivity.trainable
    np.testing.assert_array_equal(weights.sign, connectivity.sign)
    wanted = reference_effective(connectivity, raw)
    np.testing.assert_allclose(weights.effective(), wanted, rtol=1e-6)
    np.testing.assert_array_equal(weights.matrix(), weights.effective())
    sizes, n = weights.sizes()
    np.testing.assert_array_equal(sizes, weights.effective())
    assert n == connectivity.exists.sum()


@pytest.mark.parametrize("name", CONSTRAINED)
def test_products_are_those_of_the_effective_matrix(name, reference_effective):
    connectivity = CONSTRAINED[name]
    rng = np.random.default_rng(4)
    raw = rng.normal(size=connectivity.shape).astype(np.float32)
    product, matrix = Dense.constrained(connectivity, raw).product(), reference_effective(connectivity, raw)
    r, g = (jnp.asarray(rng.normal(size=(3, 2, n)), jnp.float32) for n in connectivity.shape)
    np.testing.assert_allclose(product.send(r), r @ matrix, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(product.pull(g), g @ matrix.T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(product.outer(r, g).values, np.einsum("tbi,tbj->ij", r, g), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CONSTRAINED)
def test_some_of_the_weights(name, reference_effective):
    connectivity = CONSTRAINED[name]
    n_pre, n_post = connectivity.shape
    rng = np.random.default_rng(5)
    raw = rng.normal(size=connectivity.shape).astype(np.float32)
    pairs = [(rng.random(n_pre) < 0.5, rng.random(n_post) < 0.5) for _ in range(2)]
    part = Dense.constrained(connectivity, raw).between(pairs)
    matrix = reference_effective(connectivity, raw)
    wanted = [
        [matrix[i, j] if any(source[i] and target[j] for source, target in pairs) else 0.0 for j in range(n_post)]
        for i in range(n_pre)
    ]
    np.testing.assert_allclose(part.send(jnp.eye(n_pre)), wanted, rtol=1e-6)
    assert not np.asarray(Dense.constrained(connectivity, raw).between([]).values).any()


def test_weights_hold_only_what_constrains():
    """So that free networks run no code for it."""
    free = Dense.constrained(Connectivity.dense(3, 4), np.zeros((3, 4)))
    assert (free.signs, free.mask, free.fixed) == (None, None, None)
    dale = Dense.constrained(Connectivity.dale(4), np.zeros((4, 4)))
    assert dale.signs.shape == (4,)
    assert dale.mask.shape == (4, 4)
    assert dale.fixed is None


def test_whatever_lies_under_a_mask_changes_nothing():
    """Raw weights where no connection is: NaN or infinite, they reach neither weights nor gradient."""
    weights = Dense.constrained(Connectivity.dale(4), np.where(np.eye(4), np.nan, 0.5))
    assert np.isfinite(weights.effective()).all()
    gradient = np.asarray(jax.grad(lambda w: (w.effective() ** 2).sum(), allow_int=True)(weights).raw)
    np.testing.assert_array_equal(gradient, 1.0 - np.eye(4))


ONES, ZEROS = np.ones((2, 2), bool), np.zeros((2, 2))
DALE = Connectivity.dale(4, 0.5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Connectivity.dense(0, 3), "n_pre must be at least 1; got 0"),
        (lambda: Connectivity.dense(3, 0), "n_post must be at least 1; got 0"),
        (lambda: Connectivity.dale(0), "n must be at least 1; got 0"),
        (lambda: Connectivity.dale(10, 1.0), r"e_ratio must be in \(0, 1\).*got 1.0.*use Connectivity.dense"),
        (lambda: Connectivity.dale(10, 0.0), r"e_ratio must be in \(0, 1\).*got 0.0"),
        (lambda: Connectivity.dale(2, 0.9), "e_ratio 0.9 of 2 units leaves 2 E and 0 I; both must exist"),
        (lambda: Connectivity(np.ones(3, int), ONES, ZEROS), r"needs sign \(n_pre,\).*got \(3,\), \(2, 2\)"),
        (lambda: Connectivity(np.ones(2, int), ONES, np.zeros((2, 3))), r"and fixed .*got .* and \(2, 3\)"),
        (lambda: Connectivity(np.ones(2, int), np.ones(2, bool), np.zeros(2)), "needs sign"),
        (lambda: Connectivity(np.array([1, 2]), ONES, ZEROS), r"signs must be -1, 0 or 1; got \[1.0, 2.0\]"),
        (lambda: Connectivity(np.array([1.0, 0.5]), ONES, ZEROS), r"signs must be -1, 0 or 1; got \[0.5, 1.0\]"),
        (lambda: Connectivity(np.ones(2, int), ONES, ZEROS, "square"), "unknown map 'square'.*abs, relu, softplus"),
        (lambda: Connectivity(np.ones(2, int), ~ONES, ZEROS + np.nan), "fixed weights must be finite"),
        (lambda: Connectivity(np.ones(2, int), ONES, ZEROS + 1), r"either trainable \(mask\) or fixed.*both"),
        (lambda: Connectivity(np.ones(2, int), ~ONES, ZEROS - 1), "fixed entry contradicts the sign.*transposed"),
        (lambda: DALE.raw(np.ones((4, 3))), r"weights must have shape \(4, 4\) \(n_pre, n_post\); got \(4, 3\)"),
        (
            lambda: DALE.raw(np.tile([1, 1, -1, -1], (4, 1))),
            r"8 weights contradict the sign of their row, the first at \[pre, post\] = \[0, 2\]; .*transposed\?",
        ),
        (lambda: DALE.frozen(np.ones((4, 4))), "contradicts the sign of its row"),
        (lambda: Connectivity.from_connectome(np.ones((2, 3))), r"anatomy must be square, .*; got shape \(2, 3\)"),
        (lambda: Connectivity.from_connectome(np.ones(3)), r"anatomy must be square, .*; got shape \(3,\)"),
    ],
)  # fmt: skip
def test_errors_say_what_is_wrong(make, message):
    with pytest.raises(ValueError, match=message):
        make()
