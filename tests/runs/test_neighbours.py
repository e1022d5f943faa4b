"""What tells a run of a sweep from its neighbours, in Python and on its report."""

import shutil

from eicon.pages import write_report
from eicon.runs import analyze_run, open_run, open_sweep
from eicon.runs._neighbours import place_of


def test_neighbours_differ_in_one_key(finished_sweep):
    runs = list(finished_sweep.runs())
    place = place_of(open_run(runs[1].path))
    assert place.sweep == finished_sweep.path.absolute()
    assert place.combination == finished_sweep.combination(1)
    others = {(near.key, near.value): near for near in place.neighbours}
    wanted = [(key, value) for key, values in finished_sweep.grid.items() for value in values]
    assert sorted(map(str, others)) == sorted(map(str, (x for x in wanted if place.combination[x[0]] != x[1])))
    for (key, value), near in others.items():
        assert near.path.is_dir()
        own = open_run(near.path).recipe
        assert (own.learner.learning_rate if key.endswith("rate") else own.repeat) == value
        assert 0 <= near.accuracy <= 1
        assert near.loss > 0


def test_a_run_by_itself_or_moved_elsewhere_has_none(finished_sweep, trained_run, tmp_path):
    run, _ = trained_run
    assert place_of(run) is None
    path = shutil.copytree(next(finished_sweep.runs()).path, tmp_path / "alone")
    assert place_of(open_run(path)) is None


def test_the_report_says_what_differs(finished_sweep, tmp_path):
    sweep = open_sweep(shutil.copytree(finished_sweep.path, tmp_path / "sweep"))
    shutil.rmtree(sweep.folder(3))
    run = open_run(sweep.folder(0))
    analyze_run(run, repeats=2)
    page = write_report(run).read_text()
    assert "Neighbours in the sweep sweep" in page
    for near in place_of(run).neighbours:
        assert f"{near.key} {near.value} (here {place_of(run).combination[near.key]})" in page
    assert "not finished" not in page
    shutil.rmtree(sweep.folder(1))
    assert "not finished" in write_report(run).read_text()
