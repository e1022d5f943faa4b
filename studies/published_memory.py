"""The published protocol of bio_rnn_mem in plain PyTorch: an independent reference for curves and for speed.

Goulas, Damicelli & Hilgetag (2021, doi 10.1016/j.neunet.2021.07.011) train Elman networks, wired like a connectome
that bio2art expands to neurons, on short-memory tasks. This file restates that protocol without eicon, with its
oddities: the matrix is used transposed, signed initial weights are assigned by anatomical rank, and the validation
set is the rest of one small set of trials. All random numbers come from explicit seeds through numpy.

    python -m studies.published_memory --task seq --pattern-length 3 --lr 1e-4 --activation relu \
        --optimizer Adam --remap --epochs 300 --seeds 0 1 2 --connectome C_Marmoset_Normalized.npy --json out.json

Budget: 10 minutes on one core. `studies.published_study` and `benchmarks.memory` use it as their reference.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from studies.common import new_parser, places, random_regions

TASKS = ("seq", "nback", "pic_latent")
OPTIMIZERS = {"Adam": torch.optim.Adam, "RMSprop": torch.optim.RMSprop, "SGD": torch.optim.SGD}
DTYPES = {"float32": torch.float32, "float64": torch.float64}
BATCH = 128
NON_MATCH, MATCH = 1.0, 2.0
N_CLASSES = 3

Batches = list[tuple[Tensor, Tensor]]


# --------------------------------------------------------------------------------------------------------- trials


class Trials(NamedTuple):
    """Inputs ``(trials, T, n_in)`` and targets ``(trials, T)``, float32; target 0 is not scored."""

    inputs: np.ndarray
    targets: np.ndarray

    def __getitem__(self, index: Any) -> "Trials":  # type: ignore[override]
        """Select trials, in both arrays."""
        return Trials(self.inputs[index], self.targets[index])


def seq_trials(p: int, n_trials: int, rng: np.random.Generator) -> Trials:
    """Show `p` values in steps 0..p-1 and the cue in step p; ask for the values, in order, in steps p+1..2p."""
    values = rng.random((n_trials, p))
    inputs = np.zeros((n_trials, 2 * p + 1, 2), np.float32)
    targets = np.zeros((n_trials, 2 * p + 1), np.float32)
    inputs[:, :p, 1] = values
    inputs[:, p, 0] = 1
    targets[:, p + 1 :] = values
    return Trials(inputs, targets)


def nback_trials(n_back: int, trial_length: int, n_trials: int, rng: np.random.Generator) -> Trials:
    """Ask whether the last of `trial_length` values equals the one `n_back` before: matches first, then non-matches."""
    _check_n_back(n_back, trial_length)
    values = rng.random((2 * n_trials, trial_length))
    values[:n_trials, -1 - n_back] = values[:n_trials, -1]
    inputs = np.zeros((2 * n_trials, trial_length + 1, 2), np.float32)
    inputs[:, :-1, 1] = values
    inputs[:, -2, 0] = 1
    return Trials(inputs, _last_step_targets(n_trials, trial_length + 1))


def latent_trials(
    latents: np.ndarray,
    labels: np.ndarray,
    n_back: int,
    trial_length: int,
    n_trials: int,
    rescale: bool,
    rng: np.random.Generator,
) -> Trials:
    """Return trials like `nback_trials`, with a picture's latent vector per step; a match is the identical picture."""
    _check_n_back(n_back, trial_length)
    if rescale:
        low, high = latents.min(1, keepdims=True), latents.max(1, keepdims=True)
        latents = (latents - low) / np.maximum(high - low, np.finfo(latents.dtype).tiny)
    classes = np.unique(labels)
    same = {c: np.flatnonzero(labels == c) for c in classes}
    other = {c: np.flatnonzero(labels != c) for c in classes}

    shown = np.empty((2 * n_trials, trial_length), int)
    for row in shown:
        c = rng.choice(classes)
        row[-1] = rng.choice(same[c])
        row[:-1] = rng.choice(other[c], trial_length - 1, replace=False)
    shown[:n_trials, -1 - n_back] = shown[:n_trials, -1]

    inputs = np.zeros((2 * n_trials, trial_length + 2, 1 + latents.shape[1]), np.float32)
    inputs[:, :trial_length, 1:] = latents[shown]
    inputs[:, trial_length, 0] = 1
    return Trials(inputs, _last_step_targets(n_trials, trial_length + 2))


def _check_n_back(n_back: int, trial_length: int) -> None:
    if not 0 < n_back < trial_length:
        raise ValueError(f"`n_back` must be between 1 and trial_length - 1 = {trial_length - 1}; got {n_back}.")


def _last_step_targets(n_trials: int, T: int) -> np.ndarray:
    targets = np.zeros((2 * n_trials, T), np.float32)
    targets[:n_trials, -1] = MATCH
    targets[n_trials:, -1] = NON_MATCH
    return targets


def split(trials: Trials, train_size: float, rng: np.random.Generator) -> tuple[Trials, Trials]:
    """Distribute whole trials, in random order, to training and validation; not stratified."""
    order = rng.permutation(len(trials.inputs))
    n_train = int(train_size * len(order))
    return trials[order[:n_train]], trials[order[n_train:]]


def batches(trials: Trials, dtype: torch.dtype = torch.float32) -> Batches:
    """Cut trials into batches of `BATCH`, in their order, the last one shorter."""
    xs, ys = (torch.from_numpy(a).to(dtype) for a in (trials.inputs, trials.targets))
    return list(zip(xs.split(BATCH), ys.split(BATCH), strict=True))


# ------------------------------------------------------------------------------------------------------ topology


def expand(
    regions: np.ndarray,
    k: int,
    rng: np.random.Generator,
    *,
    sparsity: float = 0.8,
    intrinsic_share: float = 0.8,
    rand_partition: bool = True,
) -> np.ndarray:
    """Expand region weights ``[source, target]`` to `k` neurons per region, float32 ``(k R, k R)``.

    A connected pair of regions gets ``k round(sparsity k)`` connections, a region ``k (k - 1)`` inside it and no
    autapses. The weight inside region ``i`` is ``share / (1 - share)`` times the sum of *column* ``i``.
    """
    fan = max(1, int(np.round(sparsity * k)))
    inside = intrinsic_share / (1 - intrinsic_share) * regions.sum(0)
    W = np.zeros((len(regions) * k,) * 2)

    def connect(i: int, j: int, targets: np.ndarray, total: float) -> None:
        rows = np.arange(i * k, (i + 1) * k)[:, None]
        n = targets.size
        parts = _stick_breaking(total, n, rng) if rand_partition else np.full(n, total / n)
        W[rows, j * k + targets] = parts.reshape(targets.shape)

    others = np.array([[b for b in range(k) if b != a] for a in range(k)], int)
    for i in range(len(regions)):
        if k > 1:
            connect(i, i, others, inside[i])
        for j in np.flatnonzero(regions[i]):
            connect(i, j, np.array([rng.permutation(k)[:fan] for _ in range(k)]), regions[i, j])
    return W.astype(np.float32)


def _stick_breaking(total: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Break a uniform fraction off the rest, n - 1 times; the parts come in random order and sum to `total`."""
    cut = np.append(rng.random(n - 1), 1.0)
    left = total * np.append(1.0, np.cumprod(1 - cut[:-1]))
    return rng.permutation(left * cut)


def permuted(W: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Permute all off-diagonal entries, zeros included (`random_w`)."""
    W = W.copy()
    off = ~np.eye(len(W), dtype=bool)
    W[off] = rng.permutation(W[off])
    return W


# ------------------------------------------------------------------------------------------------------- network


def initial_weights(
    W: np.ndarray, n_in: int, n_out: int, activation: str, init: str, remap: bool, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw the parameters under their names in `Network`, float64; `W` is compared with W_hh index for index.

    Any `init` other than "default" means he for relu and xavier for tanh, even if the other one was requested.
    """
    N = len(W)

    def draw(*shape: int) -> np.ndarray:
        bound = N**-0.5
        if init != "default" and len(shape) == 2:
            bound = np.sqrt(6 / (shape[0] if activation == "relu" else sum(shape)))
        return rng.uniform(-bound, bound, shape)

    W_hh = draw(N, N) * (W != 0)
    if remap:
        present = np.nonzero(W)
        by_anatomy = np.argsort(-W[present], kind="stable")
        values = W_hh[present]
        values[by_anatomy] = -np.sort(-values)
        W_hh[present] = values
    return {
        "rnn.weight_ih_l0": draw(N, n_in),
        "rnn.weight_hh_l0": W_hh,
        "rnn.bias_ih_l0": draw(N),
        "rnn.bias_hh_l0": draw(N),
        "readout.weight": draw(n_out, N),
        "readout.bias": draw(n_out),
    }


class Network(nn.Module):
    """Elman network from a zero state, with a linear readout; log-softmax when there is more than one output."""

    def __init__(self, weights: dict[str, np.ndarray], activation: str, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        N, n_in = weights["rnn.weight_ih_l0"].shape
        self.rnn = nn.RNN(n_in, N, nonlinearity=activation, batch_first=True, dtype=dtype)
        self.readout = nn.Linear(N, len(weights["readout.weight"]), dtype=dtype)
        self.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})

    def forward(self, xs: Tensor, scored: Tensor) -> Tensor:
        """Map inputs ``(B, T, n_in)`` to outputs ``(steps, n_out)`` at the scored steps of all trials."""
        states, _ = self.rnn(xs)
        out = self.readout(states[scored])
        return out.log_softmax(-1) if out.shape[-1] > 1 else out


# ------------------------------------------------------------------------------------------------------ training


def one_pass(
    net: Network, data: Batches, optimizer: torch.optim.Optimizer | None = None, mask: Tensor | None = None
) -> tuple[float, float | None]:
    """Go once through `data` and return the unweighted means over batches of loss and accuracy (None for values).

    With an optimizer each batch is a step; gradients of `W_hh` at absent connections are set to zero.
    """
    losses, accuracies = [], []
    W_hh = net.rnn.weight_hh_l0
    with torch.set_grad_enabled(optimizer is not None):
        for xs, ys in data:
            scored = ys != 0
            out, target = net(xs, scored), ys[scored]
            if out.shape[-1] == 1:
                loss = nn.functional.mse_loss(out[:, 0], target)
            else:
                target = target.long()
                loss = nn.functional.nll_loss(out, target)
                accuracies.append((out.argmax(-1) == target).double().mean().item())
            losses.append(loss.item())
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                if mask is not None and W_hh.grad is not None:
                    W_hh.grad *= mask
                optimizer.step()
    return float(np.mean(losses)), float(np.mean(accuracies)) if accuracies else None


def train(
    net: Network, train_set: Batches, val_set: Batches, mask: Tensor, optimizer: str, lr: float, epochs: int
) -> dict[str, Any]:
    """Train for `epochs` and return the curves; the time of an epoch leaves out the first."""
    opt = OPTIMIZERS[optimizer](net.parameters(), lr=lr)
    first = one_pass(net, val_set)
    rows, seconds = [], []
    for _ in range(epochs):
        start = time.perf_counter()
        rows.append((*one_pass(net, train_set, opt, mask), *one_pass(net, val_set)))
        seconds.append(time.perf_counter() - start)
    names = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    curves: dict[str, Any] = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
    curves |= {"initial_val_loss": first[0], "initial_val_accuracy": first[1]}
    curves["epoch_ms_median"] = 1e3 * float(np.median(seconds[1:] or seconds))
    curves["epoch_ms_mean"] = 1e3 * float(np.mean(seconds[1:] or seconds))
    return curves


def make_trials(
    task: str,
    rng: np.random.Generator,
    *,
    pattern_length: int = 3,
    n_back: int = 2,
    trial_length: int = 5,
    n_trials: int = 500,
    latents: Path | None = None,
    rescale: bool = True,
) -> Trials:
    """Make the trials of one of `TASKS`; `latents` is an npz with ``latents`` and ``labels``."""
    if task == "seq":
        return seq_trials(pattern_length, n_trials, rng)
    if task == "nback":
        return nback_trials(n_back, trial_length, n_trials, rng)
    if task == "pic_latent":
        if latents is None:
            raise ValueError("task 'pic_latent' needs the path `latents`.")
        with np.load(latents) as data:
            return latent_trials(data["latents"], data["labels"], n_back, trial_length, n_trials, rescale, rng)
    raise ValueError(f"`task` must be one of {TASKS}; got {task!r}.")


def run(
    task: str,
    W: np.ndarray,
    *,
    seed: int,
    epochs: int,
    lr: float = 1e-4,
    activation: str = "relu",
    optimizer: str = "Adam",
    init: str = "default",
    remap: bool = True,
    random_w: bool = False,
    freeze: bool = False,
    train_size: float = 0.8,
    threads: int = 1,
    dtype: str = "float32",
    **task_options: Any,
) -> dict[str, Any]:
    """Run one iteration: new trials, split, weights (and permutation) from `seed`, on the given topology `W`."""
    torch.set_num_threads(threads)
    data_rng, weight_rng, wiring_rng = np.random.default_rng(seed).spawn(3)
    train_trials, val_trials = split(make_trials(task, data_rng, **task_options), train_size, data_rng)
    if random_w:
        W = permuted(W, wiring_rng)
    n_in, n_out = train_trials.inputs.shape[-1], 1 if task == "seq" else N_CLASSES
    weights = initial_weights(W, n_in, n_out, activation, init, remap, weight_rng)
    net = Network(weights, activation, DTYPES[dtype])
    net.rnn.weight_hh_l0.requires_grad_(not freeze)
    sets = (batches(t, DTYPES[dtype]) for t in (train_trials, val_trials))
    mask = torch.from_numpy(W != 0).to(DTYPES[dtype])
    radius = float(np.abs(np.linalg.eigvals(weights["rnn.weight_hh_l0"])).max())
    return {"seed": seed, "initial_spectral_radius": radius, **train(net, *sets, mask, optimizer, lr, epochs)}


# -------------------------------------------------------------------------------------------------- command line


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; the defaults are those of the published configuration."""
    parser = new_parser("published_memory", __doc__)
    parser.add_argument("--connectome", type=Path, help="npy of region weights [source, target]")
    parser.add_argument("--k", type=int, default=4, help="neurons per region")
    parser.add_argument("--topology-seed", type=int, default=0, help="the expansion, shared by all seeds")
    parser.add_argument("--task", choices=TASKS)
    parser.add_argument("--pattern-length", type=int, default=3)
    parser.add_argument("--n-back", type=int, default=2)
    parser.add_argument("--trial-length", type=int, default=5)
    parser.add_argument("--n-trials", type=int, default=500)
    parser.add_argument("--latents", type=Path, help="npz with latents and labels, for pic_latent")
    parser.add_argument("--rescale", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--train-size", type=float, default=0.8)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--activation", choices=("relu", "tanh"), default="relu")
    parser.add_argument("--optimizer", choices=list(OPTIMIZERS), default="Adam")
    parser.add_argument("--init", choices=("default", "he", "xavier"), default="default")
    parser.add_argument("--remap", action="store_true")
    parser.add_argument("--random-w", action="store_true")
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--epochs", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=list(DTYPES), default="float32")
    parser.add_argument("--json", type=Path, help="write settings and curves here")
    args = parser.parse_args(argv)
    if args.quick:
        args.task, args.epochs, args.n_trials = args.task or "seq", 2, 10
        args.json = args.json or places("published_memory", args).out / "curves.json"
    elif args.connectome is None or args.task is None:
        parser.error("--connectome and --task are required")
    return args


def main(argv: list[str] | None = None) -> int:
    """Run all seeds, print a line for each, and write the curves."""
    settings = vars(parse(argv))
    options = {name: value for name, value in settings.items() if name not in ("quick", "out", "docs")}
    out, seeds = options.pop("json"), options.pop("seeds")
    topology_rng = np.random.default_rng(options.pop("topology_seed"))
    connectome = options.pop("connectome")
    regions = random_regions(4) if connectome is None else np.load(connectome)
    W = expand(regions, options.pop("k"), topology_rng)
    runs = []
    for seed in seeds:
        runs.append(run(W=W, seed=seed, **options))
        last = runs[-1]
        accuracy = "" if options["task"] == "seq" else f"best accuracy {max(last['val_accuracy']):.3f}, "
        print(
            f"seed {seed}: radius {last['initial_spectral_radius']:.3f}, loss {last['initial_val_loss']:.4g} -> "
            f"{last['val_loss'][-1]:.4g}, {accuracy}{last['epoch_ms_median']:.1f} ms per epoch",
            flush=True,
        )
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        content = {"settings": settings, "connections": int((W != 0).sum()), "torch": torch.__version__, "runs": runs}
        out.write_text(json.dumps(content, default=str, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
