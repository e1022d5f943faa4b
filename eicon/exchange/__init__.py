"""Networks and their activity in other programs' formats, and published weights into a network.

xarray, netCDF, Zarr and NWB need ``pip install "eicon[exchange]"``; PyTorch is asked for where it is used.
"""

from ._mat import read_mat as read_mat
from ._mat import to_mat as to_mat
from ._nwb import read_nwb as read_nwb
from ._nwb import to_nwb as to_nwb
from ._recorded import Recorded as Recorded
from ._recorded import recorded as recorded
from ._torch import TorchRNN as TorchRNN
from ._torch import from_torch_rnn as from_torch_rnn
from ._torch import to_torch as to_torch
from ._torch import torch_rnn as torch_rnn
from ._weights import Orientation as Orientation
from ._weights import from_numpy as from_numpy
from ._weights import read_numpy as read_numpy
from ._weights import to_numpy as to_numpy
from ._weights import write_numpy as write_numpy
from ._weights import write_torch as write_torch
from ._xarray import from_xarray as from_xarray
from ._xarray import read_netcdf as read_netcdf
from ._xarray import read_zarr as read_zarr
from ._xarray import to_xarray as to_xarray
from ._xarray import write_netcdf as write_netcdf
from ._xarray import write_zarr as write_zarr
