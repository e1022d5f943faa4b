"""Types of the tasks that `from_neurogym` and `from_brainpy_datasets` return."""

from ._brainpy_datasets import BrainPyDatasetsTask as BrainPyDatasetsTask
from ._neurogym import NeurogymTask as NeurogymTask
