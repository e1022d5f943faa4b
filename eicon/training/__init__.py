"""How networks learn: trainer, losses, penalties and checkpoints."""

from ._checkpoint import read_history as read_history
from ._epochs import EpochTrainer as EpochTrainer
from ._epochs import split_trials as split_trials
from ._hessian_free import HessianFree as HessianFree
from ._hessian_free import HessianFreeHistory as HessianFreeHistory
from ._history import AccuracyReached as AccuracyReached
from ._history import EpochHistory as EpochHistory
from ._history import History as History
from ._history import LossReached as LossReached
from ._losses import LOSSES as LOSSES
from ._losses import Loss as Loss
from ._losses import cross_entropy as cross_entropy
from ._losses import mean_squared_error as mean_squared_error
from ._matching import ActivityMatch as ActivityMatch
from ._optimizers import OPTIMIZERS as OPTIMIZERS
from ._regularizers import RatePenalty as RatePenalty
from ._regularizers import Regularizer as Regularizer
from ._regularizers import WeightPenalty as WeightPenalty
from ._session import NonFiniteLoss as NonFiniteLoss
from ._trainer import Trainer as Trainer
from ._vanishing import VanishingGradient as VanishingGradient
