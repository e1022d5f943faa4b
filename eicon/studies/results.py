"""Results of the functions of `eicon.studies`."""

from ._compare import NetworkComparison as NetworkComparison
from ._condense import CondensedNetwork as CondensedNetwork
from ._dt_report import DtRow as DtRow
from ._dynamics import Dynamics as Dynamics
from ._dynamics import Exponents as Exponents
from ._dynamics import HeldInputs as HeldInputs
from ._fit import FitMeasures as FitMeasures
from ._match_noise import MatchedNoise as MatchedNoise
from ._perturb import PerturbationEffect as PerturbationEffect
from ._profile import Profile as Profile
from ._profile import Profiles as Profiles
from ._responses import Responses as Responses
from ._stiffness import Stiffness as Stiffness
