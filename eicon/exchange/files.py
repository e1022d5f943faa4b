"""Trials and activity in netCDF and Zarr files."""

from ._xarray import read_netcdf as read_netcdf
from ._xarray import read_zarr as read_zarr
from ._xarray import write_netcdf as write_netcdf
from ._xarray import write_zarr as write_zarr
