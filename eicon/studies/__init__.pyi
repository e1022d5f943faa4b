from . import results as results
from ._compare import compare_networks as compare_networks
from ._condense import condense_network as condense_network
from ._dt_report import dt_report as dt_report
from ._dynamics import dynamics_of as dynamics_of
from ._dynamics import exponents_of as exponents_of
from ._dynamics import held_inputs as held_inputs
from ._perturb import perturbation_effects as perturbation_effects
