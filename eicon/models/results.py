"""What `eicon.verify` returns."""

from ._certificate import Certificate as Certificate
from ._certificate import MatrixReport as MatrixReport
