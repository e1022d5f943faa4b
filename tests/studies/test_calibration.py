"""The battery of simulations: it counts rightly, goes on where it stopped, and its page says what is promised."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from studies import calibration

pytestmark = pytest.mark.battery

PAGE = Path(__file__).parents[2] / "docs" / "results" / "calibration.md"
EXEMPT = ("lapse=True", "_se`", "at least 95 %", "no test")
"""Rows without a promise, which say so."""


def test_counts_are_those_of_intervals_and_of_alarms():
    assert calibration.holds((1.0, 2.0), 1.5) == (1, 1)
    assert calibration.holds((1.0, 2.0), 2.5) == (0, 1)
    assert calibration.holds((np.nan, 2.0), 1.5) == (0, 0)
    assert calibration.holds((-np.inf, np.inf), 1.5) == (1, 1)
    assert calibration.around(1.0, 1.0, 2.9) == (1, 1)
    assert calibration.around(1.0, 1.0, 3.0) == (0, 1)
    assert calibration.around(1.0, np.nan, 1.0) == (0, 0)
    assert calibration.alarms(np.array([0.05, 0.051, np.nan, 0.001])) == (2, 3)


def test_what_is_simulated_is_what_is_said():
    rng = np.random.default_rng(0)
    x, choice = calibration.choices(rng, 80_000)
    at = x == x[4]
    expected = calibration.special.ndtr((x[4] - calibration.BIAS) / calibration.WIDTH)
    assert np.mean(choice[at] == 0) == pytest.approx(expected, abs=0.015)
    times, right = calibration.walk_times(rng, np.repeat([4.0, 16.0], 3000))
    for place, c in ((slice(0, 3000), 4.0), (slice(3000, None), 16.0)):
        drift, bound = calibration.SENSITIVITY * c, calibration.BOUND
        mean = bound / drift * np.tanh(bound * drift) + calibration.RESIDUAL  # a random walk between two bounds
        assert times[place].mean() == pytest.approx(mean, rel=0.03)
        assert right[place].mean() == pytest.approx(1 / (1 + np.exp(-2 * bound * drift)), abs=0.03)


@pytest.mark.parametrize("name", calibration.CHECKS)
def test_every_check_gives_counts(name):
    check = calibration.CHECKS[name]
    counts = calibration.run_chunk(name, check.sizes[0], 0, 1)
    assert counts
    assert all(0 <= hits <= of for hits, of in counts.values())
    assert counts == calibration.run_chunk(name, check.sizes[0], 0, 1)


def test_a_second_call_goes_on(tmp_path, monkeypatch):
    few = {"fractions": calibration.CHECKS["fractions"], "tuning": calibration.CHECKS["tuning"]}
    monkeypatch.setattr(calibration, "CHECKS", few)
    record = tmp_path / "simulations.jsonl"
    whole = calibration.run(record, quick=True)
    lines = record.read_text("utf-8").splitlines()
    assert len(lines) == len(whole) == 4
    record.write_text("\n".join(lines[:2]) + "\n", "utf-8")
    seen, original = [], calibration.run_chunk
    monkeypatch.setattr(calibration, "run_chunk", lambda *a: seen.append(a) or original(*a))
    again = calibration.run(record, quick=True)
    assert len(seen) == 2
    order = lambda one: (one["check"], one["n"])  # noqa: E731
    assert json.dumps(sorted(again, key=order)) == json.dumps(json.loads(json.dumps(sorted(whole, key=order))))
    text = calibration.page(again)
    assert "| `accuracy_by_duration`, trend |" in text
    assert text.count("## ") == 2


def read_page():
    """Rows of the page: name, rates by size, and the number of experiments."""
    rows, part = [], ""
    for line in PAGE.read_text("utf-8").splitlines():
        part = line if line.startswith("## ") else part
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if part and line.startswith("| ") and len(cells) == len(calibration.SIZES) + 2 and cells[0]:
            rates = {
                n: float(re.match(r"[\d.]+", cell)[0])
                for n, cell in zip(calibration.SIZES, cells[1:-1], strict=True)
                if cell.strip("| ")
            }
            rows.append((part, cells[0], rates, int(cells[-1].replace(",", ""))))
    return rows


def test_the_page_keeps_what_is_promised():
    """95 % intervals hold the truth in 92 to 98 %, from 50 trials (widths and slopes from 200); alarms below 7 %."""
    rows = read_page()
    assert len(rows) >= 30
    for part, name, rates, _ in rows:
        if any(word in name for word in EXEMPT):
            continue
        first = 200 if "width" in name or "slope:" in name else 50
        for n, rate in rates.items():
            if n >= first:
                assert (rate < 0.07) if "alarm" in part else (0.92 <= rate <= 0.98), (name, n, rate)


@pytest.mark.parametrize(
    ("name", "n", "simulations"),
    [
        ("psychometric", 200, 300),
        ("weibull", 400, 300),
        ("fractions", 100, 600),
        pytest.param("resampled_pairs", 100, 300, marks=pytest.mark.slow),
        ("selectivity", 50, 300),
        ("tuning", 50, 300),
        pytest.param("decoding", 50, 300, marks=pytest.mark.slow),
        ("decoding_blocks", 100, 300),
    ],
)
def test_rates_of_new_experiments(name, n, simulations):
    """Other experiments than those of the page; a rate of 300 has a standard error of .0126."""
    for row, (hits, of) in calibration.run_chunk(name, n, 1000, simulations).items():
        if any(word in row for word in EXEMPT):
            continue
        error = 4.0 * np.sqrt(0.05 * 0.95 / simulations)
        if calibration._kind(name, row) == calibration.TESTS:
            assert hits / of < 0.05 + error, row
        else:
            assert 0.95 - error < hits / of, row
