"""Long studies whose results stand under docs/results: ``python -m studies --list`` says which there are.

Each is a module with a docstring that names its command and its budget, and with ``main(argv)``. All take the options
of `studies.common`: ``--quick`` runs every step at tiny sizes, and ``--out`` says where what is made goes.
"""
