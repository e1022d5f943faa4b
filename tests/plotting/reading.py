"""What tests read from figures."""

import numpy as np


def containers(ax):
    """Points and intervals of the error bars, by label."""
    return {
        one.get_label(): (one[0].get_xydata(), np.array([b[:, 1] for b in one[2][0].get_segments()]))
        for one in ax.containers
    }


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def line(ax, label):
    (found,) = [candidate for candidate in ax.lines if candidate.get_label() == label]
    return found
