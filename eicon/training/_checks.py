"""Checks made before training starts."""

from ..models import RateRNN
from ..tasks import Task
from ..tasks._check import check_task
from ._recorded import Fit


def check_fit(net: RateRNN, task: Task) -> None:
    """Reject invalid or mismatched networks and tasks, and networks that cannot learn."""
    if isinstance(task, Fit):  # which was made for this network
        _check_trainable(net)
        return
    check_task(task)
    if not isinstance(net, RateRNN):
        raise TypeError(f"expected a network, then a task; got {type(net).__name__} as the network.")
    if (net.n_in, net.n_out) != (task.n_in, task.n_out):
        raise ValueError(
            f"the task has {task.n_in} inputs and {task.n_out} outputs, "
            f"but the network has {net.n_in} inputs and {net.n_out} outputs."
        )
    if net.dt != task.dt:
        raise ValueError(
            f"network and task must have the same dt; got {net.dt:g} and {task.dt:g} ms. "
            f"net.with_settings(dt={task.dt:g}) gives a network with the task's dt."
        )
    _check_trainable(net)


def _check_trainable(net: RateRNN) -> None:
    if not net.trainable_variables():
        raise ValueError("nothing to train: every weight is fixed.")
