"""Result types of `eicon.verify` and of running a network."""

from ._certificate import Certificate as Certificate
from ._certificate import MatrixReport as MatrixReport
from ._network import Activity as Activity
