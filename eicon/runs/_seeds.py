"""Seeds of whatever a recipe draws."""

from typing import Any, NamedTuple

import numpy as np

from .._key import key as key_of


class Seeds(NamedTuple):
    """Seeds of whatever is drawn: that of the recipe, or those that a repeat had in eicon 0.1.0, by their purpose."""

    seed: int
    repeat: int | None

    def generator(self, purpose: str) -> np.random.Generator:
        """Random numbers for one purpose."""
        if self.repeat is None:
            return np.random.default_rng(self.seed)
        return np.random.default_rng(np.random.SeedSequence([self.seed, self.repeat, *purpose.encode()]))

    def number(self, purpose: str) -> int:
        """Seed for one purpose; without one it is that of the recipe."""
        if self.repeat is None or not purpose:
            return self.seed
        return int(self.generator(purpose).integers(2**31))

    def key(self, purpose: str) -> Any:
        """Key of JAX for one purpose."""
        return key_of(self.seed if self.repeat is None else int(self.generator(purpose).integers(2**32)))
