"""What the functions of `eicon.exchange` return."""

from ._recorded import Recorded as Recorded
from ._torch import TorchRNN as TorchRNN
