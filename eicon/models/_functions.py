"""Functions of whole networks: certify, save and load."""

import os

from .._files import named
from ._certificate import Certificate, ConstraintError, certify
from ._rate_rnn import RateRNN
from ._storage import read


def verify(net: RateRNN) -> Certificate:
    """Check a network's effective weights against its constraints, without changing it or raising an error.

    Parameters
    ----------
    net : RateRNN

    Returns
    -------
    Certificate

    Raises
    ------
    TypeError
        For anything else, such as a path.

    Examples
    --------
    >>> verify(RateRNN.dale(2, 10, 2)).ok
    True
    """
    if not isinstance(net, RateRNN):
        got = repr(net) if isinstance(net, str) else type(net).__name__
        more = "Pass the RateRNN that it belongs to" if got == "Network" else "Read a saved one with eicon.load(path)"
        raise TypeError(f"`net` must be a RateRNN; got {got}. {more}.")
    return certify(net.parts())


def save(net: RateRNN, path: str | os.PathLike[str]) -> None:
    """Write a network to one npz file, atomically; a network that violates its constraints is rejected.

    Parameters
    ----------
    net : RateRNN
    path : path

    Raises
    ------
    ConstraintError
        If `verify` finds a violation; an existing file is left unchanged.
    """
    net.save(path)


def load(path: str | os.PathLike[str]) -> RateRNN:
    """Read a network; parameters are restored bit for bit.

    Parameters
    ----------
    path : path

    Returns
    -------
    RateRNN

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is truncated, foreign, incomplete or of a newer format, or needs a file to be imported first.
    ConstraintError
        If the network in it violates its constraints.
    """
    parts = read(path)
    with named(path, "network"):
        net = RateRNN.of_parts(parts)
    try:
        verify(net).raise_if_violated()
    except ConstraintError as error:
        raise ConstraintError(f"{path}: {error}") from None
    return net
