"""Networks and their activity in other programs' formats, and published weights into a network.

xarray, netCDF, Zarr and NWB need ``pip install "eicon[exchange]"``; PyTorch is asked for where it is used.
"""

from .._lazy import lazy_room

__getattr__, __dir__, __all__ = lazy_room(
    __name__,
    __file__,
    moved={
        "results": "Recorded TorchRNN",
        "files": "read_netcdf write_netcdf read_zarr write_zarr",
        "_weights": "Orientation",
        "_recorded": "recorded",
    },
)
