"""What training leaves behind in memory: nothing that grows with the number of trainers or steps."""

import contextlib
import gc
import logging
import sys
import weakref
from collections import OrderedDict

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from eicon import _memory
from eicon.models import Leaky, RateRNN
from eicon.tasks import SequenceMemory
from eicon.training import Fixed, HessianFree, Sampled, Trainer, _program, split_trials

pytestmark = pytest.mark.battery

TASK = SequenceMemory(pattern_length=2)


def make_net(**options) -> RateRNN:
    return RateRNN.dale(TASK.n_in, 6, TASK.n_out, **options)


def make_trainer(net: RateRNN | None = None, **options) -> Trainer:
    trials = split_trials(TASK.trials(8, key=jax.random.key(0)), 0.5, key=jax.random.key(1))
    return Trainer(make_net() if net is None else net, TASK, trials=Fixed(*trials, batch_size=4), **options)


def make_sampled(net: RateRNN | None = None, **options) -> Trainer:
    return Trainer(make_net() if net is None else net, TASK, trials=Sampled(4), validation_repeats=2, **options)


@pytest.fixture
def few_programs_at_a_time(monkeypatch):
    """That of one training on fixed trials: its epochs."""
    monkeypatch.setattr(_program, "KEPT", 1)
    monkeypatch.setattr(_program, "_kept", OrderedDict())


@contextlib.contextmanager
def compiling(caplog):
    """Names of the programs that are compiled meanwhile."""
    names = []
    with caplog.at_level(logging.WARNING, logger="jax"), jax.log_compiles(True):
        before = len(caplog.records)
        yield names
    names += [record.args[0] for record in caplog.records[before:] if record.msg.startswith("Compiling")]


@pytest.mark.parametrize("make", [make_sampled, make_trainer])
def test_trainer_and_network_are_freed(make):
    trainer = make()
    trainer.fit(2, validate_every=1, progress=False)
    gone = [weakref.ref(trainer), weakref.ref(trainer.net)]
    del trainer
    gc.collect()
    assert [made() for made in gone] == [None] * 2


OTHER_NUMBERS = {
    "weights": {"seed": 5},
    "time constants": {"tau": np.linspace(40.0, 100.0, 6)},
    "signs": {"e_ratio": 0.5},
    "initial current": {"x0": 0.3},
    "units": {"units": {"area": np.array(["a"] * 6)}},
}


def test_networks_of_one_structure_are_compiled_once_for_all(caplog):
    make_trainer(make_net()).fit(1, progress=False)
    trainers = {name: make_trainer(make_net(**options)) for name, options in OTHER_NUMBERS.items()}
    trainers["learning rate"] = make_trainer(make_net(), learning_rate=0.02)
    with compiling(caplog) as names:
        for trainer in trainers.values():
            trainer.fit(1, progress=False)
    assert not names
    losses = [float(trainer.history.loss[0]) for trainer in trainers.values()]
    assert len(set(losses)) > 3, "or they would be one network"
    other = make_trainer(make_net(cell=Leaky("tanh")))
    with compiling(caplog) as names:
        other.fit(1, progress=False)
    assert names, "or nothing would be seen to be compiled"


def test_networks_of_one_structure_are_simulated_by_one_program(caplog):
    inputs = TASK.trials(1, key=jax.random.key(0)).inputs
    make_net().predict(inputs)
    nets = [make_net(**options) for options in OTHER_NUMBERS.values()]
    with compiling(caplog) as names:
        for net in nets:
            net.predict(inputs)
    assert not names
    with compiling(caplog) as names:
        make_net(cell=Leaky("softplus")).predict(inputs)
    assert any("_run" in name for name in names)


def test_a_program_is_kept_for_the_next_network_and_freed_when_others_take_its_place(few_programs_at_a_time):
    trainer = make_trainer()
    trainer.fit(1, progress=False)
    programs = [weakref.ref(found) for found in _program._kept.values()]
    assert len(programs) == 1
    del trainer
    make_trainer(make_net(seed=3)).fit(1, progress=False)
    gc.collect()
    assert None not in [program() for program in programs]
    make_trainer(make_net(cell=Leaky("tanh"))).fit(1, progress=False)
    gc.collect()
    assert [program() for program in programs] == [None]
    assert len(_program._kept) == 1


@pytest.mark.parametrize(
    "use",
    [
        lambda net: net.predict(np.zeros((4, 2, TASK.n_in), np.float32)),
        lambda net: make_trainer(net).fit(2, progress=False),
        lambda net: make_sampled(net).fit(2, progress=False),
        lambda net: make_sampled(net, learner=HessianFree(n_probes=1)).fit(1, progress=False),
    ],
    ids=["predict", "fixed trials", "sampled trials", "Hessian-free"],
)
def test_no_program_keeps_the_numbers_of_a_network(use):
    """They are what it is given, and not compiled in; what is, is freed with the trainer."""

    def left_behind():
        net = make_net()
        use(net)
        del net
        gc.collect()
        return len(jax.live_arrays())

    left_behind()
    assert left_behind() == left_behind()


def test_arrays_on_the_device_do_not_grow_with_steps():
    trainers = [make_trainer(), make_sampled()]

    def arrays() -> int:
        for trainer in trainers:
            trainer.fit(2, progress=False)
        gc.collect()
        return len(jax.live_arrays())

    arrays()
    assert arrays() == arrays()


def test_cutting_trials_up_compiles_no_program_per_slice(caplog):
    trials = TASK.trials(10, key=jax.random.key(0))
    with compiling(caplog) as compiled:
        train, _ = split_trials(trials, 0.7, key=jax.random.key(1))
        assert len(Fixed(train, train, batch_size=3).stacks) == 2
    assert not {"jit(gather)", "jit(dynamic_slice)", "jit(stack)"} & set(compiled)


def test_give_back_frees_lowered_programs_and_keeps_the_compiled_ones(caplog):
    caches = [getattr(sys.modules[module], name) for module, name in _memory.LOWERED]
    double, trainer = jax.jit(lambda x: 2 * x), make_trainer()
    double(jnp.ones(3))
    trainer.fit(1, progress=False)
    assert all(cache.cache_info().currsize > 1 for cache in caches)
    _memory.give_back()
    assert [cache.cache_info().currsize for cache in caches] == [0, 0]
    with compiling(caplog) as names:
        double(jnp.ones(3))
        trainer.fit(1, progress=False)
    assert not names
