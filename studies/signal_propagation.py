"""Prediction of signal propagation by the worm's connectome, compared with measured responses (Randi et al. 2023).

    python -m studies.signal_propagation --minutes 60

Budget: 60 minutes of one core; ``--minutes`` stops earlier, and the next call resumes from there.

Needs ``pip install -e ".[worm]"`` (wormneuroatlas, GPL-3; its file is read at run time and never copied), or its file
``funatlas.h5``, or its wheel, as ``--data``.

In a network on the connectome of *C. elegans* at rest, one neuron receives a constant current for 5 s. The activity of
all others at its end is compared with their measured responses, which are averages over a window after a flash of
light: for small currents, the response to a constant current is the time integral of the response to a brief one. The
size of the current is the measured response of the stimulated neuron.
"""

import importlib.util
import io
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from scipy import stats
from scipy.sparse.csgraph import shortest_path

from eicon._hdf5 import check_heaps
from eicon.connectomes import Connectome
from eicon.connectomes import load as load_connectome
from eicon.connectomes.nulls import rewire_types
from eicon.models import Connectivity, Edges, Leaky, RateRNN
from eicon.plotting import style
from eicon.recordings import Recording
from eicon.reproduce._parts import Keep, Measures, Part, run_parts
from eicon.training import Trainer
from eicon.training._recorded import predicted
from studies.common import Places, new_parser, places, versions

PACKAGE, FILE, MEMBER = "wormneuroatlas", "funatlas.h5", "wormneuroatlas/data/funatlas.h5"
EXTRA = 'pip install -e ".[worm]"'
STRAINS = ("wt", "unc31")
DT, TAU, PULSE = 250.0, 1000.0, 5000.0
RADIUS = 0.8
"""Spectral radius of the connectome before it is fitted."""
SIGNIFICANT = 0.05
"""False discovery rate (q) below which a pair counts as responding."""
LARGEST = 1.0
"""Size of a mean response above which it counts as an artefact; 11 of 25,000 are larger, the largest is -17.5."""
FEWEST = 3
"""Minimum number of stimulations of a pair."""
SPLITS = {
    "stimulated": "responses to neurons none of whose responses were fitted",
    "pairs": "pairs of neurons that were not fitted",
}
DIFFERENCES = (
    ("connectome, fitted", "connectome, not fitted"),
    ("connectome, fitted", "nulls, fitted"),
    ("connectome, not fitted", "nulls, not fitted"),
    ("connectome, fitted", "number of synapses"),
    ("connectome, fitted", "path length, negative"),
    ("connectome, fitted", "mean of the responding neuron"),
)


class Propagation(NamedTuple):
    """Measured responses, ``[stimulated, responding]`` among N neurons.

    Attributes
    ----------
    names : names of the neurons
    response : (N, N) mean change of fluorescence, relative to the baseline; NaN for pairs without a measurement
    q : (N, N) false discovery rate of a response
    repeats : (N, N) number of stimulations
    reliability : reliability of means (Spearman-Brown), from the correlation over pairs between the means of two halves
        of the stimulations
    """

    names: tuple[str, ...]
    response: np.ndarray
    q: np.ndarray
    repeats: np.ndarray
    reliability: float


def find_data(given: Path | None) -> Any:
    """Find the atlas: a path, or a file in memory.

    Raises
    ------
    ValueError
        If none is found.
    """
    if given is None:
        found = importlib.util.find_spec(PACKAGE)
        folders = found.submodule_search_locations if found else None
        given = Path(next(iter(folders)), "data", FILE) if folders else None
        if given is None:
            raise ValueError(f"the measured responses are read from {PACKAGE} (GPL-3): {EXTRA}, or give --data {FILE}.")
    if not given.exists():
        raise ValueError(f"{given}: no such file. {EXTRA} brings {FILE}.")
    if given.suffix == ".whl":
        with zipfile.ZipFile(given) as wheel:
            if MEMBER not in wheel.namelist():
                raise ValueError(f"{given} holds no {MEMBER}; expected the wheel of {PACKAGE} 0.0.7.3.")
            return io.BytesIO(wheel.read(MEMBER))
    return given


def read_atlas(given: Path | None = None, strain: str = "wt") -> Propagation:
    """Read the atlas of signal propagation.

    Parameters
    ----------
    given : path, optional
        ``funatlas.h5``, or the wheel that contains it; by default the file of the installed package.
    strain : {"wt", "unc31"}
        Wild type, or a mutant without release from dense-core vesicles.

    Raises
    ------
    ValueError
        If the file is missing or not the atlas, or if h5py is missing.
    """
    source = find_data(given)
    try:
        import h5py
    except ImportError as error:
        raise ValueError(f"{FILE} is read with h5py, which is not installed: {EXTRA}.") from error
    if isinstance(source, Path):
        check_heaps(source)
    try:
        with h5py.File(source, "r") as file:
            names = tuple(name.decode() for name in file["neuron_ids"][:])
            group = file[strain]
            response, q, repeats, single = (group[name][:] for name in ("dFF", "q", "occ1", "dFF_all"))
    except (OSError, KeyError) as error:
        raise ValueError(f"{given or FILE} is not the atlas of {PACKAGE} 0.0.7.3 ({error}).") from error
    # The file has [responding, stimulated].
    response, q, repeats, single = response.T, q.T, repeats.T, single.T
    known = np.isfinite(response) & (repeats >= FEWEST) & (np.abs(response) <= LARGEST) & np.isfinite(q)
    measured = np.where(known, response, np.nan)
    return Propagation(names, measured, q, repeats, _reliability(single, known & ~np.eye(len(names), dtype=bool)))


def _reliability(single: np.ndarray, known: np.ndarray) -> float:
    """Spearman-Brown of the correlation between the means of every other stimulation and of the remaining ones."""
    pairs = [values[np.isfinite(values)] for values in single[known]]
    halves = np.array([(values[::2].mean(), values[1::2].mean()) for values in pairs if len(values) > 1])
    r = float(np.corrcoef(halves.T)[0, 1])
    return 2 * r / (1 + r)


class Worm(NamedTuple):
    """Measured responses and the connectome of the same N neurons."""

    connectome: Connectome
    response: np.ndarray
    q: np.ndarray
    reliability: float

    @property
    def drive(self) -> np.ndarray:
        """Response of each neuron to its own stimulation, (N,); NaN where it was not stimulated."""
        return np.diag(self.response)

    @property
    def known(self) -> np.ndarray:
        """Pairs that are predicted, bool (N, N): two different neurons with a measurement."""
        of_two = ~np.eye(len(self.response), dtype=bool)
        return np.isfinite(self.response) & of_two & np.isfinite(self.drive)[:, None]


def worm_of(atlas: Propagation, connectome: Connectome) -> Worm:
    """Match the neurons named in both.

    AWC(ON) and AWC(OFF) are left out, because the atlas cannot tell which of the two is the left neuron.
    """
    places = {name: i for i, name in enumerate(atlas.names)}
    n = connectome.n
    there = np.array([name in places for name in connectome.names])
    index = np.array([places[name] for name in connectome.names if name in places])
    if index.size < 2:
        raise ValueError(f"the atlas and the connectome share {index.size} names of neurons; at least 2 are needed.")
    response, q = np.full((n, n), np.nan), np.full((n, n), np.nan)
    response[np.ix_(there, there)], q[np.ix_(there, there)] = atlas.response[index][:, index], atlas.q[index][:, index]
    return Worm(connectome, response, q, atlas.reliability)


def kinds_of(connectome: Connectome) -> np.ndarray:
    """Type of each neuron, (N,): its class and the sign of its connections."""
    signs = {1: "E", -1: "I", 0: "?"}
    return np.array(
        [f"{kind} {signs[int(s)]}" for kind, s in zip(connectome.labels["class"], connectome.sign, strict=True)]
    )


def wired(connectome: Connectome, seed: int | None) -> Connectome:
    """The connectome, or a null model: the same types, signs, and degrees by type."""
    if seed is None:
        return connectome
    return rewire_types(connectome, types=kinds_of(connectome), seed=seed)


def network_on(connectome: Connectome) -> RateRNN:
    """Network at rest: counted weights, one strength per pair of types; units with a gain, a bias and a tau.

    Units of unknown sign have strengths of either sign.
    """
    n, kinds = connectome.n, kinds_of(connectome)
    scale = connectome.weight / connectome.weight.mean()
    counted = scale * np.where(connectome.signs == 0, 1, connectome.signs)
    matrix = np.zeros((n, n))
    matrix[connectome.source, connectome.target] = counted
    factor = RADIUS / np.abs(np.linalg.eigvals(matrix)).max()
    recurrent = Edges.of(
        connectome.source,
        connectome.target,
        (n, n),
        weights=factor * counted,
        scale=scale,
        sign=connectome.signs,
        group=np.array([f"{a} > {b}" for a, b in zip(kinds[connectome.source], kinds[connectome.target], strict=True)]),
    )
    each = np.arange(n)
    return RateRNN(
        recurrent,
        Edges.of(each, each, (n, n), weights=1.0, trainable=False),
        Connectivity.dense(n, 1),
        cell=Leaky("tanh", gain=True),
        tau=TAU,
        dt=DT,
        x0=0.0,
        units={"name": np.array(connectome.names)},
        train=("recurrent", "gain", "bias", "tau"),
    )


def recording_of(worm: Worm, wanted: np.ndarray) -> Recording:
    """Responses ``wanted`` (N, N), NaN elsewhere, at the end of a current into each stimulated neuron."""
    stimulated = np.flatnonzero(worm.known.any(axis=1))
    steps, n, b = round(PULSE / DT), worm.connectome.n, len(stimulated)
    activity, inputs = np.full((steps, b, n), np.nan), np.zeros((steps, b, n))
    activity[-1] = np.where(wanted, worm.response, np.nan)[stimulated]
    inputs[:, np.arange(b), stimulated] = worm.drive[stimulated]
    names = np.array(worm.connectome.names)
    return Recording(activity, DT, names, inputs, conditions={"stimulated": names[stimulated]})


def folds_of(worm: Worm, split: str, n: int) -> np.ndarray:
    """Fold of each pair, int (N, N), by its stimulated neuron or on its own; -1 where nothing was measured."""
    rng, known = np.random.default_rng(0), worm.known
    size = len(known)
    if split == "stimulated":
        stimulated = np.flatnonzero(known.any(axis=1))
        of_neuron = np.zeros(size, int)
        of_neuron[rng.permutation(stimulated)] = np.arange(len(stimulated)) % n
        folds = np.broadcast_to(of_neuron[:, None], known.shape)
    else:
        folds = rng.integers(n, size=known.shape)
    return np.where(known, folds, -1)


def responses(net: RateRNN, recording: Recording, worm: Worm) -> np.ndarray:
    """Predicted responses, (N, N), NaN where nothing was stimulated."""
    found = np.full(worm.response.shape, np.nan)
    found[worm.known.any(axis=1)] = predicted(net, recording)[-1]
    return found


def fit(part: Part, keep: Keep) -> Measures:
    """Fit a network to the pairs outside a fold, and predict those inside."""
    worm = worm_in(keep.folder, part["strain"])
    folds = folds_of(worm, part["split"], part["folds"])
    test = folds == part["fold"]
    checked = np.random.default_rng(part["fold"]).random(test.shape) < 0.1
    train, check = (recording_of(worm, (folds >= 0) & ~test & chosen) for chosen in (~checked, checked))
    net = network_on(wired(worm.connectome, part["wiring"]))
    before = responses(net, train, worm)
    trainer = Trainer(net, train, held_out=check, learning_rate=part["rate"], seed=part["fold"])
    keep.fit(trainer, part["steps"], every=part["every"])
    after = responses(trainer.best or net, train, worm)
    np.savez(keep.folder / f"{part['name']}_found.npz", before=before[test], after=after[test])
    measured = worm.response[test]
    return {
        "n": int(test.sum()),
        "best_step": trainer.best_step,
        "r_before": correlation(before[test], measured),
        "r": correlation(after[test], measured),
    }


def correlation(found: np.ndarray, measured: np.ndarray) -> float:
    """Pearson's; NaN where either is constant."""
    if not (np.ptp(found) > 0 and np.ptp(measured) > 0):
        return float("nan")
    return float(np.corrcoef(found, measured)[0, 1])


def worm_in(folder: Path, strain: str) -> Worm:
    """Worm of the atlas in a study's folder; results do not name paths of a machine."""
    given = (folder / "atlas.txt").read_text(encoding="utf-8")
    return worm_of(read_atlas(Path(given) if given else None, strain), load_connectome("celegans"))


def baselines(worm: Worm, folds: np.ndarray) -> dict[str, np.ndarray]:
    """Predictions without a network, (N, N)."""
    connectome = worm.connectome
    direct = np.zeros(folds.shape)
    direct[connectome.source, connectome.target] = connectome.weight
    length = shortest_path(direct > 0, unweighted=True)
    mean = np.full(folds.shape, np.nan)
    for fold in range(folds.max() + 1):
        of_others = np.where((folds >= 0) & (folds != fold), worm.response, np.nan)
        n = np.isfinite(of_others).sum(axis=0)
        each = np.nansum(of_others, axis=0) / np.maximum(n, 1)
        each[n == 0] = np.nanmean(of_others)
        mean = np.where(folds == fold, each, mean)
    return {
        "number of synapses": direct,
        "path length, negative": -np.where(np.isfinite(length), length, connectome.n),
        "mean of the responding neuron": mean,
    }


def measures_of(found: np.ndarray, measured: np.ndarray, responds: np.ndarray) -> dict[str, float]:
    """Quality of predicted responses: correlations, detection of responding pairs, and the slope of calibration.

    ``auc`` is the area under the curve of the predicted size, with significant responses as positive cases; ``slope``
    is that of the line from predicted to measured responses, 1 if predictions are neither too large nor too small.
    """
    varied = np.ptp(found) > 0
    return {
        "r": correlation(found, measured),
        "rank r": float(stats.spearmanr(found, measured).statistic) if varied else float("nan"),
        "auc": auc(np.abs(found) if found.min() < 0 < found.max() else found, responds),
        "slope": float(np.polyfit(found, measured, 1)[0]) if varied else float("nan"),
    }


def auc(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the curve of a score: the chance that a positive case has the larger one."""
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        return float("nan")
    return float((stats.rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def resampled(stimulated: np.ndarray, draws: int) -> list[np.ndarray]:
    """Indices of pairs in each draw of a bootstrap over stimulated neurons (P,)."""
    rng, names = np.random.default_rng(1), np.unique(stimulated)
    of_each = {name: np.flatnonzero(stimulated == name) for name in names}
    return [np.concatenate([of_each[k] for k in rng.choice(names, names.size)]) for _ in range(draws)]


def summary(part: Part, keep: Keep) -> Measures:
    """Measures of all predictions of a split, with intervals over stimulated neurons."""
    worm = worm_in(keep.folder, part["strain"])
    folds = folds_of(worm, part["split"], part["folds"])
    wanted = folds >= 0
    found = baselines(worm, folds)
    for wiring in part["wirings"]:
        arrays = {name: np.full(folds.shape, np.nan) for name in ("before", "after")}
        for fold in range(part["folds"]):
            with np.load(keep.folder / f"{_name(part['split'], wiring, fold)}_found.npz") as kept:
                for name, array in arrays.items():
                    array[folds == fold] = kept[name]
        label = "connectome" if wiring is None else f"null {wiring}"
        found |= {f"{label}, {'fitted' if name == 'after' else 'not fitted'}": a for name, a in arrays.items()}
    stimulated, _ = np.nonzero(wanted)
    measured, responds = worm.response[wanted], worm.q[wanted] < SIGNIFICANT
    draws = [slice(None), *resampled(stimulated, part["draws"])]
    table = {
        name: [measures_of(values[wanted][d], measured[d], responds[d]) for d in draws]
        for name, values in found.items()
    }
    every = {name: {key: np.array([row[key] for row in rows]) for key in rows[0]} for name, rows in table.items()}
    for stage in ("fitted", "not fitted"):
        nulls = [of for name, of in every.items() if name.startswith("null ") and name.endswith(f", {stage}")]
        every[f"nulls, {stage}"] = {key: np.mean([of[key] for of in nulls], axis=0) for key in nulls[0]}
    return {
        "pairs": int(wanted.sum()),
        "stimulated": int(np.unique(stimulated).size),
        "responding": float(responds.mean()),
        "reliability": worm.reliability,
        "measures": {name: {key: interval(values) for key, values in of.items()} for name, of in every.items()},
        "differences": {
            f"{one} - {other}": {key: interval(every[one][key] - every[other][key]) for key in ("r", "rank r", "auc")}
            for one, other in DIFFERENCES
        },
        "curve": curve(found["connectome, fitted"][wanted], measured, draws),
    }


def interval(values: np.ndarray) -> list[float]:
    """Return the value itself, which comes first, and the middle 95 % of the draws."""
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return [float(values[0]), float(low), float(high)]


def curve(found: np.ndarray, measured: np.ndarray, draws: Sequence[Any], n: int = 8) -> list[list[float]]:
    """Group pairs by predicted response into ``n``: mean of each, and that of measured responses with its interval."""
    limits = np.quantile(found, np.arange(1, n) / n)
    group = np.searchsorted(limits, found)
    rows = []
    for g in range(n):
        if not (group == g).any():
            continue
        means = np.array([measured[d][group[d] == g].mean() if (group[d] == g).any() else np.nan for d in draws])
        rows.append([float(found[group == g].mean()), *interval(means)])
    return rows


class Sizes(NamedTuple):
    """Sizes and numbers of everything."""

    folds: int = 5
    nulls: int = 5
    steps: int = 200
    every: int = 10
    rate: float = 1e-2
    draws: int = 1000


FULL = Sizes()
QUICK = Sizes(2, 1, 4, 2, 1e-2, 20)


def do(part: Part, keep: Keep) -> Measures:
    """Do a part of this study."""
    return {"fit": fit, "summary": summary}[part["kind"]](part, keep)


def _name(split: str, wiring: int | None, fold: int) -> str:
    return f"{split}_{'connectome' if wiring is None else f'null{wiring}'}_{fold}"


def parts_of(sizes: Sizes, strain: str) -> tuple[list[Part], list[Part]]:
    """List the fits, and then the summaries of all of them."""
    shared = {"strain": strain, "folds": sizes.folds}
    how = {"steps": sizes.steps, "every": sizes.every, "rate": sizes.rate}
    wirings = [None, *range(sizes.nulls)]
    fits = []
    for split in SPLITS:
        for fold in range(sizes.folds):
            for wiring in wirings:
                name = _name(split, wiring, fold)
                where = {"split": split, "fold": fold, "wiring": wiring}
                fits.append({"name": name, "kind": "fit", **shared, **where, **how, "makes": f"{name}_found.npz"})
    how |= {"kind": "summary", "wirings": wirings, "draws": sizes.draws}
    summaries = [{"name": f"{split}_summary", "split": split, **shared, **how} for split in SPLITS]
    return fits, summaries


ROWS = {
    "number of synapses": ("number of synapses from one to the other", "synapses"),
    "path length, negative": ("path length (fewer connections: larger response)", "path length"),
    "mean of the responding neuron": ("mean response of the responding neuron", "mean of responder"),
    "connectome, not fitted": ("network on the connectome, not fitted", "connectome, as counted"),
    "nulls, not fitted": ("networks on null models, not fitted", "nulls, as counted"),
    "connectome, fitted": ("network on the connectome, fitted", "connectome, fitted"),
    "nulls, fitted": ("networks on null models, fitted", "nulls, fitted"),
}
"""Names of predictions in tables and figures."""
KEYS = {
    "r": "correlation",
    "rank r": "rank correlation",
    "auc": "AUC of significant responses",
    "slope": "calibration slope",
}


def page(lines: Sequence[Mapping[str, Any]], n_parts: int, image: str) -> str:
    """Write the results as text and tables."""
    found = {line["settings"]["split"]: line for line in lines if line["settings"]["kind"] == "summary"}
    text = [
        "# Does the worm's connectome predict how signals propagate?",
        "",
        "Responses of neurons of *C. elegans* to the stimulation of one other neuron (Randi et al. 2023, Nature 623: "
        "406-414), compared with those of a network on the connectome (Cook et al. 2019). "
        + " ".join((__doc__ or "").split("\n\n")[-1].split()),
        "",
        "Weights are numbers of synapses times a strength per pair of types (class and sign of the transmitter), "
        f"scaled to a spectral radius of {RADIUS:g} before the fit. Strengths, gains, biases and time constants are "
        "fitted; a tenth of the pairs that are not tested is used for early stopping. Null models have the same "
        "types, signs, and degrees by type. Biases alone can give each neuron its own response regardless of the "
        "stimulated neuron, like the mean of the responding neuron. Intervals are 95 % bootstrap intervals over "
        "stimulated neurons; for null models, of their mean.",
        "",
    ]
    for split, line in found.items():
        m = line["measures"]
        best = np.sqrt(max(m["reliability"], 0))
        text += [
            f"## Held out: {SPLITS[split]}",
            "",
            f"{m['pairs']:,} pairs of {m['stimulated']} stimulated neurons with {FEWEST} stimulations or more, in "
            f"{line['settings']['folds']} parts; {m['responding']:.1%} of them respond (q < {SIGNIFICANT:g}). Measured "
            f"means are noisy: their reliability (two halves of the stimulations, Spearman-Brown) is "
            f"{m['reliability']:.2f}, so even a perfect model would reach a correlation of only about {best:.2f}.",
            "",
            f"| prediction | {' | '.join(KEYS.values())} |",
            "|---" * (1 + len(KEYS)) + "|",
            *(
                f"| {words} | " + " | ".join(written(m["measures"][name][key], key, name) for key in KEYS) + " |"
                for name, (words, _) in ROWS.items()
            ),
            "",
            "| difference | correlation | rank correlation | AUC |",
            "|---|---|---|---|",
            *(
                f"| {pair} | " + " | ".join(written(of[key], key, "") for key in ("r", "rank r", "auc")) + " |"
                for pair, of in m["differences"].items()
            ),
            "",
            *(f"- {words}" for words in verdicts(m["differences"])),
            "",
        ]
    done = "" if len(lines) == n_parts else f" {len(lines)} of {n_parts} parts are done."
    text += [
        f"![correlation, AUC and calibration]({image})",
        "",
        f"Parts: [signal_propagation.jsonl](signal_propagation.jsonl).{done}",
    ]
    return "\n".join(text) + "\n"


def written(value: Sequence[float | None], key: str, name: str) -> str:
    """Format a measure with its interval; no slope for predictions in units other than those of a response."""
    if value[0] is None or (key == "slope" and name in ("number of synapses", "path length, negative")):
        return ""
    return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"


def verdicts(differences: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """State the conclusions from the intervals of the differences."""
    rows = []
    for pair, of in differences.items():
        one, other = (f"*{words}*" for words in pair.split(" - "))
        by = {key: (of[key][1] > 0) - (of[key][2] < 0) for key in ("r", "auc")}
        said = {1: f"is better than {other}", -1: f"is worse than {other}", 0: f"cannot be distinguished from {other}"}
        if by["r"] == by["auc"]:
            rows.append(f"{one} {said[by['r']]}, by correlation and by AUC.")
        else:
            rows.append(f"{one} {said[by['r']]} by correlation, and {said[by['auc']]} by AUC.")
    return rows


def draw(lines: Sequence[Mapping[str, Any]]) -> Figure:
    """Correlations, AUC, and calibration curves."""
    found = {line["settings"]["split"]: line["measures"] for line in lines if line["settings"]["kind"] == "summary"}
    colors, names = {"stimulated": "#0077BB", "pairs": "#EE7733"}, list(ROWS)[::-1]
    with style("paper", width=180):
        figure, axes = plt.subplots(1, 3, figsize=(7.09, 2.4), width_ratios=(1, 1, 1.1))
        for axis, key, chance in ((axes[0], "r", 0.0), (axes[1], "auc", 0.5)):
            axis.axvline(chance, color="0.7", lw=0.8)
            for k, (split, m) in enumerate(found.items()):
                for y, name in enumerate(names):
                    value, low, high = m["measures"][name][key]
                    if value is None:
                        continue
                    place = y + 0.15 - 0.3 * k
                    axis.plot([low, high], [place, place], color=colors[split], lw=1)
                    axis.plot(value, place, "o", ms=3, color=colors[split])
            axis.set_yticks(range(len(names)), [ROWS[name][1] for name in names] if axis is axes[0] else [])
        axes[0].set_xlabel("correlation with measured responses")
        axes[1].set_xlabel("AUC of significant responses")
        for split, m in found.items():
            x, y, low, high = np.array(m["curve"], float).T
            axes[2].errorbar(
                x, y, [y - low, high - y], fmt="o-", ms=3, lw=1, color=colors[split], label=f"held out: {split}"
            )
        ends = axes[2].get_xlim()
        axes[2].plot(ends, ends, color="0.7", lw=0.8, zorder=0)
        axes[2].set(xlabel="predicted response (ΔF/F)", ylabel="measured response (ΔF/F)")
        figure.legend(*axes[2].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def run(where: Places, sizes: Sizes, data: Path | None, strain: str, workers: int, minutes: float | None) -> None:
    """Run the missing parts, and write the page."""
    atlas = find_data(data)  # before any part is started
    if not isinstance(atlas, io.BytesIO):
        read_atlas(data, strain)
    (where.out / "atlas.txt").write_text("" if data is None else str(data.resolve()), encoding="utf-8")
    fits, summaries = parts_of(sizes, strain)
    results = where.pages / "signal_propagation.jsonl"
    lines = run_parts(fits, do, results, where.out, workers=workers, minutes=minutes)
    if len(lines) < len(fits):
        return
    lines += run_parts(summaries, do, results, where.out, workers=0)
    draw(lines).savefig(where.images / "signal_propagation.png", dpi=200)
    image = "../images/signal_propagation.png"
    command = "" if strain == "wt" else f" --strain {strain}"
    footer = f"\n`python -m studies.signal_propagation{command}`; commit {lines[-1]['commit']}, {versions()}.\n"
    text = page(lines, len(fits) + len(summaries), image) + footer
    (where.pages / "signal_propagation.md").write_text(text, encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study."""
    parser = new_parser("signal_propagation", __doc__)
    parser.add_argument("--data", type=Path, help=f"{FILE}, or the wheel of {PACKAGE}; default: that of the package")
    parser.add_argument("--strain", choices=STRAINS, default="wt")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="start nothing after this many minutes")
    options = parser.parse_args(argv)
    where, sizes = places("signal_propagation", options), QUICK if options.quick else FULL
    try:
        run(where, sizes, options.data, options.strain, options.workers, options.minutes)
    except ValueError as error:
        sys.exit(f"signal_propagation: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
