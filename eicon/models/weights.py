"""Base class of weights, and dense weights; `Edges` and `LowRank` are in `eicon.models`."""

from ._weights import Dense as Dense
from ._weights import Product as Product
from ._weights import Weights as Weights
