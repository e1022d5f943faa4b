"""Results of the functions of `eicon.exchange`."""

from ._recorded import Recorded as Recorded
from ._torch import TorchRNN as TorchRNN
