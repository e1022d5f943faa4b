"""Memory of one process over 20,000 short training steps, and over many small networks one after the other.

    python -m studies.training_memory [OUT.json]

Budget: half an hour on one core.

A network of 20 units is trained on random and on fixed trials; the resident set is taken every 2,000 steps, after
garbage collection. Then 12 networks of different sizes are made, trained for 10 steps and deleted, as in a worker of
pytest-xdist. Finally, all caches of JAX are cleared, and the memory that this frees is measured.
"""

import gc
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eicon._one_thread import ONE_THREAD

os.environ.update(ONE_THREAD)

import jax
import psutil

from eicon.models import RateRNN
from eicon.tasks import SequenceMemory
from eicon.training import Fixed, Trainer, split_trials
from studies.common import new_parser, places

STEPS, PARTS, NETWORKS = 20_000, 10, 12


def resident() -> float:
    """Resident set in MB."""
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


def over_steps(trainer: Any, steps: int) -> list[float]:
    """Resident set after the first tenth of the training, and after each further tenth."""
    sizes = []
    for _ in range(PARTS):
        trainer.fit(steps // PARTS, progress=False)
        sizes.append(round(resident(), 1))
    return sizes


def over_networks(networks: int) -> list[float]:
    """Resident set after each of several networks of different sizes."""
    task, sizes = SequenceMemory(), []
    for i in range(networks):
        net = RateRNN.dale(task.n_in, 20 + i, task.n_out, seed=i)
        Trainer(net, task, batch_size=8, validation_repeats=2).fit(10, progress=False)
        del net
        sizes.append(round(resident(), 1))
    return sizes


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the three cases."""
    parser = new_parser("training_memory", __doc__)
    parser.add_argument(
        "record", type=Path, nargs="?", metavar="OUT.json", help="(default: training_memory.json in --out)"
    )
    options = parser.parse_args(argv)
    target = options.record or places("training_memory", options).out / "training_memory.json"
    steps, networks = (20, 2) if options.quick else (STEPS, NETWORKS)
    task = SequenceMemory()
    train, validation = split_trials(task.trials(20, key=jax.random.key(0)), 0.5, key=jax.random.key(1))

    def net() -> RateRNN:
        return RateRNN.dale(task.n_in, 20, task.n_out)

    record: dict[str, Any] = {"imported": round(resident(), 1)}
    fixed = Fixed(train, validation, batch_size=10)
    record["random trials"] = over_steps(Trainer(net(), task, batch_size=8, validation_repeats=2), steps)
    record["fixed trials"] = over_steps(Trainer(net(), task, trials=fixed), steps)
    record["networks"] = over_networks(networks)
    record["programs"] = len(jax.devices()[0].client.live_executables())
    jax.clear_caches()
    record["caches cleared"] = round(resident(), 1)
    target.write_text(json.dumps(record), encoding="utf-8")
    for name, values in record.items():
        print(name, values)
    return 0


if __name__ == "__main__":
    sys.exit(main())
