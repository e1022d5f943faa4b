"""Comparison of networks with recordings: predictions, recovery, units to record next, and currents."""

from ._currents import population_currents as population_currents
from ._fits import effective_connectivity as effective_connectivity
from ._fits import recovery as recovery
from ._fits import unit_fit as unit_fit
from ._selection_of_units import next_units as next_units
