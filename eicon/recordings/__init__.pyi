from . import files as files
from ._read import read as read
from ._recording import Recording as Recording
from ._resample import resampled as resampled
from ._simulated import simulated as simulated
