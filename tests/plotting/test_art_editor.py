"""Every figure in print and on screen, as an art editor looks at it; and the editor on figures with faults."""

import importlib.util
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from eicon import plotting


def load(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


editor, table = load("editor"), load("test_plotting")
FIGURES = {name: lambda draw=draw: draw(None).figure for name, draw in table.ONE_AXES.items()} | table.FIGURES


@pytest.mark.battery
@pytest.mark.parametrize("style", ["paper", "notebook"])
def test_nothing_is_sent_back(style):
    sent_back = {}
    for name, draw in FIGURES.items():
        with plotting.style(style):
            figure = draw()
        if found := editor.faults(figure):
            sent_back[name] = found
        plt.close(figure)
    close = {"tuning"}  # levels at their own places, of which two stand close
    assert {name: found for name, found in sent_back.items() if name not in close} == {}


def titles_touch(figure):
    axes = figure.subplots(1, 3)
    for ax in axes:
        ax.set_title("a title that is much too long")


def label_cut(figure):
    figure.text(0.9, 0.5, "this goes beyond the page")


def sequential_for_signs(figure):
    figure.subplots().imshow([[-1.0, 1.0], [0.0, 1.0]], cmap="viridis")


def uneven_for_signs(figure):
    figure.subplots().imshow([[-1.0, 3.0], [0.0, 1.0]], cmap=plotting._style.weight_cmap(), vmin=-1.0, vmax=3.0)


def legend_over_neighbour(figure):
    left, _ = figure.subplots(1, 2)
    left.plot([0, 1], label="a line")
    left.legend(bbox_to_anchor=(1.6, 0.5))


def two_alike(figure):
    ax = figure.subplots()
    for name in ("one", "other"):
        ax.plot([0, 1], color="red", label=name)
    ax.legend()


def too_small(figure):
    figure.text(0.5, 0.5, "small print", fontsize=3)


def too_many(figure):
    figure.subplots().plot(np.zeros((2, 300)))


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (titles_touch, "touches"),
        (label_cut, "is cut off"),
        (sequential_for_signs, "both signs on the map 'viridis'"),
        (uneven_for_signs, "with 0 at 0.25"),
        (legend_over_neighbour, "the legend of"),
        (two_alike, "'other' looks like 'one'"),
        (too_small, "has 3.0 points"),
        (too_many, "300 lines"),
    ],
)
def test_the_editor_sees_faults(draw, said):
    figure = plt.figure(figsize=(4.0, 3.0))
    draw(figure)
    assert any(said in fault for fault in editor.faults(figure))
    plt.close(figure)


def test_the_editor_has_nothing_against_a_plain_figure():
    figure, ax = plt.subplots()
    ax.plot([0, 1], label="one")
    ax.plot([1, 0], "--", label="other")
    ax.legend()
    ax.imshow([[-1.0, 1.0]], cmap=plotting._style.weight_cmap(), vmin=-1.0, vmax=1.0)
    assert editor.faults(figure) == []
