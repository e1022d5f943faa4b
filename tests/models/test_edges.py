"""Products of sparse weights and their derivatives, against dense ones."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon.models import Edges
from eicon.models.weights import Dense


def assert_close(ours: Any, expected: Any, tolerance: float) -> None:
    """Relative to the largest number."""
    np.testing.assert_allclose(ours, expected, rtol=0, atol=tolerance * float(jnp.abs(expected).max()))


@pytest.mark.battery
@pytest.mark.parametrize("trials", [(), (5,), (5, 4)])
@pytest.mark.parametrize("kind", ["single", "signed", "shared", "shared and signed"])
def test_products_of_edges_and_their_derivatives_of_any_number_of_trials(kind, trials, x64):
    """In pieces of pieces, since each target has 0 to 120 sources; both ways, in both modes, against a dense matrix."""
    n_pre, n_post, rng = 130, 40, np.random.default_rng(0)
    pre, post = np.nonzero(rng.random((n_pre, n_post)) < np.linspace(0, 0.95, n_post))
    given: dict[str, Any] = {"scale": rng.integers(1, 9, len(pre)), "positive": "softplus", "seed": 1}
    if "signed" in kind:
        given["sign"] = rng.integers(-1, 2, len(pre))
    if "shared" in kind:
        given["group"] = pre % 3 * 5 + post % 5
    weights = Edges.of(pre, post, (n_pre, n_post), **given)
    assert np.bincount(weights.layout.post).max() > 64
    dense = Dense(jnp.zeros((n_pre, n_post)))
    r, g = (jnp.asarray(rng.normal(size=(*trials, n))) for n in (n_pre, n_post))

    def loss(product, r, g):
        return jnp.sum(product.send(r) ** 2 * g) + jnp.sum(product.pull(g) ** 2 * r)

    def by_edges(raw, r, g):
        return loss(replace(weights, raw=raw).product(), r, g)

    def by_matrix(raw, r, g):
        return loss(replace(dense, raw=replace(weights, raw=raw).matrix()).product(), r, g)

    at = weights.raw, r, g
    np.testing.assert_allclose(by_edges(*at), by_matrix(*at), rtol=1e-11)
    for ours, theirs in zip(*(jax.grad(f, (0, 1, 2))(*at) for f in (by_edges, by_matrix)), strict=True):
        assert_close(ours, theirs, 1e-11)
    along = tuple(jnp.asarray(rng.normal(size=a.shape)) for a in at)
    assert_close(*(jax.jvp(f, at, along)[1] for f in (by_edges, by_matrix)), 1e-11)
    two = jnp.stack([r, 2 * r])
    assert_close(jax.vmap(weights.product().send)(two)[1], 2 * weights.product().send(r), 1e-12)


def test_units_without_connections_receive_nothing_even_of_what_is_not_finite():
    weights = Edges.of([1, 2], [1, 1], (3, 3), weights=1.0)
    sent = weights.product().send(jnp.asarray([jnp.nan, 1.0, 2.0]))
    np.testing.assert_array_equal(sent, [0.0, 3.0, 0.0])


def test_many_trials_of_units_with_few_connections(x64):
    rng = np.random.default_rng(0)
    pre, post = np.divmod(rng.permutation(30 * 50)[:60], 50)
    weights = Edges.of(pre, post, (30, 50), seed=1)
    r, g = (jnp.asarray(rng.normal(size=(20, n))) for n in (30, 50))
    matrix, product = np.asarray(weights.matrix()), weights.product()
    np.testing.assert_allclose(product.send(r), r @ matrix, atol=1e-12)
    np.testing.assert_allclose(product.pull(g), g @ matrix.T, atol=1e-12)
    found = jax.grad(lambda raw: jnp.sum(replace(weights, raw=raw).product().send(r) * g))(weights.raw)
    np.testing.assert_allclose(found, (r.T @ g)[weights.layout.pre, weights.layout.post], atol=1e-12)
