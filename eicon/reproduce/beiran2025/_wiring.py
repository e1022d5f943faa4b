"""Real wiring, their Fig. 5: students on a wiring diagram with unknown gains and biases, compared with rewired ones.

The larva's teacher is trained to make the bursts of motor neurons in two behaviours, with the connections of the
larva; the zebrafish's is a linear integrator with strengths proportional to synapse counts. A student has the
teacher's weights, and its gains (and biases) permuted within types of units; it is fitted to the currents of M units,
which do not contain their own gains and biases. A null student has weights rewired within types. Parameters are
permuted again if an untrained student would explode, as most do on rewired larval wiring; if all do, the steadiest
one is used (``start_spread`` is its variance over the teacher's).
"""

import numpy as np

from ...analysis.fits import recovery, unit_fit
from ...connectomes import Connectome
from ...models import RateRNN
from ...recordings import Recording
from ...training import Gradient, RatePenalty, Trainer
from ...training._recorded import predicted
from ...training.schedules import Cosine
from .._parts import Keep, Measures, Part
from ._circuits import CIRCUITS, LARVA, ZEBRAFISH, circuit_network, signed_circuit, with_leading
from ._students import steadiest
from ._teachers import read_numbers, write_network
from ._units import permuted_within

SEEDS = (0, 1, 2)
MORE_SEEDS = (3, 4, 5)
"""Additional seeds of the zebrafish at the largest M, where errors vary so much that three seeds do not suffice."""
DRAWS = 200
"""Number of permutations tried to find a student that does not explode."""
RECORDED = {LARVA: (1, 4, 10, 20, 40, 80), ZEBRAFISH: (1, 2, 4, 8, 16, 32)}
RECORDED_OF_NULLS = {LARVA: (4, 20, 80), ZEBRAFISH: (2, 8, 32)}
STEPS = {"teacher": 1500, LARVA: 2000, ZEBRAFISH: 300}
RATE = {"teacher": 0.01, LARVA: 0.05, ZEBRAFISH: 0.05}
"""Initial learning rates of Adam, which decrease along half a cosine."""
FIRST_BURST, BETWEEN_GROUPS, BETWEEN_SEGMENTS, HALF_BURST, COMMAND = 0.15, 0.12, 0.12, 0.2, 0.8
"""Times of the larva's movements in s."""
INTEGRATOR = 2000.0
"""Time constant of the slowest mode of the zebrafish's integrator, in ms."""


def movements(connectome: Connectome, trials: int, rng: np.random.Generator) -> Recording:
    """Make target bursts of motor neurons in trials of forward and backward crawling; all else is unobserved.

    A command, with one channel per behaviour, lasts 0.8 s. Bursts follow the order of the wiring diagram's labels;
    segment a2 is earlier than a1 in forward crawling, and later in backward crawling.
    """
    circuit, labels = CIRCUITS[LARVA], connectome.labels
    time = np.arange(circuit.steps) * circuit.dt / 1000
    backward, onset = np.arange(trials) % 2, rng.uniform(0.05, 0.25, trials)
    strength = rng.uniform(0.8, 1.2, trials)
    place = np.array([[float(text or "nan") for text in labels[name]] for name in ("forward", "backward")])
    anterior = np.array([segment == "a1" for segment in labels["segment"]])
    late = np.where(backward[:, None] == 1, ~anterior, anterior)
    centre = onset[:, None] + FIRST_BURST + BETWEEN_GROUPS * (place[backward] - 1) + BETWEEN_SEGMENTS * late
    distance = np.minimum(np.abs(time[:, None, None] - centre) / HALF_BURST, 1.0)
    inputs = np.zeros((circuit.steps, trials, 2))
    on = (time[:, None] >= onset) & (time[:, None] < onset + COMMAND)
    inputs[:, np.arange(trials), backward] = on * strength
    bursts = 0.5 * (1 + np.cos(np.pi * distance))
    conditions = {"behaviour": np.where(backward == 1, "backward", "forward"), "strength": strength}
    names = list(connectome.names)
    return Recording(bursts, dt=circuit.dt, units=names, inputs=inputs, conditions=conditions)


def saccades(trials: int, rng: np.random.Generator) -> np.ndarray:
    """Make three bursts of 0.1 s per trial for saccades to either side (channels), of random times and sizes."""
    circuit = CIRCUITS[ZEBRAFISH]
    time = np.arange(circuit.steps) * circuit.dt / 1000
    inputs = np.zeros((circuit.steps, trials, 2))
    for trial in range(trials):
        for onset in rng.uniform(0.1, 0.75 * time[-1], 3):
            inputs[(time >= onset) & (time < onset + 0.1), trial, rng.integers(2)] += rng.uniform(0.5, 1.5)
    return inputs


def _untaught(connectome: Connectome, seed: int) -> RateRNN:
    """Make the untrained teacher of the larva."""
    rng = np.random.default_rng([seed, 0])
    premotor = np.array(connectome.labels["region"]) == "premotor"
    weights = with_leading(connectome.weights * connectome.sign[:, None], 1.0)
    w_in = np.where(premotor, rng.standard_normal((2, connectome.n)), 0.0)
    return circuit_network(LARVA, weights, connectome, w_in, train=("recurrent", "input", "gain", "shift"))


def teach_larva(part: Part, keep: Keep) -> Measures:
    """Train the larva's teacher: strengths of its connections, inputs, gains and biases, to make motor bursts."""
    seed = part["seed"]
    connectome = signed_circuit(LARVA, keep.folder, seed)
    net = _untaught(connectome, seed)
    bursts = movements(connectome, CIRCUITS[LARVA].trials, np.random.default_rng([seed, 4]))
    schedule = Cosine(RATE["teacher"], part["steps"], warm_up=min(50, part["steps"] // 2), end=RATE["teacher"] / 20)
    trainer = Trainer(net, bursts, learner=Gradient("adam", schedule), penalties=RatePenalty(1e-3), seed=seed)
    keep.fit(trainer, part["steps"])
    write_network(net, keep.folder / part["makes"])
    fit = unit_fit(predicted(net, bursts), bursts.activity)
    return {"r2": fit.median().r2, "steps": trainer.step}


def teacher_of(name: str, seed: int, keep: Keep) -> tuple[RateRNN, Connectome]:
    """Return the teacher on a circuit, and the circuit with the teacher's weights."""
    connectome = signed_circuit(name, keep.folder, seed)
    if name == LARVA:
        net = read_numbers(_untaught(connectome, seed), keep.folder / f"larva-teacher{seed}.npz")
    else:
        rng = np.random.default_rng([seed, 0])
        gain = rng.uniform(0.5, 1.5, connectome.n)
        signs = connectome.weights * connectome.sign[:, None]
        weights = with_leading(signs, 1 - CIRCUITS[name].tau / INTEGRATOR, gain)
        integrator = np.array(connectome.labels["type"]) == "_Int_"
        w_in = np.where(integrator & (rng.random((2, connectome.n)) < 0.5), rng.exponential(1.0, (2, connectome.n)), 0)
        net = circuit_network(name, weights, connectome, w_in, train=(), parameters={"gain": gain})
    return net, connectome._with(weights=np.abs(np.asarray(net.W_rec, np.float64)))


def recorded_of(name: str, net: RateRNN, connectome: Connectome, trials: int, rng: np.random.Generator) -> Recording:
    """Return the currents of all units of a teacher in trials of its task."""
    inputs = movements(connectome, trials, rng).inputs if name == LARVA else saccades(trials, rng)
    currents = np.asarray(net.predict(inputs, noise=False).currents)
    return Recording(currents, dt=net.dt, units=list(connectome.names), inputs=inputs, observed="current")


def fit_on_circuit(part: Part, keep: Keep) -> Measures:
    """Fit a student to M units of its teacher; null students have rewired connections."""
    name, seed, m = part["circuit"], part["seed"], part["recorded"]
    circuit = CIRCUITS[name]
    teacher, connectome = teacher_of(name, seed, keep)
    kind = np.array(connectome.labels["type"])
    fitted, held_out = (
        recorded_of(name, teacher, connectome, circuit.trials, np.random.default_rng([seed, i])) for i in (1, 2)
    )
    rng = np.random.default_rng([seed, 3])
    sends = np.isin(kind, circuit.senders)
    chosen = rng.permutation(np.flatnonzero(sends))[:m]
    weights = connectome.weights * connectome.sign[:, None]
    if part["null"]:
        drawn = connectome.rewired("types", seed=seed)
        leading = np.linalg.eigvals(weights).real.max()
        weights = with_leading(drawn.weights * connectome.sign[:, None], float(leading))

    def draw() -> RateRNN:
        values = {what: permuted_within(teacher.parameter(what), kind, rng) for what in circuit.train}
        w_in = np.asarray(teacher.W_in)
        return circuit_network(name, weights, connectome, w_in, train=circuit.train, parameters=values)

    net, start = steadiest(draw, fitted, DRAWS)
    steps, rate = part["steps"], RATE[name]
    learner = Gradient("adam", Cosine(rate, steps, warm_up=min(20, steps // 2), end=rate / 20))
    seen, unseen = fitted.of_units(chosen), held_out.of_units(chosen)
    trainer = Trainer(net, seen, held_out=unseen, loss="variance", learner=learner, seed=seed)
    recorded = np.isin(np.arange(connectome.n), chosen)
    groups = {"recorded": recorded, "unrecorded": sends & ~recorded, "others": ~sends}

    def measure(now: Trainer) -> Measures:
        return {
            **{
                f"{what}_{trials}": measures
                for trials, recording in (("fitted", fitted), ("held_out", held_out))
                for what, measures in errors(now.net, recording, groups).items()
            },
            **{
                f"{what}_r2": recovery(now.net.parameter(what)[sends], teacher.parameter(what)[sends]).r2
                for what in circuit.train
            },
        }

    at = sorted({0, *(step for step in (100, 300, 1000) if step < steps), steps})
    found = keep.fit(trainer, steps, measure=measure, at=at)
    return {"by_step": {str(step): found[step] for step in at}, "start_spread": start}


def errors(net: RateRNN, recording: Recording, groups: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return the unexplained fraction of variance of groups of units, and medians of R2 and r over units."""
    fit = unit_fit(predicted(net, recording), recording.activity)
    variance = recording.activity.var(axis=(0, 1))
    found = {}
    for name, units in groups.items():
        if units.any():
            median = fit.median(units)
            error = float(fit.mse[units].sum() / variance[units].sum())
            found[name] = {"error": error, "r2": median.r2, "r": median.r}
    return found


def wiring_parts(*, quick: bool = False) -> list[list[Part]]:
    """Return the trained teachers, and the students that need them."""
    seeds = SEEDS[:2] if quick else SEEDS
    steps = dict.fromkeys(STEPS, 50) if quick else STEPS
    teachers = [
        {"name": f"larva-teacher{seed}", "seed": seed, "steps": steps["teacher"], "makes": f"larva-teacher{seed}.npz"}
        for seed in seeds
    ]
    students = [
        _student(name, m, null, seed, steps[name])
        for seed in seeds
        for name in (LARVA, ZEBRAFISH)
        for null, recorded in ((False, RECORDED[name]), (True, RECORDED_OF_NULLS[name]))
        for m in (RECORDED_OF_NULLS[name][1:2] if quick else recorded)
    ]
    more = [
        _student(ZEBRAFISH, RECORDED[ZEBRAFISH][-1], null, seed, steps[ZEBRAFISH])
        for seed in (() if quick else MORE_SEEDS)
        for null in (False, True)
    ]
    return [teachers, students + more]


def _student(name: str, m: int, null: bool, seed: int, steps: int) -> Part:
    return {
        "name": f"{name}-{'null-' * null}M{m}-seed{seed}",
        **{"circuit": name, "recorded": m, "null": null, "seed": seed, "steps": steps},
    }
