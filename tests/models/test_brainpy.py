"""One network, five ways to run it."""

import brainpy as bp
import brainpy.math as bm
import numpy as np
import pytest

TOLERANCE = {"rtol": 1e-6, "atol": 1e-6}


def by_hand(net, inputs):
    net.reset_state(inputs.shape[1])
    return np.stack([net.update(step) for step in inputs])


def by_for_loop(net, inputs):
    net.reset_state(inputs.shape[1])
    return bm.for_loop(net.update, inputs)


def by_loop_over_time(net, inputs):
    loop = bp.LoopOverTime(net)
    net.reset_state(inputs.shape[1])
    return loop(inputs)


def by_runner(net, inputs):
    runner = bp.DSRunner(net, monitors={"x": net.x}, progress_bar=False, data_first_axis="T")
    net.reset_state(inputs.shape[1])
    return runner.predict(inputs=inputs)


WAYS = {"hand": by_hand, "for_loop": by_for_loop, "LoopOverTime": by_loop_over_time, "DSRunner": by_runner}
MODES = {"none": None, "batching": bm.BatchingMode(4), "training": bm.TrainingMode(4)}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_outputs_equal_predict(way, mode, make_net, inputs):
    net = make_net(mode=MODES[mode])
    expected = net.predict(inputs).outputs
    np.testing.assert_allclose(bm.as_jax(WAYS[way](net, inputs)), expected, **TOLERANCE)
    np.testing.assert_allclose(net.x.value, net.predict(inputs).currents[-1], **TOLERANCE)


def test_runner_monitors_the_currents(make_net, inputs):
    net = make_net(mode=bm.TrainingMode(4))
    runner = bp.DSRunner(net, monitors={"rates": lambda: net.rates}, progress_bar=False, data_first_axis="T")
    runner.predict(inputs=inputs, reset_state=True)
    np.testing.assert_allclose(runner.mon["rates"], net.predict(inputs).rates, **TOLERANCE)


@pytest.mark.parametrize("environment", [bm.training_environment, bm.batching_environment])
def test_a_network_made_inside_an_environment_runs(environment, make_net, inputs):
    with environment():
        net = make_net()
        outputs = by_for_loop(net, inputs)
    np.testing.assert_allclose(bm.as_jax(outputs), make_net().predict(inputs).outputs, **TOLERANCE)


def test_a_batching_mode_sets_the_number_of_trials(make_net):
    assert make_net(mode=bm.BatchingMode(7)).x.shape == (7, 10)
    assert make_net().x.shape == (1, 10)


def test_one_trial_may_come_without_a_batch_axis(make_net, inputs):
    net = make_net()
    expected = net.predict(inputs[:, :1]).outputs[0]
    np.testing.assert_allclose(net.update(inputs[0, 0]), expected, **TOLERANCE)


@pytest.mark.battery
def test_gradient_through_brainpy_equals_the_fast_one(make_net, inputs):
    """`bm.grad` of a `bm.for_loop` over `update` (BrainPy's BPTT) and of `predict` are the same numbers."""
    net = make_net(activation="softplus")
    trained = net.trainable_variables()

    def loss_of(run):
        return bm.grad(lambda: bm.mean(bm.as_jax(run()) ** 2), grad_vars=trained)()

    def slow():
        net.reset_state(inputs.shape[1])
        return bm.for_loop(net.update, inputs)

    slow_gradient, fast_gradient = loss_of(slow), loss_of(lambda: net.predict(inputs).outputs)
    assert set(slow_gradient) == {"raw_rec", "raw_in", "raw_out", "x0", "b_rec", "b_out"}
    for name, value in slow_gradient.items():
        assert np.abs(value).max() > 0, name
        np.testing.assert_allclose(fast_gradient[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


def test_bptt_of_brainpy_trains_it(make_net, inputs):
    net = make_net(mode=bm.TrainingMode(4), activation="tanh")
    targets = np.zeros((*inputs.shape[:2], net.n_out), np.float32)
    trainer = bp.BPTT(
        net, loss_fun=lambda z, y: bm.mean((z - y) ** 2), optimizer=bp.optim.Adam(lr=1e-2), data_first_axis="T"
    )
    before = np.asarray(net.raw_rec.value)
    trainer.fit([(inputs, targets)] * 3, num_epoch=1, num_report=-1)
    assert not np.array_equal(before, net.raw_rec.value)
    assert (np.asarray(net.W_rec)[~net.is_excitatory] <= 0).all()


def test_predict_leaves_the_state_alone(make_net, inputs):
    net = make_net(sigma_rec=0.1)
    net.reset_state(4)
    net.update(inputs[0])
    before = {name: np.asarray(v.value).tobytes() for name, v in net.vars().items()}
    net.predict(inputs, noise=False)
    assert before == {name: np.asarray(v.value).tobytes() for name, v in net.vars().items()}
