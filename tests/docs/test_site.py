"""The tools that build the site: links are checked, versions listed, signatures readable."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import DOCS, load_script

GOOD = {
    "index.html": '<a href="a/b.html#here">b</a><a href="#top">t</a><p id="top"></p><img src="p.png">'
    '<a href="https://example.org/x">x</a><a href="mailto:a@b.c">m</a><img src="data:image/png;base64,AA">',
    "a/b.html": '<h1 id="here">b</h1><a href="../index.html">i</a><link rel="stylesheet" href="../s.css?v=1">'
    '<link rel="canonical" href="https://example.org/b"><a href="../a%20b.html">s</a>',
    "a b.html": "",
    "p.png": "",
    "s.css": 'body { background: url("p.png"); }',
}


@pytest.fixture
def build():
    return load_script("build")


@pytest.fixture
def lychee():
    if shutil.which("lychee", path=Path(sys.executable).parent) is None:
        pytest.skip("needs lychee, which the extra docs installs")


def site(folder, **changed):
    files = {**GOOD, **{name.replace("__", ".").replace("_in_", "/"): text for name, text in changed.items()}}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_a_good_site_has_no_problems(build, lychee, tmp_path):
    assert build.check_links(site(tmp_path)) == ([], ["https://example.org/b", "https://example.org/x"])
    assert build.loads(tmp_path) == []


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="nothing.html">', r"nothing\.html: File not found"),
        ('<a href="a/b.html#there">', r"a/b\.html#there: Cannot find fragment"),
        ('<a href="#nowhere">', r"index\.html#nowhere: Cannot find fragment"),
        ('<img src="q.png">', r"q\.png: File not found"),
        ('<img srcset="p.png 1x, q.png 2x">', r"q\.png: File not found"),
    ],
)
def test_a_broken_link_is_found(build, lychee, tmp_path, page, problem):
    (line,), _ = build.check_links(site(tmp_path, index__html=page))
    assert re.search(rf"index\.html: file:///\S*{problem}", line)


def test_a_folder_that_is_not_there_cannot_be_checked(build, lychee, tmp_path):
    with pytest.raises(RuntimeError, match="cannot check"):
        build.check_links(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ('<script src="https://cdn.org/m.js"></script>', "https://cdn.org/m.js"),
        ('<script src="//cdn.org/m.js"></script>', "//cdn.org/m.js"),
        ('<link rel="stylesheet" href="https://f.org/f.css">', "https://f.org/f.css"),
        ('<p style="background: url(https://f.org/f.png)">', "https://f.org/f.png"),
        ("<style>@import 'https://f.org/f.css';</style>", "https://f.org/f.css"),
        ('<iframe src="https://f.org/f"></iframe>', "https://f.org/f"),
    ],
)
def test_a_resource_from_another_host_is_found(build, tmp_path, page, url):
    assert build.loads(site(tmp_path, index__html=page)) == [f"index.html: loads {url} from another host"]


def test_a_style_sheet_that_loads_from_elsewhere_is_found(build, tmp_path):
    site(tmp_path, s__css="@font-face { src: url(https://fonts.org/a.woff2) }")
    assert build.loads(tmp_path) == ["s.css: loads https://fonts.org/a.woff2 from another host"]


def test_versions_are_listed_newest_first_with_date_and_commit(build, lychee, tmp_path):
    for version in ("0.2.0", "0.10.0", "0.10.0rc1", "0.9.1"):
        site(tmp_path / version)
    (tmp_path / "0.9.1" / build.STATE).write_text("2026-11-30 · 48d3659-dirty", "utf-8")
    (tmp_path / "0.2.0" / build.STATE).write_text("", "utf-8")  # built without git
    (tmp_path / "0.11.0").mkdir()  # never finished
    assert build.write_versions(tmp_path) == ["0.10.0", "0.10.0rc1", "0.9.1", "0.2.0"]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.index("0.10.0/index.html") < page.index("0.9.1/index.html") < page.index("0.2.0/index.html")
    assert "newest version, 0.10.0<" in page
    assert '<li><a href="0.9.1/index.html">0.9.1</a> · 2026-11-30 · 48d3659-dirty</li>' in page
    assert '<li><a href="0.2.0/index.html">0.2.0</a></li>' in page
    assert build.check_links(tmp_path)[0] == []


def test_pages_carry_date_and_commit(monkeypatch, tmp_path):
    conf = load_script("conf")
    monkeypatch.setattr(conf, "HERE", tmp_path / "docs")
    assert conf.date_and_commit() == ""  # no clone
    (tmp_path / "docs").mkdir()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@x.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "m", "--date=2026-11-30T12:00:00Z"]):
        subprocess.run([*git, *words], check=True, env={**os.environ, "GIT_COMMITTER_DATE": "2026-11-30T12:00:00Z"})
    clean = conf.date_and_commit()
    assert re.fullmatch(r"2026-11-30 · [0-9a-f]{7,}", clean)
    (tmp_path / "docs" / "new.md").write_text("", "utf-8")
    assert conf.date_and_commit() == f"{clean}-dirty"


def test_names_are_known_by_any_module_that_has_them(sphinx_there):
    extension = load_script("_extension")
    for name in ("eicon.RateRNN.dale", "eicon.models.RateRNN.dale", "eicon.models._network.RateRNN.dale"):
        assert extension.without_module(name) == "RateRNN.dale"
    assert extension.without_module("eicon.analysis.spectra.jacobian") == "jacobian"
    assert extension.without_module("net.rates") == "net.rates"


@pytest.fixture
def sphinx_there(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.setattr(sys, "path", [str(DOCS), *sys.path])


class TestSignatures:
    """Shapes are shown as the source has them."""

    @pytest.fixture
    def shown(self, sphinx_there):
        extension = load_script("_extension")
        return lambda what, obj: extension.show_signature(None, what, "", obj, None, "()", None)

    def test_function(self, shown):
        from eicon.analysis.spectra import jacobian

        arguments, result = shown("function", jacobian)
        assert arguments.startswith("(matrix: Any, gain: ArrayLike | float | int, tau:")
        assert arguments.endswith("*, dt: float | int | None=None)")
        assert result == "Float[np.ndarray, 'N N']"

    def test_named_tuple(self, shown):
        from eicon.analysis.results import ScalarVariability, Spectrum

        assert shown("class", Spectrum)[0].startswith("(eigenvalues: Complex[np.ndarray, 'N'], spectral_radius: float")
        assert shown("class", ScalarVariability)[0].count(":") == len(ScalarVariability._fields)

    def test_dataclass_has_the_fields_of_its_bases(self, shown):
        from eicon.tasks import ParametricMemory

        arguments, _ = shown("class", ParametricMemory)
        assert arguments.startswith("(dt: float = 20.0, catch: bool = True")
        assert "delay: Duration = DELAY" in arguments
        assert "ClassVar" not in arguments

    def test_class_with_a_constructor(self, shown):
        from eicon import RateRNN

        arguments, _ = shown("class", RateRNN)
        assert arguments.startswith("(recurrent: Connectivity | Weights, input: Connectivity | Weights, readout: Conn")

    def test_methods_lose_self_and_strings_become_names(self, shown):
        from eicon import Connectivity

        assert shown("method", Connectivity.raw)[0] == "(weights: np.ndarray)"
        arguments, result = shown("method", Connectivity.dale)
        assert arguments.startswith("(n: int | float, e_ratio: float=0.8")
        assert result == "Connectivity"
