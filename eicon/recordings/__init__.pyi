from ._recording import Recording as Recording
