"""What training leaves behind in memory: nothing that grows with the number of trainers or steps."""

import functools
import gc
import logging
import sys
import weakref

import jax
import jax.numpy as jnp
import pytest

from eicon import _memory
from eicon.models import RateRNN, _equation
from eicon.tasks import SequenceMemory
from eicon.training import EpochTrainer, Trainer, _epochs, split_trials

TASK = SequenceMemory(pattern_length=2)


def make_net(tau: float = 100.0) -> RateRNN:
    return RateRNN.dale(TASK.n_in, 6, TASK.n_out, tau=tau)


def make_trainer(tau: float = 100.0) -> EpochTrainer:
    trials = split_trials(TASK.trials(8, key=jax.random.key(0)), 0.5, key=jax.random.key(1))
    return EpochTrainer(make_net(tau), TASK, *trials, batch_size=4)


@pytest.fixture
def one_program_at_a_time(monkeypatch):
    for module in (_epochs, _equation):
        monkeypatch.setattr(module, "_compiled", functools.lru_cache(maxsize=1)(module._compiled.__wrapped__))


def test_trainer_network_and_compiled_steps_are_freed_together():
    trainer = Trainer(make_net(), TASK, batch_size=4, validation_repeats=2)
    trainer.fit(2, validate_every=1, progress=False)
    gone = [weakref.ref(trainer), weakref.ref(trainer.net), weakref.ref(trainer._evaluate)]
    del trainer
    gc.collect()
    assert [made() for made in gone] == [None] * 3


def test_compiled_epochs_are_freed_with_their_equation_when_others_take_their_place(one_program_at_a_time):
    trainer = make_trainer(tau=100.0)
    trainer.fit(1, progress=False)
    program = trainer._program
    gone = [weakref.ref(trainer), weakref.ref(program), weakref.ref(program.equation)]
    del trainer, program
    gc.collect()
    assert gone[0]() is None
    assert gone[1]() is not None  # the next network of the same kind shares it
    make_trainer(tau=200.0).fit(1, progress=False)
    gc.collect()
    assert [made() for made in gone] == [None] * 3


def test_a_simulated_equation_is_freed_when_others_take_its_place(one_program_at_a_time):
    inputs = TASK.trials(1, key=jax.random.key(0)).inputs
    net = make_net()
    net.predict(inputs)
    gone = weakref.ref(net.equation)
    del net
    make_net(tau=200.0).predict(inputs)
    gc.collect()
    assert gone() is None


def test_arrays_on_the_device_do_not_grow_with_steps():
    trainers = [make_trainer(), Trainer(make_net(), TASK, batch_size=4, validation_repeats=2)]

    def arrays() -> int:
        for trainer in trainers:
            trainer.fit(2, progress=False)
        gc.collect()
        return len(jax.live_arrays())

    arrays()
    assert arrays() == arrays()


def test_cutting_trials_up_compiles_no_program_per_slice(caplog):
    trials = TASK.trials(10, key=jax.random.key(0))
    with caplog.at_level(logging.WARNING, logger="jax"), jax.log_compiles(True):
        train, _ = split_trials(trials, 0.7, key=jax.random.key(1))
        _epochs._stacked(train, 3)
    compiled = [record.args[0] for record in caplog.records if record.msg.startswith("Compiling")]
    assert not {"jit(gather)", "jit(dynamic_slice)", "jit(stack)"} & set(compiled)


def test_give_back_frees_lowered_programs_and_keeps_the_compiled_ones(caplog):
    caches = [getattr(sys.modules[module], name) for module, name in _memory.LOWERED]
    double, trainer = jax.jit(lambda x: 2 * x), make_trainer()
    double(jnp.ones(3))
    trainer.fit(1, progress=False)
    assert all(cache.cache_info().currsize > 1 for cache in caches)
    _memory.give_back()
    assert [cache.cache_info().currsize for cache in caches] == [0, 0]
    with caplog.at_level(logging.WARNING, logger="jax"), jax.log_compiles(True):
        double(jnp.ones(3))
        trainer.fit(1, progress=False)
    assert not [record.getMessage() for record in caplog.records if record.msg.startswith("Compiling")]
