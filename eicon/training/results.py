"""What trainers record."""

from ._hessian_free import HessianFreeHistory as HessianFreeHistory
from ._history import EpochHistory as EpochHistory
from ._history import History as History
