"""Behaviour in detail: fits, reaction times, ties, multisensory choices, agreement, and learning speed."""

from ._bootstrap import bootstrap as bootstrap
from ._by_condition import accuracy_by_condition as accuracy_by_condition
from ._chronometric import chronometric as chronometric
from ._consistency import error_consistency as error_consistency
from ._crossing import threshold_crossing as threshold_crossing
from ._duration import accuracy_by_duration as accuracy_by_duration
from ._learning import milestones as milestones
from ._multisensory import multisensory_ratio as multisensory_ratio
from ._paired import paired_difference as paired_difference
from ._trend import trend as trend
from ._weibull import weibull as weibull
