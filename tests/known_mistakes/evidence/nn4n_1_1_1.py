"""Known mistakes 4, 5, 6 and 20 in nn4n 1.1.1, with the package itself.

Commands:

    python3.11 -m venv env && env/bin/pip install nn4n==1.1.1
    env/bin/python nn4n_1_1_1.py
"""

# ruff: noqa: T201

import torch
from nn4n.model import CTRNN

N = 50


def std_of_noise(dt: float, call_train: bool = True) -> float:
    """Return the standard deviation of the currents of units that receive nothing but noise of 0.3."""
    torch.manual_seed(0)
    net = CTRNN(dims=[1, N, 1], tau=20, dt=dt, weights="zero", activation="tanh", preact_noise=0.3)
    if call_train:
        net.train()
    _, (rates,) = net(torch.zeros(int(400 / dt), 200, 1))
    return torch.atanh(rates[-1]).std().item()


def trained(plasticity: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return recurrent weights before and after 200 steps of Adam, and the sign that each of them must have."""
    torch.manual_seed(0)
    sign = torch.ones(N, N)
    sign[40:] = -1  # rows are sources in the masks that a user passes
    masks = {"ei_masks": [None, sign, None]} if plasticity is None else {"plasticity_masks": [None, plasticity, None]}
    net = CTRNN(dims=[2, N, 2], tau=100, dt=20, **masks)
    net.train()
    layer = net.recurrent_layer.hidden_layer
    before = layer.weight.detach().clone()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(200):
        inputs = torch.rand(20, 16, 2)
        outputs, _ = net(inputs)
        optimizer.zero_grad()
        ((outputs - inputs.flip(2).cumsum(0) / 10) ** 2).mean().backward()
        net.apply_plasticity()
        optimizer.step()
    return before, layer.weight.detach(), sign.T


def main() -> None:
    """Print one line for each mistake."""
    for dt in (1, 5, 20):
        print(f"4: preact_noise = 0.3, tau = 20, dt = {dt}: std {std_of_noise(dt):.3f}")
    print(f"5: the same at dt = 20, without a call of train() first: std {std_of_noise(20, call_train=False):.3f}")
    _, after, sign = trained()
    wrong = ((after * sign) < 0).float().mean()
    print(f"6: recurrent weights of the wrong sign after training, in state_dict: {wrong:.0%}")
    scale = torch.ones(N, N)
    scale[: N // 2] = 0.1
    scale[0, 0] = 0.0  # nn4n rescales masks so that their smallest value is 0
    before, after, _ = trained(scale)
    moved = (after - before).abs()
    slow, fast = moved[:, 1 : N // 2].mean(), moved[:, N // 2 :].mean()
    print(f"20: mean change of weights with plasticity 0.1: {slow:.4f}; with plasticity 1: {fast:.4f}")


if __name__ == "__main__":
    main()
