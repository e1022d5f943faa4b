"""A certificate that a network obeys its constraints, computed from its effective weights."""

from dataclasses import asdict, dataclass

import numpy as np

from ._initial import spectral_radius
from ._network import ROLES, Network
from ._parameters import Values
from ._parts import Parts
from ._weights import MOST_DENSE
from ._weights import MatrixReport as MatrixReport


class ConstraintError(ValueError):
    """A network violates its own constraints."""


@dataclass(frozen=True)
class Certificate:
    """Result of `verify`.

    Attributes
    ----------
    matrices : reports for "input", "recurrent" and "readout"
    n_excitatory, n_inhibitory, n_free : numbers of units
    spectral_radius : of the effective recurrent matrix (NaN if it is not finite, or has more than 5,000 units)
    finite_parameters : whether all parameters of the cell and all biases are finite and within their bounds
    wrong_parameters : names of the parameters and biases that are not
    """

    matrices: dict[str, MatrixReport]
    n_excitatory: int
    n_inhibitory: int
    n_free: int
    spectral_radius: float
    finite_parameters: bool
    wrong_parameters: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True if every check passed."""
        return self.finite_parameters and all(report.ok for report in self.matrices.values())

    def problems(self) -> list[str]:
        """Violations, one line each."""
        texts = {
            "wrong_sign": "weights contradict the sign of their row (Dale's law)",
            "outside_mask": "weights where no connection exists",
            "changed_fixed": "fixed weights have changed",
            "not_finite": "weights are NaN or infinite",
        }
        lines = [
            f"{role}: {getattr(report, field)} {text}"
            for role, report in self.matrices.items()
            for field, text in texts.items()
            if getattr(report, field)
        ]
        if self.finite_parameters:
            return lines
        return [*lines, f"{', '.join(self.wrong_parameters)}: NaN, infinite, or out of range"]

    def raise_if_violated(self) -> "Certificate":
        """Return self, or raise `ConstraintError` with all problems in one line."""
        if not self.ok:
            raise ConstraintError("the network violates its constraints: " + "; ".join(self.problems()) + ".")
        return self

    def to_dict(self) -> dict:
        """Convert to a JSON-compatible form."""
        return {**asdict(self), "ok": self.ok, "problems": self.problems()}


def certify(parts: Parts) -> Certificate:
    """Check the effective weights and parameters of a network against their constraints; see `verify`."""
    network = parts.network
    reports = {role: getattr(network, role).check(square=role == "recurrent") for role in ("input", *ROLES)}
    sign = network.recurrent.sign
    with np.errstate(invalid="ignore"):
        wrong = sorted(name for name, values in network.parameters.items() if not _legal(values, network))
    known = reports["recurrent"].not_finite == 0 and network.n_rec <= MOST_DENSE
    return Certificate(
        matrices=reports,
        n_excitatory=int((sign > 0).sum()),
        n_inhibitory=int((sign < 0).sum()),
        n_free=int((sign == 0).sum()),
        spectral_radius=_radius(network) if known else float("nan"),
        finite_parameters=not wrong,
        wrong_parameters=tuple(wrong),
    )


def _radius(network: Network) -> float:
    return spectral_radius(np.asarray(network.recurrent.matrix(), np.float64))


def _legal(values: Values, network: Network) -> bool:
    """Return whether all numbers are within their bound, up to rounding to single precision."""
    if not values.trained:
        return bool(values.bound.allows(np.asarray(values.raw, np.float64), network.dt).all())
    found = np.asarray(values.effective(network.dt, network.dtype), np.float64)
    slack = 1e-6 * np.abs(found)
    return bool((values.bound.allows(found + slack, network.dt) | values.bound.allows(found, network.dt)).all())
