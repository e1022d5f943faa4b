"""A plain PyTorch loop: one Python iteration per time step, autograd through the whole trial.

The effective weight ``|W| * sign`` is recomputed in each step, as a cell written as an `nn.Module` does;
the readout is one product after the loop. Noise is drawn per step, trial and unit. Threads: torch's default.
"""

from collections.abc import Callable
from itertools import cycle

import torch
from torch import Tensor, nn

from benchmarks import problem


class DaleLinear(nn.Module):
    """Recurrent weights ``(post, pre)`` whose columns keep the sign of their presynaptic unit."""

    def __init__(self, n_rec: int, n_exc: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_rec, n_rec))
        self.bias = nn.Parameter(torch.empty(n_rec))
        bound = n_rec**-0.5
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)
        with torch.no_grad():
            self.weight[:, :n_exc] *= (n_rec - n_exc) / n_exc
        sign = torch.ones(n_rec)
        sign[n_exc:] = -1.0
        self.register_buffer("mask", sign.expand(n_rec, n_rec) * (1 - torch.eye(n_rec)))

    def forward(self, r: Tensor) -> Tensor:
        """Return the recurrent input ``r @ W_eff.T + b``."""
        return nn.functional.linear(r, self.weight.abs() * self.mask, self.bias)


class Cell(nn.Module):
    """One Euler step of the rate equation."""

    def __init__(self, n_rec: int, n_exc: int, n_in: int) -> None:
        super().__init__()
        self.from_input = nn.Linear(n_in, n_rec, bias=False)
        self.from_rec = DaleLinear(n_rec, n_exc)
        self.noise_std = (2 * problem.ALPHA) ** 0.5 * problem.SIGMA_REC

    def forward(self, u: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        """Advance state ``x`` and rate ``r``, both ``(B, N)``, by one step."""
        drive = self.from_input(u) + self.from_rec(r)
        x = (1 - problem.ALPHA) * x + problem.ALPHA * drive + self.noise_std * torch.randn_like(x)
        return x, torch.relu(x)


class Net(nn.Module):
    """The cell unrolled over a trial, and a readout of the excitatory units."""

    def __init__(self, n_rec: int, n_in: int = problem.N_IN, n_out: int = problem.N_OUT) -> None:
        super().__init__()
        self.n_rec = n_rec
        self.n_exc = int(problem.E_RATIO * n_rec)
        self.cell = Cell(n_rec, self.n_exc, n_in)
        self.readout = nn.Linear(self.n_exc, n_out)

    def forward(self, us: Tensor) -> Tensor:
        """Map inputs ``(T, B, N_IN)`` to outputs ``(T, B, N_OUT)``."""
        x = r = us.new_zeros(us.shape[1], self.n_rec)
        rates = []
        for u in us:
            x, r = self.cell(u, x, r)
            rates.append(r)
        return self.readout(torch.stack(rates)[..., : self.n_exc])


def build(n_rec: int, kind: type[Net] = Net) -> Callable[[int], None]:
    """Return the function that runs k training steps."""
    torch.manual_seed(problem.SEED)
    net = kind(n_rec)
    opt = torch.optim.Adam(net.parameters(), lr=problem.LEARNING_RATE)
    criterion = nn.CrossEntropyLoss()
    data = [(torch.from_numpy(xs), torch.from_numpy(ys).long()) for xs, ys in problem.batches()]
    stream = cycle(data)

    def run(k: int) -> None:
        for _ in range(k):
            xs, ys = next(stream)
            opt.zero_grad()
            loss = criterion(net(xs).reshape(-1, problem.N_OUT), ys.reshape(-1))
            loss.backward()
            opt.step()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss.item()}")

    run.note = f"{torch.get_num_threads()} threads"
    return run
