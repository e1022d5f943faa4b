"""Fits of networks to recordings: figures for `eicon.analysis.fits` and for the stiffness of fits."""

from ._currents import plot_current_shares as plot_current_shares
from ._currents import plot_currents as plot_currents
from ._fits import plot_recovery as plot_recovery
from ._fits import plot_unit_traces as plot_unit_traces
from ._fits import plot_unrecorded as plot_unrecorded
from ._stiffness import plot_fixed_directions as plot_fixed_directions
from ._stiffness import plot_stiffness as plot_stiffness
