"""Connectomes: readers that make rows the sources, data that come with eicon, and a catalogue of both."""

from ._bio2art import read_bio2art as read_bio2art
from ._catalogue import Entry as Entry
from ._catalogue import available as available
from ._catalogue import load as load
from ._cect import read_cect as read_cect
from ._connectome import Connectome as Connectome
from ._counts import neurons_per_region as neurons_per_region
from ._expand import Expansion as Expansion
from ._expand import expand as expand
from ._nulls import NULLS as NULLS
from ._nulls import permute as permute
from ._nulls import rewire as rewire
from ._nulls import rewire_distance as rewire_distance
from ._nulls import rewire_strength as rewire_strength
from ._nulls import shuffle_weights as shuffle_weights
from ._packages import read_graspologic as read_graspologic
from ._packages import read_tvb as read_tvb
from ._readers import read_edges as read_edges
from ._readers import read_matrix as read_matrix
from ._readers import read_npz as read_npz
from ._signs import assign_signs as assign_signs
from ._write_bio2art import write_bio2art as write_bio2art
