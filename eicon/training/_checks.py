"""What every trainer refuses before it begins."""

from ..models import RateRNN
from ..tasks import Task


def check_fit(net: RateRNN, task: Task, clip_norm: float | None, batch_size: int) -> None:
    """Refuse networks and tasks that do not fit, networks that cannot learn, and options out of range."""
    if (net.n_in, net.n_out) != (task.n_in, task.n_out):
        raise ValueError(
            f"the task has {task.n_in} inputs and {task.n_out} outputs, "
            f"but the network has {net.n_in} inputs and {net.n_out} outputs."
        )
    if net.dt != task.dt:
        raise ValueError(
            f"network and task must have the same dt; got {net.dt:g} and {task.dt:g} ms. "
            f"net.with_settings(dt={task.dt:g}) gives a network with the task's."
        )
    if not net.trainable_variables():
        raise ValueError("nothing to train: every weight is fixed.")
    if clip_norm is not None and not clip_norm > 0:
        raise ValueError(f"clip_norm must be > 0, or None for no clipping; got {clip_norm}.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; got {batch_size}.")
