"""What a network learned: pure functions on arrays, whose results are NamedTuples.

Nothing here imports models, tasks or plotting, and no input is ever modified.
"""

from ._clustering import ChoiceClustering as ChoiceClustering
from ._clustering import choice_clustering as choice_clustering
from ._learning import Milestones as Milestones
from ._learning import milestones as milestones
from ._pca import PCA as PCA
from ._pca import ConditionAverage as ConditionAverage
from ._pca import condition_average as condition_average
from ._pca import pca as pca
from ._psychometric import Psychometric as Psychometric
from ._psychometric import psychometric as psychometric
from ._selectivity import Selectivity as Selectivity
from ._selectivity import selectivity as selectivity
from ._spectrum import Spectrum as Spectrum
from ._spectrum import jacobian as jacobian
from ._spectrum import jacobian_spectrum as jacobian_spectrum
from ._spectrum import spectrum as spectrum
