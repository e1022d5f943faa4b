"""What is simulated: rate networks as BrainPy dynamical systems."""

from ._activations import ACTIVATIONS as ACTIVATIONS
from ._activations import Activation as Activation
from ._anatomy import REMAPS as REMAPS
from ._anatomy import remap as remap
from ._connectivity import Connectivity as Connectivity
from ._connectivity import Constraint as Constraint
from ._equation import Activity as Activity
from ._equation import Parameters as Parameters
from ._equation import RateEquation as RateEquation
from ._initial import recurrent_weights as recurrent_weights
from ._initial import spectral_radius as spectral_radius
from ._initial import with_radius as with_radius
from ._rate_rnn import RateRNN as RateRNN
from ._rate_rnn import build as build
from ._schemes import SCHEMES as SCHEMES
from ._schemes import uniform_weights as uniform_weights
from ._storage import load as load
from ._storage import save as save
from ._verify import Certificate as Certificate
from ._verify import ConstraintError as ConstraintError
from ._verify import MatrixReport as MatrixReport
from ._verify import verify as verify
