"""Environment of a single-threaded process, to be set before numpy and JAX are imported."""

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",  # XLA's threads; its flag for Eigen would also change other code
    "PJRT_NPROC": "1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
"""Variables; the number of threads sets the order of XLA's sums, and so the last bits of large networks."""
