"""Coherence in per cent of dots, and on the scale of Song et al. (2016), which was the only one in eicon 0.1.0."""

import dataclasses
import logging
import warnings

import jax
import numpy as np
import pytest

from eicon.runs import ConfigError, Recipe, parse_recipe
from eicon.runs._schema import make_task
from eicon.tasks import ContextIntegration, PerceptualDecision, ReactionTimeDecision
from eicon.tasks._table import make

from .drawn import sample

FACTORS = {PerceptualDecision: 3.2, ReactionTimeDecision: 3.2, ContextIntegration: 5.0}
LEVELS = {PerceptualDecision: (1, 2, 4, 8, 16), ReactionTimeDecision: (1, 2, 4, 8, 16), ContextIntegration: (1, 3, 10)}
BOTH = pytest.mark.parametrize("kind", FACTORS)


@BOTH
def test_default_levels_are_the_same_stimuli_on_both_scales_bit_for_bit(kind):
    dots, published = kind(), kind(coherence_scale="song2016")
    assert (dots.coherence_scale, published.coherence) == ("dots", LEVELS[kind])
    assert dots.coherence == pytest.approx([FACTORS[kind] * level for level in published.coherence])
    for first, second in zip(sample(dots, 40, 0)[:3], sample(published, 40, 0)[:3], strict=True):
        assert first.tobytes() == second.tobytes()


@BOTH
def test_stimuli_on_the_published_scale_are_those_of_eicon_0_1_0_bit_for_bit(kind):
    """Its expression, written out."""
    task = kind(coherence_scale="song2016")
    grid = {**task.condition_grid(), "catch": np.zeros(task.n_conditions, bool)}
    trial = jax.jit(task.build)(jax.random.key(0), grid)
    names = [("motion", 2), ("colour", 4)] if kind is ContextIntegration else [("coherence", 0)]
    step = int(trial.epochs["stimulus"][0, 0])
    for name, channel in names:
        for sign in (1, -1):
            shown = np.float32(0.2) + (1 + sign * np.float32(FACTORS[kind]) * grid[name] / np.float32(100)) / 2
            np.testing.assert_array_equal(trial.inputs[step, :, channel + (sign < 0)], shown.astype(np.float32))


@BOTH
@pytest.mark.parametrize("scale", ["dots", "song2016"])
def test_who_says_the_scale_is_not_warned(kind, scale):
    task = kind(coherence=(8.0,), coherence_scale=scale)
    assert (task.coherence, task.coherence_scale) == ((8.0,), scale)
    assert dataclasses.replace(task, catch=False).coherence_scale == scale
    assert dataclasses.replace(task, coherence=(4.0,)).coherence == (4.0,)


@pytest.mark.unchecked  # the type check stands between the caller and the line that is named
@BOTH
def test_levels_that_0_1_0_took_for_others_give_a_warning_with_both_meanings(kind):
    factor = FACTORS[kind]
    with pytest.warns(FutureWarning, match=r"at 8, the evidence for the two choices is \(1 \+- 0.08\) / 2") as caught:
        task = kind(coherence=(4.0, 8.0))
    text = str(caught[0].message)
    assert f"(1 +- {0.08 * factor:g}) / 2 in eicon 0.1.0" in text
    assert "coherence_scale='dots'" in text
    assert "coherence_scale='song2016'" in text
    assert caught[0].filename == __file__
    assert (task.coherence, task.coherence_scale) == ((4.0, 8.0), "dots")


@BOTH
def test_levels_that_0_1_0_refused_need_no_warning(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert kind(coherence=(3.0, 51.2)).coherence_scale == "dots"


@pytest.mark.unchecked
@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"coherence": (51.2,), "coherence_scale": "song2016"},
            r"in \(0, 31.25\] on the scale 'song2016'; use coherence_scale 'dots",
        ),
        (
            {"coherence_scale": "paper"},
            r"coherence_scale must be 'dots' \(per cent of dots\) or 'song2016'; got 'paper'",
        ),
        ({"coherence": (120.0,), "coherence_scale": "dots"}, r"coherence must lie in \(0, 100\]; got 120"),
    ],
)
def test_levels_out_of_range_and_unknown_scales_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        PerceptualDecision(**options)


def test_the_unit_of_the_evidence_is_that_of_the_scale():
    assert PerceptualDecision().evidence == ("coherence", "% of dots")
    assert ReactionTimeDecision(coherence_scale="song2016").evidence == ("coherence", "%, Song et al.")


# configurations


@pytest.mark.parametrize("kind", FACTORS)
def test_a_file_of_0_1_0_keeps_its_meaning_and_is_written_so_that_it_has_no_other(kind, caplog):
    text = f"[task]\nname = '{kind.__name__}'\ncoherence = [4.0]\n"
    with caplog.at_level(logging.WARNING):
        config = parse_recipe(text, "old.toml")
    assert "old.toml: task.coherence is read on the scale of Song et al." in caplog.text
    assert config.make_task() == kind(coherence=(4.0,), coherence_scale="song2016")
    assert 'coherence_scale = "song2016"' in config.to_toml()
    caplog.clear()
    assert parse_recipe(config.to_toml()) == config
    assert not caplog.text


def test_a_file_that_says_the_scale_or_no_coherence_is_read_without_a_word(caplog):
    table = "[network]\nstart = 'slow'\n[task]\nname = 'PerceptualDecision'\n"
    assert parse_recipe(table).make_task() == PerceptualDecision()
    dots = parse_recipe(table + "coherence = [4.0]\ncoherence_scale = 'dots'")
    assert dots.make_task() == make("PerceptualDecision", coherence=(4.0,), coherence_scale="dots")
    assert parse_recipe(dots.to_toml()) == dots
    assert not caplog.text


def test_a_file_with_per_cent_of_dots_and_no_scale_is_refused_with_the_way_out():
    with pytest.raises(ConfigError, match="use coherence_scale 'dots' for per cent of dots; got 51.2"):
        parse_recipe("[task]\nname = 'PerceptualDecision'\ncoherence = [51.2]")


def test_tables_made_in_python_are_in_per_cent_of_dots_with_a_warning():
    config = Recipe(task={"name": "PerceptualDecision", "coherence": [4.0]})
    with pytest.warns(FutureWarning, match=r"coherence is in per cent of dots: .* in eicon 0\.1\.0"):
        completed = config.completed()
    assert completed.task["coherence_scale"] == "dots"
    assert completed.make_task() == PerceptualDecision(coherence=(4.0,), coherence_scale="dots")
    assert parse_recipe(completed.to_toml()) == completed


def test_a_sweep_keeps_the_meaning_of_its_file_and_says_it(caplog):
    text = "[task]\nname = 'PerceptualDecision'\n[grid]\n'task.coherence' = [[4.0], [8.0]]\n"
    recipe = parse_recipe(text, "old.toml")
    assert "old.toml: task.coherence" in caplog.text
    tasks = [cell.make_task() for cell in recipe.cells()]
    assert tasks[::5] == [PerceptualDecision(coherence=(c,), coherence_scale="song2016") for c in (4.0, 8.0)]
    assert parse_recipe(recipe.to_toml()) == recipe
    changed = Recipe().with_changes({"grid.task.coherence": [[4.0], [8.0]]})
    with pytest.warns(FutureWarning, match=r"coherence is in per cent of dots"):
        changed.check()
    changed = changed.completed()
    assert [cell.make_task().coherence_scale for cell in changed.cells()] == ["dots", "dots"]
    assert parse_recipe(changed.to_toml()) == changed


def test_the_scale_holds_for_stages_too(caplog):
    task = "[task]\nname = 'PerceptualDecision'\n"
    config = parse_recipe(f"{task}[[stages]]\ntask = {{coherence = [8.0, 16.0]}}\nstop_accuracy = 0.9\n", "new.toml")
    assert "new.toml: task.coherence" in caplog.text
    (stage,) = config.stages
    assert make_task({**config.task, **stage.task}) == PerceptualDecision(
        coherence=(8.0, 16.0), coherence_scale="song2016"
    )
    assert config.make_task() == PerceptualDecision(coherence_scale="song2016")
