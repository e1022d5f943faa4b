"""Papers whose networks and figures are made again, one folder each."""

from . import song2016 as song2016
