"""Learning rates that change during training: functions of the step."""

from ._schedules import SCHEDULES as SCHEDULES
from ._schedules import Cosine as Cosine
from ._schedules import Exponential as Exponential
from ._schedules import Plateau as Plateau
from ._schedules import WarmUp as WarmUp
