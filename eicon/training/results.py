"""Records and measurements of the trainer."""

from ._evaluation import Validation as Validation
from ._history import History as History
