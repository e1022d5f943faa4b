"""Null models, which preserve some properties of a connectome and randomise the rest."""

from ._nulls import NULLS as NULLS
from ._nulls import permute as permute
from ._nulls import rewire as rewire
from ._nulls import rewire_distance as rewire_distance
from ._nulls import rewire_strength as rewire_strength
from ._nulls import rewire_types as rewire_types
from ._nulls import rewire_types_distance as rewire_types_distance
from ._nulls import shuffle_weights as shuffle_weights
