"""Settings of a process that shares the machine with others like it; to be made before numpy and JAX are imported."""

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",  # XLA's threads; its flag against Eigen's would change other code, too
    "PJRT_NPROC": "1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
"""The number of threads decides in which order XLA adds, and so the last bits of large networks."""
