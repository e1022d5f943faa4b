"""Building blocks for your own cells: the protocol, parameters and their bounds."""

from ._activations import ACTIVATIONS as ACTIVATIONS
from ._cells import Cell as Cell
from ._parameters import FREE as FREE
from ._parameters import POSITIVE as POSITIVE
from ._parameters import TIME as TIME
from ._parameters import UNIT as UNIT
from ._parameters import Bound as Bound
from ._parameters import Parameter as Parameter
