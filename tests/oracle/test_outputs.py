"""Networks that commit 10cabf5 saved do what they did then; README.md says what binds."""

import functools
import hashlib

import numpy as np
import pytest

import eicon

from .quantities import DATA, deviation, quantities

TOLERANCE = 1e-6
NAMES = ("areas", "connectome", "frozen", "plain", "published", "reservoir")
PARTS = ("net", "expected")


@functools.cache
def expected(name):
    with np.load(DATA / f"{name}.expected.npz", allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


@functools.cache
def found(name):
    return quantities(DATA / f"{name}.net.npz", expected(name))


def bound(name):
    return sorted(key for key in expected(name) if "/" in key)


@pytest.mark.parametrize(("name", "quantity"), [(name, quantity) for name in NAMES for quantity in bound(name)])
def test_a_stored_network_gives_what_it_gave(name, quantity):
    here, then = found(name)[quantity], expected(name)[quantity]
    assert (here.shape, here.dtype) == (then.shape, then.dtype), f"{name}, {quantity}"
    off = deviation(here, then)
    assert off <= TOLERANCE, f"network {name!r}, {quantity}: largest deviation {off:.2e} of the largest entry"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_missing_or_new(name):
    """A parameter that stops being trained has no gradient; one that begins to be has one that nothing binds."""
    assert sorted(found(name)) == bound(name)


def test_the_data_are_the_files_that_10cabf5_made():
    sums = dict(reversed(line.split()) for line in (DATA / "SHA256SUMS").read_text("ascii").splitlines())
    here = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in DATA.glob("*.*")}
    assert here == sums
    assert {name for name in sums if name.endswith(".npz")} == {f"{n}.{part}.npz" for n in NAMES for part in PARTS}


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_again_it_is_the_same(name, tmp_path):
    """All that its file says, bit for bit; trials with noise as well."""
    original = eicon.load(DATA / f"{name}.net.npz")
    original.save(tmp_path / "again.npz")
    again = eicon.load(tmp_path / "again.npz")
    assert again.constants == original.constants
    assert sorted(again.trainable_variables()) == sorted(original.trainable_variables())
    for parameter, value in original.parameters().items():
        np.testing.assert_array_equal(again.parameters()[parameter], value, err_msg=f"{name}, {parameter}")
    for label, values in original.units.items():
        np.testing.assert_array_equal(again.units[label], values, err_msg=f"{name}, {label}")
    trials = expected(name)["inputs"], eicon.key(int(expected(name)["noise_seed"]))
    here, then = (net.predict(trials[0], key=trials[1]) for net in (again, original))
    for kind in ("outputs", "rates", "currents"):
        np.testing.assert_array_equal(getattr(here, kind), getattr(then, kind), err_msg=f"{name}, {kind}")
