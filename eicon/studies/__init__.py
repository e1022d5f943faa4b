"""Functions of a network and a task, or of two networks; they read and write no files."""

from ._compare import NetworkComparison as NetworkComparison
from ._compare import compare_networks as compare_networks
from ._condense import CondensedNetwork as CondensedNetwork
from ._condense import condense_network as condense_network
from ._dt_report import DtRow as DtRow
from ._dt_report import dt_report as dt_report
from ._dynamics import Dynamics as Dynamics
from ._dynamics import Exponents as Exponents
from ._dynamics import HeldInputs as HeldInputs
from ._dynamics import dynamics_of as dynamics_of
from ._dynamics import exponents_of as exponents_of
from ._dynamics import held_inputs as held_inputs
from ._perturb import PerturbationEffect as PerturbationEffect
from ._perturb import parse_perturbation as parse_perturbation
from ._perturb import perturbation_effects as perturbation_effects
from ._responses import Responses as Responses
from ._responses import responses as responses
