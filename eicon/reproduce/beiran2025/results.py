"""Return types of `eicon.reproduce.beiran2025`."""

from ._claims import Claim as Claim
from ._claims import Interval as Interval
from ._claims import Requirement as Requirement
