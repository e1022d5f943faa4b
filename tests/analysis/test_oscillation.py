import re

import numpy as np
import pytest

from eicon.analysis.coding import oscillation

DT, EXPECTED = 2.0, 400.0
TIME = DT * np.arange(1, 13 * 200 + 1)


def amplitude_by_least_squares(part):
    """Of the sine and cosine of the expected period that fit a trial of whole periods best."""
    angle = 2 * np.pi * DT * np.arange(1, len(part) + 1) / EXPECTED
    design = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return np.linalg.norm(np.linalg.lstsq(design, part, rcond=None)[0])


@pytest.mark.parametrize("period", [388.0, 400.0, 404.0])
def test_the_period_of_a_sine_is_found_in_noise(period):
    rng = np.random.default_rng(0)
    outputs = 0.9 * np.sin(2 * np.pi * (TIME / period + rng.random(6)[:, None])).T + 0.05 * rng.normal(size=(2600, 6))
    result = oscillation(outputs, EXPECTED, DT)
    assert result.period == pytest.approx(period, rel=1e-3)
    for k, amplitude in enumerate(result.amplitude):
        by_hand = [amplitude_by_least_squares(outputs[200 * k : 200 * (k + 1), b]) for b in range(6)]
        assert amplitude == pytest.approx(np.mean(by_hand))


def test_amplitudes_follow_a_wave_that_dies_and_then_there_is_no_period():
    outputs = (np.exp(-TIME / 2000.0) * np.sin(2 * np.pi * TIME / EXPECTED))[:, None]
    result = oscillation(outputs, EXPECTED, DT)
    assert result.amplitude.size == 13
    np.testing.assert_allclose(result.amplitude[1:] / result.amplitude[:-1], np.exp(-0.2))
    assert np.isnan(result.period)
    assert oscillation(outputs, EXPECTED, DT, smallest=0.01).period == pytest.approx(EXPECTED, rel=0.01)
    assert np.isnan(oscillation(0 * outputs, EXPECTED, DT).period)


def test_steps_after_the_last_whole_period_do_not_count():
    outputs = np.sin(2 * np.pi * TIME / EXPECTED)[:, None]
    longer = np.concatenate([outputs, np.full((150, 1), np.nan)])
    np.testing.assert_array_equal(oscillation(longer, EXPECTED, DT).amplitude, oscillation(outputs, EXPECTED, DT)[0])


def test_a_diverged_output_has_no_amplitude_and_no_period():
    outputs = np.sin(2 * np.pi * TIME / EXPECTED)[:, None]
    outputs[500:] = np.nan
    result = oscillation(outputs, EXPECTED, DT)
    assert np.isfinite(result.amplitude[:2]).all()
    assert np.isnan(result.amplitude[3:]).all()
    assert np.isnan(result.period)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: oscillation(np.zeros((399, 1)), 400.0, 2.0), "at least two periods of 200 steps; got shape (399, 1)"),
        (lambda: oscillation(np.zeros(900), 400.0, 2.0), "`outputs` must be (T, B)"),
        (lambda: oscillation(np.zeros((900, 1)), 5.0, 2.0), "at least three steps of 2 ms; got 5 ms"),
        (lambda: oscillation(np.zeros((900, 1)), 5.0, 0.0), "`dt` must be positive"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        call()
