"""Calibration of intervals and tests: coverage of the true value, and false alarms without an effect.

    python -m studies.calibration

Budget: about twenty minutes of one core; finished parts are kept, and a second call resumes.
Data with known true values, of 20 to 1,000 trials, are simulated and analysed: a 95 % interval should contain the true
value in 95 % of experiments, and a test at the 5 % level should raise an alarm in 5 % of those without an effect.
"""

import json
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import signal, special

from eicon import analysis
from eicon.analysis import behaviour, coding

from .common import Places, write_study

SIZES = (20, 50, 100, 200, 400, 1000)
SIMULATIONS = 1000
CHUNK = 50
ALPHA = 0.05
Z = float(special.ndtri(0.975))
Counts = dict[str, tuple[int, int]]
"""Number of successes and of cases, for each row of the table."""


class Check(NamedTuple):
    """Simulated experiments of one kind."""

    simulate: Callable[[np.random.Generator, int], Counts]
    """One experiment with a number of trials."""
    kind: str
    sizes: tuple[int, ...] = SIZES
    simulations: int = SIMULATIONS


def holds(ci: Sequence[float] | np.ndarray, truth: float) -> tuple[int, int]:
    """Count an interval that contains the truth; one that is NaN counts as not given."""
    low, high = ci
    known = not np.isnan([low, high]).any()
    return int(known and low <= truth <= high), int(known)


def around(value: float, error: float, truth: float) -> tuple[int, int]:
    """Count the interval of a value and its standard error in the same way."""
    return holds((value - Z * error, value + Z * error), truth)


def alarms(p_values: float | np.ndarray) -> tuple[int, int]:
    """Return the number of alarms at the 5 % level, and the number of tests."""
    known = np.atleast_1d(p_values)[~np.isnan(np.atleast_1d(p_values))]
    return int(np.count_nonzero(known <= ALPHA + 1e-12)), known.size


def shared(levels: np.ndarray, n: int) -> np.ndarray:
    """Distribute the levels over n trials, as evenly as possible."""
    return np.resize(levels, n)


BIAS, WIDTH = 0.5, 3.0
EVIDENCE = np.linspace(-8.0, 8.0, 8)


def choices(rng: np.random.Generator, n: int, lapse: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Evidence and choices of an observer with known bias and width."""
    x = shared(EVIDENCE, n)
    p = lapse + (1 - 2 * lapse) * special.ndtr((x - BIAS) / WIDTH)
    return x, (rng.random(n) >= p).astype(int)


def psychometric(rng: np.random.Generator, n: int) -> Counts:
    """Intervals of a psychometric curve."""
    found = analysis.psychometric(*choices(rng, n))
    return {
        "`psychometric`, bias: `bias_ci`": holds(found.bias_ci, BIAS),
        "`psychometric`, width: `width_ci`": holds(found.width_ci, WIDTH),
        "`psychometric`, bias: 1.96 `bias_se`": around(found.bias, found.bias_se, BIAS),
        "`psychometric`, width: 1.96 `width_se` (skewed; use `width_ci`)": around(found.width, found.width_se, WIDTH),
    }


def lapsing(rng: np.random.Generator, n: int) -> Counts:
    """Intervals of a curve with lapses, which are fitted."""
    found = analysis.psychometric(*choices(rng, n, lapse=0.02), lapse=True)
    return {
        "`psychometric(lapse=True)`, bias: `bias_ci`": holds(found.bias_ci, BIAS),
        "`psychometric(lapse=True)`, width: `width_ci`": holds(found.width_ci, WIDTH),
        "`psychometric(lapse=True)`, width: 1.96 `width_se`": around(found.width, found.width_se, WIDTH),
    }


def resampled_choices(rng: np.random.Generator, n: int) -> Counts:
    """Bootstrap of a psychometric curve."""
    found = behaviour.bootstrap(
        analysis.psychometric, *choices(rng, n), parameters=("bias", "width"), rng=rng, n_resamples=300
    )
    return {
        "`bootstrap` of `psychometric`, bias": holds(found.ci[0], BIAS),
        "`bootstrap` of `psychometric`, width": holds(found.ci[1], WIDTH),
    }


class Pair(NamedTuple):
    """Two statistics that are bootstrapped without a fit."""

    r: float
    mean: float


def resampled_pairs(rng: np.random.Generator, n: int) -> Counts:
    """Bootstrap of two statistics without a fit."""
    x = rng.normal(size=n)
    y = 0.6 * x + 0.8 * rng.normal(size=n)
    found = behaviour.bootstrap(
        lambda a, b: Pair(float(np.corrcoef(a, b)[0, 1]), float(-np.log(special.ndtr(a)).mean())),
        x,
        y,
        parameters=("r", "mean"),
        rng=rng,
        n_resamples=400,
    )
    return {
        "`bootstrap` of a correlation of .6": holds(found.ci[0], 0.6),
        "`bootstrap` of the mean of a skewed (exponential) variable": holds(found.ci[1], 1.0),
    }


THRESHOLD, SLOPE = 6.0, 1.5
STRENGTHS = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])


def weibull(rng: np.random.Generator, n: int) -> Counts:
    """Intervals of a Weibull curve."""
    c = shared(STRENGTHS, n)
    correct = rng.random(n) < 1 - 0.5 * np.exp(-((c / THRESHOLD) ** SLOPE))
    found = behaviour.weibull(c, correct)
    return {
        "`weibull`, threshold: `threshold_ci`": holds(found.threshold_ci, THRESHOLD),
        "`weibull`, slope: `slope_ci`": holds(found.slope_ci, SLOPE),
        "`weibull`, threshold: 1.96 `threshold_se` (skewed)": around(found.threshold, found.threshold_se, THRESHOLD),
        "`weibull`, slope: 1.96 `slope_se` (skewed)": around(found.slope, found.slope_se, SLOPE),
    }


def fractions(rng: np.random.Generator, n: int) -> Counts:
    """Intervals of fractions correct, and the trend with duration."""
    score = rng.random(n) < 0.8
    duration, strength = rng.uniform(100.0, 800.0, n), np.ones(n)
    binned = behaviour.accuracy_by_duration(duration, strength, score, [100.0, 800.0])
    apart = behaviour.accuracy_by_duration(duration, strength, score, [100.0, 300.0, 500.0, 800.0])
    held = [holds(ci, 0.8) for ci in apart.ci[0]]
    return {
        "`accuracy_by_condition`, accuracy of .8": holds(
            behaviour.accuracy_by_condition(score.astype(float), strength).ci[0], 0.8
        ),
        "`accuracy_by_duration`, accuracy of .8 in three bins": (sum(h for h, _ in held), sum(k for _, k in held)),
        "`accuracy_by_duration`, trend": alarms(binned.p_value),
    }


BOUND, SENSITIVITY, RESIDUAL = 20.0, 0.01, 300.0


def walk_times(rng: np.random.Generator, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First passages of random walks between two bounds, in steps of 2 ms, corrected for their length."""
    drift, step = SENSITIVITY * c, 2.0
    bound = BOUND - 0.5826 * np.sqrt(step)
    paths = np.cumsum(drift * step + np.sqrt(step) * rng.normal(size=(2500, c.size)), axis=0)
    crossed = np.abs(paths) >= bound
    first = np.where(crossed.any(axis=0), crossed.argmax(axis=0), len(paths) - 1)
    return RESIDUAL + step * (first + 1), paths[first, np.arange(c.size)] > 0


def reaction_times(rng: np.random.Generator, n: int) -> Counts:
    """Intervals of reaction times that do not depend on the strength, and tests of a dependence."""
    c = shared(STRENGTHS[1:], n)
    skewed = 300.0 + rng.gamma(4.0, 60.0, n)
    found = behaviour.chronometric(c, skewed, np.ones(n))
    median = 300.0 + 60.0 * float(special.gammaincinv(4.0, 0.5))
    means = [holds(ci, 540.0) for ci in found.ci[0]]
    medians = [holds(ci, median) for ci in found.median_ci[0]]
    pair = behaviour.trend(c, skewed)
    return {
        "`chronometric`, mean of five strengths with n / 5 skewed times each": tuple(np.sum(means, axis=0).tolist()),
        "`chronometric`, median of the same (at least 95 %)": tuple(np.sum(medians, axis=0).tolist()),
        "`chronometric`, fall with strength (rank correlation)": alarms(found.p_value),
        "`chronometric`, slope of the line": alarms(found.slope_p_value),
        "`trend`, two-sided": alarms(pair.p_value),
    }


def walks(rng: np.random.Generator, n: int) -> Counts:
    """Errors of the parameters of bounded random walks."""
    c = shared(STRENGTHS[1:], n)
    found = behaviour.chronometric(c, *walk_times(rng, c))
    return {
        "`chronometric`, bound: 1.96 `bound_se`": around(found.bound, found.bound_se, BOUND),
        "`chronometric`, sensitivity: 1.96 `sensitivity_se`": around(
            found.sensitivity, found.sensitivity_se, SENSITIVITY
        ),
    }


def correlated(rng: np.random.Generator, steps: int, n: int, units: int) -> np.ndarray:
    """Rates without information, correlated in time."""
    return signal.lfilter([1.0], [1.0, -0.8], rng.normal(size=(30 + steps, n, units)), axis=0)[-steps:]


def selectivity(rng: np.random.Generator, n: int) -> Counts:
    """Units that prefer neither choice."""
    rates = np.exp(0.5 * correlated(rng, 5, n, 10))
    found = analysis.selectivity(rates, np.arange(n) % 2, n_permutations=99, rng=rng)
    corrected = analysis.selectivity(rates, np.arange(n) % 2, n_permutations=399, rng=rng, correction="holm")
    once = analysis.selectivity(rates[:1], np.arange(n) % 2)
    return {
        "`selectivity`, a unit": alarms(found.p_value),
        '`selectivity(correction="holm")`, any of ten units': (int(alarms(corrected.p_value)[0] > 0), 1),
        "no test: a unit's `|d'| >= 0.5` in one step": (int(np.count_nonzero(np.abs(once.d_prime) >= 0.5)), 10),
    }


def grouped_selectivity(rng: np.random.Generator, n: int) -> Counts:
    """Units that prefer neither choice, with copies of trials."""
    origin = np.arange(n) // 2
    rates = rng.normal(size=(1, n, 10))[:, origin]
    choice = rng.permutation(np.arange(origin.max() + 1) % 2)[origin]
    found = analysis.selectivity(rates, choice, n_permutations=99, rng=rng, groups=origin)
    return {"`selectivity(groups=...)`, a unit, each trial twice": alarms(found.p_value)}


def tuning(rng: np.random.Generator, n: int) -> Counts:
    """Units that do not depend on the stimulus."""
    rates, stimulus = rng.exponential(size=(n, 10)), shared(np.array([10.0, 14.0, 18.0, 26.0, 34.0]), n)
    found = coding.tuning(rates, stimulus)
    counted = coding.tuned_fractions(rates[None], stimulus)
    tuned = round(10 * float(counted.rising[0] + counted.falling[0]))
    return {
        "`tuning`, a unit: `p_value`": alarms(found.p_value),
        "`tuning`, a unit: `p_any`": alarms(found.p_any),
        "`tuned_fractions`, a unit rising or falling": (tuned, 10),
    }


def clustering(rng: np.random.Generator, n: int) -> Counts:
    """Test the clustering of n units."""
    weights, d_prime = rng.lognormal(size=(n, n)), rng.normal(size=n)
    found = analysis.choice_clustering(weights, d_prime, np.arange(n) < 0.8 * n, n_permutations=99, rng=rng)
    signed = coding.signed_clustering(weights, d_prime, n_permutations=99, rng=rng)
    return {
        "`choice_clustering` of n units, excitation": alarms(found.p_excitatory),
        "`choice_clustering` of n units, inhibition": alarms(found.p_inhibitory),
        "`signed_clustering` of n units": alarms(signed.p_value),
    }


def decoding(rng: np.random.Generator, n: int) -> Counts:
    """Unequal classes that are not encoded, by ridge regression."""
    rates, labels = rng.normal(size=(1, n, 10)), (np.arange(n) % 3 == 0).astype(int)
    found = analysis.decode(rates, labels, rng=rng, decoder="ridge", n_permutations=19)
    return {'`decode(decoder="ridge")`, a third of the trials of one class': alarms(found.p)}


def decoding_lda(rng: np.random.Generator, n: int) -> Counts:
    """Classes that are not encoded, by linear discriminants."""
    found = analysis.decode(rng.normal(size=(1, n, 10)), np.arange(n) % 2, rng=rng, n_permutations=19)
    return {"`decode` (linear discriminants)": alarms(found.p)}


def decoding_blocks(rng: np.random.Generator, n: int) -> Counts:
    """Labels in blocks, and rates that drift from trial to trial."""
    block = np.arange(n) // 10
    labels = rng.permutation(np.arange(block.max() + 1) % 2)[block]
    drift = signal.lfilter([1.0], [1.0, -0.95], rng.normal(size=(100 + n, 5)), axis=0)[None, -n:]
    found = analysis.decode(drift, labels, rng=rng, decoder="ridge", n_permutations=19, groups=block)
    return {"`decode(groups=...)`, labels in blocks of 10, rates that drift": alarms(found.p)}


def decoding_contexts(rng: np.random.Generator, n: int) -> Counts:
    """Test classes that are not encoded next to contexts that are."""
    context, labels = np.arange(n) // 2 % 2, np.arange(n) % 2
    rates = rng.normal(size=(1, n, 10)) + 2.0 * context[:, None]
    found = analysis.decode(rates, labels, rng=rng, decoder="ridge", n_permutations=19, across=context)
    return {"`decode(across=...)`": alarms(found.p)}


INTERVALS, TESTS = "intervals", "alarms"
CHECKS = {
    "psychometric": Check(psychometric, INTERVALS),
    "weibull": Check(weibull, INTERVALS),
    "fractions": Check(fractions, INTERVALS),
    "reaction_times": Check(reaction_times, INTERVALS),
    "resampled_pairs": Check(resampled_pairs, INTERVALS),
    "selectivity": Check(selectivity, TESTS),
    "grouped_selectivity": Check(grouped_selectivity, TESTS),
    "tuning": Check(tuning, TESTS),
    "clustering": Check(clustering, TESTS, sizes=(20, 50, 100, 200)),
    "decoding": Check(decoding, TESTS),
    "decoding_blocks": Check(decoding_blocks, TESTS, sizes=(100, 200, 400, 1000)),
    "decoding_contexts": Check(decoding_contexts, TESTS),
    "lapsing": Check(lapsing, INTERVALS, sizes=(100, 200, 400, 1000), simulations=300),
    "walks": Check(walks, INTERVALS, sizes=(100, 200, 400, 1000), simulations=300),
    "resampled_choices": Check(resampled_choices, INTERVALS, sizes=(200, 1000), simulations=200),
    "decoding_lda": Check(decoding_lda, TESTS, sizes=(50, 200), simulations=200),
}


def run_chunk(name: str, n: int, chunk: int, simulations: int) -> Counts:
    """Run some experiments of one kind and size; the chunk is the seed."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), n, chunk])
    total: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for _ in range(simulations):
        for row, counts in CHECKS[name].simulate(rng, n).items():
            total[row] = [old + new for old, new in zip(total[row], counts, strict=True)]
    return {row: (hits, of) for row, (hits, of) in total.items()}


def run(record: Path, *, quick: bool) -> list[dict]:
    """Run all experiments except those on record."""
    done = [json.loads(line) for line in record.read_text("utf-8").splitlines()] if record.is_file() else []
    known = {(one["check"], one["n"], one["chunk"]) for one in done}
    size = 2 if quick else CHUNK
    wanted = [
        (name, n, chunk)
        for slow in (False, True)  # last, so that results of the others are available early
        for chunk in range(1 if quick else SIMULATIONS // CHUNK)
        for name, check in CHECKS.items()
        if (check.simulations < SIMULATIONS) == slow and chunk * size < check.simulations
        for n in (check.sizes[:2] if quick else check.sizes)
    ]
    with record.open("a", encoding="utf-8") as stream:
        for name, n, chunk in wanted:
            if (name, n, chunk) not in known:
                counts = run_chunk(name, n, chunk, size)
                done.append({"check": name, "n": n, "chunk": chunk, "simulations": size, "counts": counts})
                stream.write(json.dumps(done[-1]) + "\n")
                stream.flush()
    return [one for one in done if (one["check"], one["n"], one["chunk"]) in set(wanted)]


class Row(NamedTuple):
    """Row of a table: rates by size, the fraction of defined values, and experiments per size."""

    name: str
    rates: dict[int, float]
    given: dict[int, float]
    simulations: int


def rows_of(done: Sequence[dict]) -> dict[str, list[Row]]:
    """Rows of both tables."""
    total: dict[tuple[str, str, int], np.ndarray] = defaultdict(lambda: np.zeros(3))
    for one in done:
        for row, (hits, of) in one["counts"].items():
            total[one["check"], row, one["n"]] += [hits, of, one["simulations"]]
    found: dict[str, list[Row]] = {INTERVALS: [], TESTS: []}
    for check, row in dict.fromkeys((check, row) for check, row, _ in total):
        sizes = {n: counts for (a, b, n), counts in total.items() if (a, b) == (check, row)}
        most = max(of / simulations for _, of, simulations in sizes.values())
        rates = {n: hits / of if of else np.nan for n, (hits, of, _) in sizes.items()}
        given = {n: of / simulations / max(most, 1e-9) for n, (_, of, simulations) in sizes.items()}
        fewest = int(min(simulations for *_, simulations in sizes.values()))
        found[_kind(check, row)].append(Row(row, rates, given, fewest))
    return found


def _kind(check: str, row: str) -> str:
    tests = ("trend", "slope of the line", "fall with", "two-sided")
    return TESTS if CHECKS[check].kind == TESTS or any(word in row for word in tests) else INTERVALS


def table(rows: Sequence[Row]) -> list[str]:
    """Markdown table of rates."""
    lines = [
        "| | " + " | ".join(f"{n:,}" for n in SIZES) + " | experiments |",
        "|---" + "|--:" * (len(SIZES) + 1) + "|",
    ]
    for row in rows:
        cells = []
        for n in SIZES:
            if n not in row.rates or np.isnan(row.rates[n]):
                cells.append("")
            else:
                some = f" ({row.given[n]:.0%} given)" if row.given[n] < 0.99 else ""
                cells.append(f"{row.rates[n]:.3f}{some}")
        name = row.name.replace("|", "\\|")
        lines.append(f"| {name} | {' | '.join(cells)} | {row.simulations:,} |")
    return lines


def page(done: Sequence[dict]) -> str:
    """Return the page."""
    rows = rows_of(done)
    return "\n".join(
        [
            "# How often intervals and tests are right",
            "",
            "Experiments of 20 to 1,000 trials were simulated and analysed. A 95 % interval should contain the true "
            "value in .95 of them, and a test at the level of .05 should reject in .05 of those without an effect. "
            "With 1,000 "
            "experiments, a rate of .95 or .05 has a standard error of .007.",
            "",
            "## Coverage of 95 % intervals, by number of trials",
            "",
            *table(rows[INTERVALS]),
            "",
            "*Given*: the fraction of experiments with an interval; standard errors and bootstraps have none if the "
            "data do not determine the fit. Profile likelihoods always have one, if necessary with an open end. "
            f"The psychometric curve has a bias of {BIAS:g} and a width of {WIDTH:g}, at eight levels from -8 to 8; "
            f"the Weibull curve a threshold of {THRESHOLD:g} and a slope of {SLOPE:g}, at six strengths from 1 to 32.",
            "",
            "Use `bias_ci`, `width_ci`, `threshold_ci` and `slope_ci`. The distribution of the estimated width is "
            "skewed, so twice its standard error is too short on the side of wide curves unless there are hundreds of "
            "trials. Width and slope need 200 trials; with fewer, a step or a flat line often fits equally well. Fits "
            "with a lapse rate need more, because only trials with strong evidence reveal lapses. Intervals of the "
            "median use order statistics: their coverage is at least the nominal level, and higher with few trials.",
            "",
            "## False-alarm rate of tests at the level of .05, by number of trials",
            "",
            *table(rows[TESTS]),
            "",
            "All results are for exchangeable trials; otherwise, `groups` defines which trials belong together.",
            "",
        ]
    )


def make(where: Places, quick: bool) -> str:
    """Run the missing experiments, and write the page."""
    return page(run(where.out / "simulations.jsonl", quick=quick))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study and write its page."""
    return write_study("calibration", __doc__, make, argv)


if __name__ == "__main__":
    sys.exit(main())
