"""Known mistakes 4, 17, 21 and 22 in PsychRNN 1.0.0, with the package itself.

Commands:

    python3.11 -m venv env && env/bin/pip install tensorflow-cpu
    env/bin/pip install --no-deps PsychRNN==1.0.0
    env/bin/python psychrnn_1_0_0.py
"""

# ruff: noqa: T201

import numpy as np
import tensorflow as tf
from psychrnn.backend.loss_functions import LossFunction
from psychrnn.backend.models.basic import Basic
from psychrnn.tasks.match_to_category import MatchToCategory
from psychrnn.tasks.perceptual_discrimination import PerceptualDiscrimination


def noise_of_the_stimulus(task: type, dt: float) -> float:
    """Return the standard deviation of a task's inputs at a time at which there is no stimulus."""
    made = task(dt=dt, tau=100, T=1000, N_batch=64)
    params = made.generate_trial_params(0, 0)
    return np.std([made.trial_function(-1.0, params)[0] for _ in range(4000)])


def radii(**options: object) -> str:
    """Return the least and greatest spectral radius of five initial networks that ask for 1.1."""
    found = []
    for seed in range(5):
        np.random.seed(seed)  # noqa: NPY002 (what the package draws from)
        params = PerceptualDiscrimination(dt=10, tau=100, T=20, N_batch=1).get_task_params()
        model = Basic(params | {"name": "radius", "N_rec": 100, "autapses": False, **options})
        found.append(np.abs(np.linalg.eigvals(model.get_weights()["W_rec"])).max())
        model.destruct()
    return f"{min(found):.2f} to {max(found):.2f}"


def loss(padding: int) -> float:
    """Return the loss of outputs that are wrong by 1 in 10 scored steps, with so many steps that are not scored."""
    mask = np.concatenate([np.ones((1, 10, 1)), np.zeros((1, padding, 1))], axis=1).astype(np.float32)
    ones = tf.ones_like(mask)
    with tf.compat.v1.Session() as session:
        return session.run(LossFunction({}).mean_squared_error(ones, 0 * ones, tf.constant(mask)))


def changes_of_weights() -> list[float]:
    """Return how far recurrent weights are from their start after 100 steps, and after another call with rate 0."""
    task = PerceptualDiscrimination(dt=10, tau=100, T=100, N_batch=16)
    model = Basic(task.get_task_params() | {"name": "resume", "N_rec": 20})
    start, found = model.initializer.initializations["W_rec"], []
    for steps, rate in ((100, 0.01), (2, 0.0)):
        model.train(task, {"training_iters": 16 * steps, "learning_rate": rate, "verbosity": False})
        found.append(np.abs(model.get_weights()["W_rec"] - start).max())
    model.destruct()
    return found


def main() -> None:
    """Print one line for each mistake."""
    for dt in (1, 5, 20):
        two, match = (noise_of_the_stimulus(task, dt) for task in (PerceptualDiscrimination, MatchToCategory))
        print(f"4: stimulus noise of 0.1, dt = {dt}: std {two:.4f} (two-choice), {match:.4f} (match to category)")
    mask = (np.random.default_rng(0).random((100, 100)) < 0.3).astype(float)
    print(f"17: radius used, 1.1 asked: dense {radii()}; Dale {radii(dale_ratio=0.8)}", end="")
    print(f"; 30 % of connections {radii(rec_connectivity=mask)}")
    print(f"21: the same 10 errors, 0 / 10 / 90 steps that are not scored: {[float(loss(n)) for n in (0, 10, 90)]}")
    first, second = changes_of_weights()
    print(f"22: largest change of a weight after train(): {first:.3f}; after a second train() at rate 0: {second:.3f}")


if __name__ == "__main__":
    main()
