"""Seeds of all random numbers of a recipe."""

from typing import Any, NamedTuple

import numpy as np

from .._key import key as key_of


class Seeds(NamedTuple):
    """Seeds of all random numbers: that of the recipe, or those of a repeat of eicon 0.1.0, by purpose."""

    seed: int
    repeat: int | None

    def generator(self, purpose: str) -> np.random.Generator:
        """Return random numbers for one purpose."""
        if self.repeat is None:
            return np.random.default_rng(self.seed)
        return np.random.default_rng(np.random.SeedSequence([self.seed, self.repeat, *purpose.encode()]))

    def number(self, purpose: str) -> int:
        """Return the seed for one purpose; without a purpose, that of the recipe."""
        if self.repeat is None or not purpose:
            return self.seed
        return int(self.generator(purpose).integers(2**31))

    def key(self, purpose: str) -> Any:
        """Return a JAX key for one purpose."""
        return key_of(self.seed if self.repeat is None else int(self.generator(purpose).integers(2**32)))
