"""What JAX cannot trace in a user's callable is said in one line, with the line of the user's file."""

import math
import re
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from eicon import analysis
from eicon._users import named, scalar, users_code
from eicon.models import RateRNN, activation
from eicon.models.cells import TIME, Parameter

POINTS = np.linspace(-1.0, 1.0, 3)[:, None]
kept = []


def with_numpy(x):
    return x - 0.1 * np.sin(x)


def with_scipy(x):
    return 0.5 * scipy.special.expit(x)


def with_if(x):
    return x if x.sum() > 0 else 0.5 * x


def with_min(x):
    return x * min(x.sum(), 1.0)


def with_float(x):
    return x * float(x.sum())


def with_math(x):
    return x * math.exp(x.sum())


def with_a_list(x):
    return x * [0.1, 0.2][jnp.argmax(x)]


def with_a_mask(x):
    return x[x > 0]


def with_assignment(x):
    x[0] = 0.0
    return x


def with_a_shape(x):
    return jnp.zeros(jnp.argmax(x))


def keeping(x):
    kept.append(x)
    return kept[0] + x


CANNOT = {
    with_numpy: "NumPy (or another library that is not JAX) was given a value that is not known yet: use jax.numpy",
    with_scipy: "NumPy (or another library that is not JAX) was given a value that is not known yet: use jax.numpy",
    with_if: "a decision in Python (if, while, and, or, not, min, max) depends on a value that is not known yet: use j",
    with_min: "a decision in Python (if, while, and, or, not, min, max) depends on a value that is not known yet: use",
    with_float: "float(), int(), .item() or a function of math was given a value that is not known yet: keep it",
    with_math: "float(), int(), .item() or a function of math was given a value that is not known yet: keep it",
    with_a_list: "a list was indexed, or range() was called, with a value that is not known yet: index an",
    with_a_mask: "x[condition] has a length that is not known yet: use jnp.where(condition, x, 0)",
    with_assignment: "arrays of JAX cannot be assigned to: write x = x.at[i].set(value) instead of x[i] = value",
    with_a_shape: "a shape depends on a value that is not known yet: shapes are fixed when a program is compiled",
}


@pytest.mark.parametrize("function", CANNOT)
def test_what_cannot_be_traced_is_said_in_one_line(function):
    @jax.jit
    def run(x):
        with users_code(named("loss", function)):
            return function(x)

    place = f"the loss `{function.__name__}` cannot be compiled (test_users_code.py, line "
    with pytest.raises(TypeError, match=re.escape(place) + r"\d+: .+\): " + re.escape(CANNOT[function])) as caught:
        run(jnp.ones(3))
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert caught.value.__context__ is not None


def test_a_value_that_was_kept():
    kept.clear()
    with users_code("the loss `keeping`"):
        jax.jit(lambda x: 2 * keeping(x))(jnp.ones(3))
    with pytest.raises(TypeError, match="the loss `keeping` cannot be compiled.*a value of an earlier call was kept"):  # noqa: SIM117
        with users_code("the loss `keeping`"):
            jax.jit(lambda x: 3 * keeping(x))(jnp.ones(3))


def test_other_errors_and_results_pass():
    with pytest.raises(ZeroDivisionError), users_code("the loss `f`"):
        raise ZeroDivisionError
    with pytest.raises(TypeError, match="^my own$"), users_code("the loss `f`"):
        raise TypeError("my own")
    with pytest.raises(TypeError, match="^the task `A` cannot"), users_code("the loss `f`"), users_code("the task `A`"):
        jax.jit(with_numpy)(jnp.ones(3))


def test_a_line_of_a_library_is_not_the_users():
    with pytest.raises(TypeError, match=r"^the loss `f` cannot be compiled \(test_users_code.py, line \d+: jax.jit"):  # noqa: SIM117
        with users_code("the loss `f`"):
            jax.jit(lambda x: scipy.special.expit(x))(jnp.ones(3))


@dataclass
class Ridge:
    strength: float

    def __call__(self, network, activity, trial):
        return self.strength


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (with_if, "the penalty `with_if`"),
        (Ridge(1.0), "the penalty `Ridge`"),
        (lambda x: x, "the penalty `<lambda>`"),
    ],
)
def test_names(function, name):
    assert named("penalty", function) == name


@pytest.mark.parametrize("value", [2, 2.0, np.float64(2), jnp.float32(2), jnp.array(2), np.array(2.0)])
def test_one_number(value):
    found = scalar(value, "the loss `f`")
    assert found.shape == ()
    assert jnp.issubdtype(found.dtype, jnp.floating)
    assert found == 2


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "the loss `f` returned None; it must return one number: is a return missing?"),
        ((1.0, 2.0), "the loss `f` returned a tuple; it must return one number, without anything else."),
        (
            jnp.ones((4, 3)),
            "the loss `f` returned an array of shape (4, 3); it must return one number, e.g. the jnp.mean",
        ),
        (np.ones(1), "the loss `f` returned an array of shape (1,); it must return one number"),
        ("1", "the loss `f` returned a str; it must return one number"),
        (object(), "the loss `f` returned object; it must return one number."),
        (1j, "the loss `f` returned a complex number; it must return a real one."),
    ],
)
def test_what_is_not_one_number(value, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        scalar(value, "the loss `f`")


def test_a_number_that_is_traced():
    assert jax.grad(lambda x: scalar(jnp.sum(x**2), "f"))(jnp.ones(2)).tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match=r"f returned an array of shape \(2,\)"):
        jax.jit(lambda x: scalar(x, "f"))(jnp.ones(2))


DOORS = {
    "fixed_points": lambda step: analysis.fixed_points(step, POINTS, dt=1.0, tau=1.0),
    "lyapunov": lambda step: analysis.lyapunov(step, [1.0, 2.0], dt=1.0, n_steps=5),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("step", [with_scipy, with_if])
def test_steps_of_analyses(door, step):
    with pytest.raises(
        TypeError, match=rf"^`step` cannot be compiled \(test_users_code.py, line .*{step.__name__[5:]}|x"
    ):
        DOORS[door](step)
    with pytest.raises(TypeError, match=re.escape(CANNOT[step])):
        DOORS[door](step)


@pytest.mark.unchecked
def test_a_network_in_place_of_its_step():
    with pytest.raises(TypeError, match=r"`step` must be a function of states; got str. For a network, pass"):
        analysis.fixed_points("net", POINTS, dt=1.0, tau=1.0)


def test_an_activation():
    @activation
    def clipped_by_if(x):
        return x if x.sum() > 0 else 0 * x

    with pytest.raises(TypeError, match="^the activation `clipped_by_if` cannot be compiled .test_users_code.py, line"):
        RateRNN.dale(2, 6, 1, activation="clipped_by_if")


@dataclass(frozen=True)
class CellOfNumpy:
    def parameters(self, n):
        return {"tau": Parameter(50.0, TIME)}

    def initial(self, p, shape):
        return {"x": jnp.zeros(shape)}

    def rate(self, p, state):
        return np.tanh(state["x"])

    send = rate

    def step(self, p, state, received, dt):
        return {"x": state["x"] + dt / p["tau"] * (received - state["x"])}


def test_a_cell():
    with pytest.raises(TypeError, match=r"^the cell `CellOfNumpy` cannot be compiled .*return np.tanh.*: NumPy"):
        RateRNN.dale(2, 6, 1, cell=CellOfNumpy())
