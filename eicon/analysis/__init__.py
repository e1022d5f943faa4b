"""What a network learned: pure functions on arrays, whose results are NamedTuples.

Nothing here imports models, tasks or plotting, and no input is ever modified.
"""

from ._clustering import ChoiceClustering as ChoiceClustering
from ._clustering import choice_clustering as choice_clustering
from ._compare import Comparison as Comparison
from ._compare import compare as compare
from ._condense import INCOMING as INCOMING
from ._condense import METHODS as METHODS
from ._condense import Condensation as Condensation
from ._condense import condense as condense
from ._interval_timing import RampIndex as RampIndex
from ._interval_timing import ScalarVariability as ScalarVariability
from ._interval_timing import TemporalScaling as TemporalScaling
from ._interval_timing import ramp_index as ramp_index
from ._interval_timing import scalar_variability as scalar_variability
from ._interval_timing import temporal_scaling as temporal_scaling
from ._learning import Milestones as Milestones
from ._learning import milestones as milestones
from ._merging import SIMILARITIES as SIMILARITIES
from ._pca import PCA as PCA
from ._pca import ConditionAverage as ConditionAverage
from ._pca import condition_average as condition_average
from ._pca import pca as pca
from ._psychometric import Psychometric as Psychometric
from ._psychometric import psychometric as psychometric
from ._selectivity import Selectivity as Selectivity
from ._selectivity import selectivity as selectivity
from ._similarity import aligned_nrmse as aligned_nrmse
from ._similarity import linear_cka as linear_cka
from ._similarity import nrmse as nrmse
from ._similarity import procrustes_distance as procrustes_distance
from ._similarity import subspace_angles as subspace_angles
from ._spectrum import Spectrum as Spectrum
from ._spectrum import jacobian as jacobian
from ._spectrum import jacobian_spectrum as jacobian_spectrum
from ._spectrum import spectrum as spectrum
