"""Statistics in finer steps: what agrees, and what does not."""

import json
from dataclasses import replace

import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner

from eicon.cli import main
from eicon.models import Connectivity, RateRNN
from eicon.studies import dt_report
from eicon.tasks import PerceptualDecision

pytestmark = pytest.mark.battery

TASK = PerceptualDecision(coherence=(12.8, 51.2), stimulus=200.0, decision=200.0)


def decider(**options) -> RateRNN:
    """Two units that read one stream each and inhibit the other: no training is needed to decide."""
    recurrent = Connectivity.dense(2, 2)
    return RateRNN(
        recurrent,
        Connectivity.dense(2, 2),
        Connectivity.dense(2, 2),
        weights={"recurrent": [[0.5, -0.5], [-0.5, 0.5]], "input": np.eye(2), "readout": np.eye(2)},
        **({"sigma_rec": 0.05, "x0": 0.0} | options),
    )


@pytest.fixture(scope="module")
def rows():
    return dt_report(decider(), TASK, (20.0, 5.0), repeats=40)


def test_the_longest_step_comes_first_and_is_what_others_are_compared_with(rows):
    assert [row.dt for row in rows] == [20.0, 5.0]
    assert rows[0].agrees
    assert np.isnan(rows[0].output_error)
    assert all(row.n_trials == 40 * TASK.n_conditions for row in rows)


def test_statistics_are_those_of_the_network(rows):
    """Mean rate and accuracy against a run by hand of the same size, within sampling error."""
    for row in rows:
        net, task = decider(dt=row.dt), replace(TASK, dt=row.dt)
        trial = task.trials(40, key=jax.random.key(5))
        activity = net.predict(trial.inputs, key=jax.random.key(6))
        rates = np.asarray(activity.rates)
        assert row.mean_rate == pytest.approx(rates.mean(), abs=5 * row.mean_rate_se)
        assert row.accuracy == pytest.approx(
            float(task.accuracy(activity.outputs, trial)), abs=5 * row.accuracy_se + 0.02
        )


def test_what_is_not_scored_may_be_nan(monkeypatch):
    """Outputs where the mask is 0, and rates after the end of a trial, are not looked at."""
    task = PerceptualDecision.variable(coherence=(51.2,), decision=100.0)
    clean, sampled = dt_report(decider(), task, (20.0, 10.0), repeats=3), []
    trials, predict = PerceptualDecision.trials, RateRNN.predict

    def remembered(self, *arguments, **options):
        sampled.append(trials(self, *arguments, **options))
        return sampled[-1]

    def with_garbage(self, inputs, **options):
        activity, trial = predict(self, inputs, **options), sampled[-1]
        assert not trial.inside.all()
        return activity._replace(
            outputs=jnp.where((trial.mask != 0)[:, :, None], activity.outputs, jnp.nan),
            rates=jnp.where(trial.inside[:, :, None], activity.rates, jnp.nan),
        )

    monkeypatch.setattr(PerceptualDecision, "trials", remembered)
    monkeypatch.setattr(RateRNN, "predict", with_garbage)
    for found, wanted in zip(dt_report(decider(), task, (20.0, 10.0), repeats=3), clean, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert np.isfinite(clean[1].output_error)


def test_a_network_that_follows_the_equation_agrees(rows):
    assert rows[1].agrees
    assert rows[1].output_error < 0.02


def test_a_dynamics_that_depends_on_the_step_does_not_agree():
    """A network that oscillates within two coarse steps."""
    wild = decider(x0=1.0)
    wild.raw_rec.value = bm.as_jax(np.array([[-9.0, 0.0], [0.0, -9.0]], np.float32))
    assert not dt_report(wild, TASK, (20.0, 5.0), repeats=40)[1].agrees


def test_trials_are_cut_into_groups_without_changing_what_is_measured(monkeypatch, rows):
    monkeypatch.setattr("eicon.studies._dt_report.BYTES_AT_A_TIME", 30_000)
    cut = dt_report(decider(), TASK, (20.0, 5.0), repeats=40)
    for one, other in zip(cut, rows, strict=True):
        assert one.n_trials == other.n_trials
        assert one.mean_rate == pytest.approx(other.mean_rate, abs=5 * other.mean_rate_se)
        assert one.agrees == other.agrees


def test_the_network_stays_as_it_is():
    net = decider()
    before = {name: np.asarray(value).tobytes() for name, value in net.vars().items()}
    dt_report(net, TASK, (20.0, 5.0), repeats=40)
    assert {name: np.asarray(value).tobytes() for name, value in net.vars().items()} == before


@pytest.mark.parametrize(
    ("dts", "message"),
    [
        ((20.0,), "at least two different steps"),
        ((20.0, 20.0), "at least two different steps"),
        ((20.0, 0.0), "at least two different steps"),
        ((20.0, 15.0), "must divide the longest, 20 ms; got 15"),
        ((200.0, 20.0), "dt must be > 0 and at most tau"),
    ],
)
def test_steps_that_cannot_be_compared_are_refused(dts, message):
    with pytest.raises(ValueError, match=message):
        dt_report(decider(), TASK, dts, repeats=2)


def test_the_command(trained_run, tmp_path):
    run, _ = trained_run
    result = CliRunner().invoke(main, ["dt-report", str(run.path), "--dt", "20", "--dt", "10", "--repeats", "10"])
    assert result.exit_code in (0, 1), result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["dt", "20", "10"]
    assert [row["dt"] for row in json.loads((run.path / "dt_report.json").read_text())] == [20.0, 10.0]
