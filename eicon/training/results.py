"""What the trainer records, and what it measures."""

from ._evaluation import Validation as Validation
from ._history import History as History
