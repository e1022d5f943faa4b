"""Results of the functions of `eicon.connectomes`, other than a `Connectome`."""

from ._catalogue import Entry as Entry
from ._expand import Expansion as Expansion
from ._units import Units as Units
