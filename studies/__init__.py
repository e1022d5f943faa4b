"""Long studies, with results under docs/results: ``python -m studies --list`` lists them.

Each is a module with a docstring that names its command and its budget, and with ``main(argv)``. All take the options
of `studies.common`: ``--quick`` runs every step at tiny sizes, and ``--out`` sets the folder for the output.
"""
