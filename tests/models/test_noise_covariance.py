"""Noise that units share: its covariance by the closed form, and where it is kept."""

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon._files import load_arrays, save_arrays
from eicon.analysis import condense
from eicon.models import RateRNN, load, save
from eicon.models._noise import covariance_root
from eicon.tasks import PerceptualDecision
from eicon.training import Fixed, Trainer

N, SIGMA, TAU = 10, 0.3, 40.0
FACTORS = np.random.default_rng(0).normal(size=(N, N)) * np.linspace(0.2, 1.5, N)
COVARIANCE = FACTORS @ FACTORS.T / N
INPUTS = np.zeros((4, 3, 2), np.float32)


def assert_covariance(samples, wanted):
    """Samples (n, N) of mean 0; the standard error is that of normal numbers."""
    n = len(samples)
    error = np.sqrt((np.outer(np.diag(wanted), np.diag(wanted)) + wanted**2) / n)
    assert np.abs(samples.T @ samples / n - wanted).max() < 5 * error.max()
    assert (np.abs(samples.T @ samples / n - wanted) / error).max() < 5


def test_the_covariance_is_far_from_its_transformations():
    """So that the tests below can tell them from each other."""
    root = np.linalg.cholesky(COVARIANCE)
    for other in (root.T @ root, np.diag(np.diag(COVARIANCE)), COVARIANCE @ COVARIANCE, COVARIANCE[::-1, ::-1]):
        assert np.abs(other - COVARIANCE).max() > 0.2 * np.abs(COVARIANCE).max()


def test_the_root_is_symmetric_and_its_square_is_the_covariance():
    root = covariance_root(COVARIANCE)
    np.testing.assert_allclose(root, root.T, atol=1e-12)
    np.testing.assert_allclose(root @ root, COVARIANCE, atol=1e-12)


@pytest.mark.parametrize("dt", [20.0, 5.0])
@pytest.mark.battery
def test_stationary_covariance_equals_the_closed_form(dt, uncoupled):
    net = uncoupled(tau=TAU, dt=dt, sigma_rec=SIGMA, noise_covariance=COVARIANCE)
    silence = np.zeros((round(8 * TAU / dt), 4000, N), np.float32)
    x = np.asarray(net.predict(silence, key=jax.random.key(4)).currents, np.float64)
    wanted = COVARIANCE * SIGMA**2 / (1 - dt / TAU / 2)
    assert_covariance(x[-1], wanted)
    between_trials = np.einsum("bi,bj->ij", x[-1, ::2], x[-1, 1::2]) / 2000
    assert np.abs(between_trials).max() < 5 * np.diag(wanted).max() / np.sqrt(2000)


def test_every_step_has_noise_of_its_own_with_that_covariance(uncoupled):
    """Innovations, x_t - (1 - alpha) x_{t-1}, have covariance 2 alpha sigma^2 C, and none between steps."""
    tau = np.linspace(20.0, 60.0, N)
    net = uncoupled(tau=tau, dt=20.0, sigma_rec=SIGMA, noise_covariance=COVARIANCE)
    x = np.asarray(net.predict(np.zeros((3, 4000, N), np.float32), key=jax.random.key(1)).currents, np.float64)
    alpha = 20.0 / tau
    first, second = x[1] - (1 - alpha) * x[0], x[2] - (1 - alpha) * x[1]
    wanted = 2 * np.sqrt(np.outer(alpha, alpha)) * SIGMA**2 * COVARIANCE
    assert_covariance(np.concatenate([first, second]), wanted)
    assert np.abs(first.T @ second / 4000).max() < 5 * np.diag(wanted).max() / np.sqrt(4000)


def test_noise_of_update_has_that_covariance_too(uncoupled):
    net = uncoupled(tau=TAU, dt=20.0, sigma_rec=SIGMA, noise_covariance=COVARIANCE)
    net.reset_state(4000, key=jax.random.key(7))
    bm.for_loop(net.update, np.zeros((12, 4000, N), np.float32))
    assert_covariance(np.asarray(net.x.value, np.float64), COVARIANCE * SIGMA**2 / (1 - 20.0 / TAU / 2))


def test_extremes(uncoupled):
    """One noise for all; none for some; the unit matrix is no covariance at all; none without noise."""
    silence, key = jnp.zeros((6, 4, N)), jax.random.key(0)

    def run(net):
        return net.dt / net.tau * np.asarray(net.network.drive(silence, key))

    shared = run(uncoupled(sigma_rec=SIGMA, noise_covariance=np.ones((N, N))))
    np.testing.assert_allclose(shared, np.repeat(shared[:, :, :1], N, axis=2), atol=1e-5)
    assert shared.std() > 0.1
    some = run(uncoupled(sigma_rec=SIGMA, noise_covariance=np.diag([1.0] * 4 + [0.0] * 6)))
    plain = run(uncoupled(sigma_rec=SIGMA))
    assert np.abs(some[:, :, 4:]).max() < 1e-6
    np.testing.assert_allclose(some[:, :, :4], plain[:, :, :4], atol=1e-6)
    np.testing.assert_allclose(run(uncoupled(sigma_rec=SIGMA, noise_covariance=np.eye(N))), plain, atol=1e-6)
    double = run(uncoupled(sigma_rec=SIGMA, noise_covariance=4 * np.eye(N)))
    np.testing.assert_allclose(double, 2 * plain, atol=1e-6)
    by_input = run(uncoupled(sigma_in=SIGMA))
    np.testing.assert_array_equal(run(uncoupled(sigma_in=SIGMA, noise_covariance=COVARIANCE)), by_input)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.eye(9), r"noise_covariance must have shape \(N, N\) = \(10, 10\); got \(9, 9\)"),
        (np.ones(N), r"must have shape \(N, N\) = \(10, 10\); got \(10,\)"),
        (2.0, r"must have shape \(N, N\) = \(10, 10\); got \(\)"),
        (np.triu(np.ones((N, N))), "noise_covariance must be finite and symmetric"),
        (np.full((N, N), np.nan), "noise_covariance must be finite and symmetric"),
        (np.diag([1.0] * 9 + [np.inf]), "noise_covariance must be finite and symmetric"),
        (np.eye(N) - 0.2, "noise_covariance must be positive semi-definite; its smallest eigenvalue is -1"),
        (-np.eye(N), "must be positive semi-definite; its smallest eigenvalue is -1"),
    ],
)
def test_what_is_no_covariance_is_refused(matrix, message):
    with pytest.raises(ValueError, match=message):
        RateRNN.dale(2, N, 2, noise_covariance=matrix)


def make(**options):
    return RateRNN.dale(2, N, 2, **({"sigma_rec": SIGMA, "noise_covariance": COVARIANCE} | options))


def test_the_network_holds_a_copy_that_cannot_be_changed():
    given = COVARIANCE.copy()
    net = make(noise_covariance=given)
    given[:] = 0
    np.testing.assert_array_equal(net.noise_covariance, COVARIANCE)
    assert net.noise_covariance.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        net.noise_covariance[0, 0] = 2


def test_networks_are_of_one_kind_if_their_covariances_are_equal():
    same, again, plain = make(), make(seed=5), make(noise_covariance=None)
    nearly = COVARIANCE.copy()
    nearly[3, 3] = np.nextafter(nearly[3, 3], 2)
    assert same.constants == again.constants
    others = [plain, make(noise_covariance=nearly), make(noise_covariance=2 * COVARIANCE)]
    for other in others:
        assert same.constants != other.constants
    assert plain.constants == RateRNN.dale(2, N, 2, sigma_rec=SIGMA).constants


def test_with_settings_keeps_changes_and_drops_it():
    net, other = make(), np.diag(np.arange(1.0, N + 1))
    assert net.with_settings(dt=10.0).constants == make(dt=10.0).constants
    assert net.with_settings(noise_covariance=other).constants == make(noise_covariance=other).constants
    assert net.with_settings(noise_covariance=None).constants == make(noise_covariance=None).constants
    assert make(noise_covariance=None).with_settings(noise_covariance=COVARIANCE).constants == net.constants
    with pytest.raises(ValueError, match="must be positive semi-definite"):
        net.with_settings(noise_covariance=-COVARIANCE)


def test_files_keep_it_bit_for_bit(tmp_path):
    for name, net in {"with": make(), "without": make(noise_covariance=None)}.items():
        save(net, tmp_path / f"{name}.npz")
        back = load(tmp_path / f"{name}.npz")
        assert back.constants == net.constants
        if name == "with":
            assert back.noise_covariance.tobytes() == COVARIANCE.tobytes()
            key = jax.random.key(3)
            np.testing.assert_array_equal(net.predict(INPUTS, key=key).outputs, back.predict(INPUTS, key=key).outputs)
        else:
            assert back.noise_covariance is None
            with np.load(tmp_path / "without.npz") as archive:
                assert "noise_covariance" not in archive.files


def test_a_damaged_covariance_in_a_file_is_refused(tmp_path):
    path = tmp_path / "net.npz"
    save(make(), path)
    arrays, header = load_arrays(path, kind="network", version=2)
    version = header.pop("version")
    header = {name: value for name, value in header.items() if name != "checksum"}
    save_arrays(path, arrays | {"noise_covariance": -COVARIANCE}, kind="network", version=version, header=header)
    with pytest.raises(ValueError, match="must be positive semi-definite"):
        load(path)


def test_a_condensed_network_has_that_of_the_units_it_keeps():
    net = make()
    rates = np.asarray(net.predict(np.ones((8, 4, 2), np.float32), key=jax.random.key(0)).rates)
    found = condense(rates, net.W_rec, net.W_out, 6, sign=net.recurrent.connectivity.sign)
    small = net.condensed(found)
    wanted = [[COVARIANCE[i, j] for j in found.kept] for i in found.kept]
    np.testing.assert_array_equal(small.noise_covariance, wanted)
    assert make(noise_covariance=None).condensed(found).noise_covariance is None


def test_training_has_it_too():
    task = PerceptualDecision(fixation=40.0, stimulus=40.0, decision=40.0)
    trials = task.sample(jax.random.key(0), 16)

    def loss(covariance, sigma_rec=SIGMA):
        net = make(noise_covariance=covariance, sigma_rec=sigma_rec)
        trainer = Trainer(net, task, trials=Fixed(trials, trials, batch_size=16), learning_rate=1e-9)
        return trainer.fit(1, validate_every=2, progress=False).loss[0]

    independent = loss(None)
    assert loss(np.eye(N)) == pytest.approx(independent, rel=1e-5)
    assert abs(loss(COVARIANCE) - independent) > 1e-3 * independent
    assert loss(4 * np.eye(N)) == pytest.approx(loss(None, 2 * SIGMA), rel=1e-5) != independent
