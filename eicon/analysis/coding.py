"""Coding by units and populations, and its time course."""

from ._axis_separation import axis_separation as axis_separation
from ._clustering import signed_clustering as signed_clustering
from ._dimensionality import dimensionality as dimensionality
from ._epoch_selectivity import dprime_by_epoch as dprime_by_epoch
from ._oscillation import oscillation as oscillation
from ._psth import align as align
from ._psth import psth as psth
from ._psth import sort_by_peak as sort_by_peak
from ._regression_axes import regression_axes as regression_axes
from ._timescales import timescales as timescales
from ._tuning import tuned_fractions as tuned_fractions
from ._tuning import tuning as tuning
from ._tuning import tuning_correlation as tuning_correlation
