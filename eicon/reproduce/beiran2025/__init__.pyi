from . import results as results
from ._claims import claims as claims
from ._reproduce import reproduce as reproduce
