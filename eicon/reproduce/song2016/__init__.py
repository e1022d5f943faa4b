"""The networks and figures of Song, Yang & Wang (2016), PLoS Comput Biol 12(2): e1004792."""

from ._figures import FigureResult as FigureResult
from ._figures import figure_result as figure_result
from ._models import FIGURES as FIGURES
from ._models import MODELS as MODELS
from ._models import model_config as model_config
from ._reproduce import reproduce as reproduce
from ._reproduce import summary as summary
from ._reproduce import write_gallery as write_gallery
from ._signatures import Signature as Signature
from ._suite import Row as Row
from ._suite import rows as rows
from ._suite import train_models as train_models
