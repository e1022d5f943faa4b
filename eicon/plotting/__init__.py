"""Figures of what a network does and what it learned; the only room that imports matplotlib.

Functions draw into the Axes they are given or make a figure of their own in the house style, and return what
they drew into. None of them shows, saves or closes anything.
"""

from ._activity import plot_activity as plot_activity
from ._activity import plot_pc_trajectories as plot_pc_trajectories
from ._behaviour import plot_loss as plot_loss
from ._behaviour import plot_psychometric as plot_psychometric
from ._connectivity import plot_connectivity as plot_connectivity
from ._connectivity import plot_selectivity as plot_selectivity
from ._connectivity import plot_spectrum as plot_spectrum
from ._connectome import plot_connectome as plot_connectome
from ._files import Drawing as Drawing
from ._files import save_png as save_png
from ._overview import plot_overview as plot_overview
from ._style import E_COLOR as E_COLOR
from ._style import I_COLOR as I_COLOR
from ._style import coherence_cmap as coherence_cmap
from ._style import style as style
from ._style import weight_cmap as weight_cmap
from ._sweep import plot_loss_boxes as plot_loss_boxes
from ._sweep import plot_loss_curves as plot_loss_curves
from ._sweep import run_milestones as run_milestones
