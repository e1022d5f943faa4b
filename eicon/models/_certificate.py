"""A certificate that a network obeys its constraints, computed from its effective weights."""

from dataclasses import asdict, dataclass

import jax
import numpy as np

from ._initial import spectral_radius
from ._parts import Parts


class ConstraintError(ValueError):
    """A network violates its own constraints."""


@dataclass(frozen=True)
class MatrixReport:
    """Facts about one effective weight matrix ``[pre, post]``.

    Attributes
    ----------
    shape : (n_pre, n_post)
    density : fraction of entries that are non-zero
    wrong_sign : entries whose sign contradicts their row's (Dale's law)
    outside_mask : non-zero entries where no connection exists
    changed_fixed : fixed entries that do not have their value
    not_finite : NaN or infinite entries
    autapses : non-zero entries of the diagonal of a square matrix (recurrent), else 0
    """

    shape: tuple[int, int]
    density: float
    wrong_sign: int
    outside_mask: int
    changed_fixed: int
    not_finite: int
    autapses: int

    @property
    def ok(self) -> bool:
        """Whether nothing is violated."""
        return not (self.wrong_sign or self.outside_mask or self.changed_fixed or self.not_finite)


@dataclass(frozen=True)
class Certificate:
    """What `verify` found.

    Attributes
    ----------
    matrices : reports for "input", "recurrent" and "readout"
    n_excitatory, n_inhibitory, n_free : numbers of units
    spectral_radius : of the effective recurrent matrix (NaN if it is not finite)
    finite_parameters : whether biases and x0 are finite
    """

    matrices: dict[str, MatrixReport]
    n_excitatory: int
    n_inhibitory: int
    n_free: int
    spectral_radius: float
    finite_parameters: bool

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return self.finite_parameters and all(report.ok for report in self.matrices.values())

    def problems(self) -> list[str]:
        """What is violated, a line each."""
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
        return lines if self.finite_parameters else [*lines, "biases or x0 are NaN or infinite"]

    def raise_if_violated(self) -> "Certificate":
        """Return self, or raise `ConstraintError` with all problems in one line."""
        if not self.ok:
            raise ConstraintError("the network violates its constraints: " + "; ".join(self.problems()) + ".")
        return self

    def to_dict(self) -> dict:
        """JSON-compatible form."""
        return {**asdict(self), "ok": self.ok, "problems": self.problems()}


def certify(parts: Parts) -> Certificate:
    """Check the effective weights of a network against its constraints; see `verify`."""
    equation = parts.equation
    weights = {role: np.asarray(matrix, np.float64) for role, matrix in parts.effective().items()}
    reports = {
        role: _report(weights[role], getattr(equation, role), square=role == "recurrent")
        for role in ("input", "recurrent", "readout")
    }
    sign = equation.recurrent.sign
    others = [np.asarray(v) for name, v in jax.device_get(dict(parts.values)).items() if not name.startswith("raw")]
    recurrent = weights["recurrent"]
    return Certificate(
        matrices=reports,
        n_excitatory=int((sign > 0).sum()),
        n_inhibitory=int((sign < 0).sum()),
        n_free=int((sign == 0).sum()),
        spectral_radius=spectral_radius(recurrent) if np.isfinite(recurrent).all() else float("nan"),
        finite_parameters=all(bool(np.isfinite(v).all()) for v in others),
    )


def _report(weights: np.ndarray, connectivity, *, square: bool) -> MatrixReport:
    fixed = connectivity.fixed != 0
    return MatrixReport(
        shape=tuple(weights.shape),
        density=float(np.mean(weights != 0)),
        wrong_sign=int((connectivity.sign[:, None] * weights < 0).sum()),
        outside_mask=int((weights[~connectivity.exists] != 0).sum()),
        changed_fixed=int((weights[fixed] != connectivity.fixed[fixed]).sum()),
        not_finite=int((~np.isfinite(weights)).sum()),
        autapses=int((np.diag(weights) != 0).sum()) if square else 0,
    )
