"""Export of networks and activity to other programs' formats, and import of published weights.

xarray, netCDF, Zarr and NWB need ``pip install -e ".[exchange]"``; PyTorch is required only where it is used.
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
