"""NeuralRNN's `EIRNNModel` with the same shapes, equation and noise, in a plain PyTorch loop.

Its recurrence is used unchanged: the effective weight ``|W| @ sign`` is a product of two matrices in each step, and the
readout is applied in each step, to the excitatory currents. `nonlinearity_mode="rate"` and
`noise_scaling="sqrt_2_over_alpha"` select the equation and the noise of the other variants. Threads: torch's default.
"""

from collections.abc import Callable
from itertools import cycle

import neuralrnn
import torch
from neuralrnn import AutoModel
from neuralrnn.models.ctrnn import EIRNNConfig
from torch import nn

from benchmarks import problem


def build(n_rec: int) -> Callable[[int], None]:
    """Return the function that runs k training steps."""
    torch.manual_seed(problem.SEED)
    config = EIRNNConfig(
        input_dim=problem.N_IN,
        latent_dim=n_rec,
        output_dim=problem.N_OUT,
        dt=problem.DT,
        tau=problem.TAU,
        ei_ratio=problem.E_RATIO,
        sigma_rec=problem.SIGMA_REC,
        nonlinearity_mode="rate",
        noise_scaling="sqrt_2_over_alpha",
        no_self_connections=True,
    )
    net = AutoModel.from_config(config)
    net.train()
    opt = torch.optim.Adam(net.parameters(), lr=problem.LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    data = [
        (torch.from_numpy(xs).transpose(0, 1).contiguous(), torch.from_numpy(ys).long().T.contiguous())
        for xs, ys in problem.batches()
    ]
    stream = cycle(data)

    def run(k: int) -> None:
        for _ in range(k):
            xs, ys = next(stream)
            opt.zero_grad()
            loss = criterion(net(xs).outputs.reshape(-1, problem.N_OUT), ys.reshape(-1))
            loss.backward()
            opt.step()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()}")

    run.note = f"neuralrnn {neuralrnn.__version__}; {torch.get_num_threads()} threads"
    return run
