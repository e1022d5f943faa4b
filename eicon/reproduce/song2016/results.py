"""Return types of `eicon.reproduce.song2016`."""

from ._figures import FigureResult as FigureResult
from ._signatures import Signature as Signature
from ._suite import Row as Row
