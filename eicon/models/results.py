"""Result types of `eicon.verify`."""

from ._certificate import Certificate as Certificate
from ._certificate import MatrixReport as MatrixReport
