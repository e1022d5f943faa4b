"""The tools that build the site: links are checked, versions listed, signatures readable."""

import sys

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
def check_links():
    return load_script("check_links")


def site(folder, **changed):
    files = {**GOOD, **{name.replace("__", ".").replace("_in_", "/"): text for name, text in changed.items()}}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_a_good_site_has_no_problems(check_links, tmp_path, capsys):
    assert check_links.problems(site(tmp_path)) == []
    assert check_links.main(str(tmp_path)) == 0
    assert capsys.readouterr().out == "3 pages, 0 broken links or outside resources\n"


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ('<a href="nothing.html">', "nothing.html leads to a file that does not exist"),
        ('<a href="a/b.html#there">', "a/b.html#there leads to a place that the page does not have"),
        ('<a href="#nowhere">', "#nowhere leads to a place that the page does not have"),
        ('<img src="q.png">', "q.png leads to a file that does not exist"),
        ('<img srcset="p.png 1x, q.png 2x">', "q.png leads to a file that does not exist"),
        ('<script src="https://cdn.org/m.js"></script>', "loads https://cdn.org/m.js from another host"),
        ('<script src="//cdn.org/m.js"></script>', "loads //cdn.org/m.js from another host"),
        ('<link rel="stylesheet" href="https://f.org/f.css">', "loads https://f.org/f.css from another host"),
        ('<p style="background: url(https://f.org/f.png)">', "loads https://f.org/f.png from another host"),
        ("<style>@import 'https://f.org/f.css';</style>", "loads https://f.org/f.css from another host"),
        ('<iframe src="https://f.org/f"></iframe>', "loads https://f.org/f from another host"),
    ],
)
def test_a_problem_is_found(check_links, tmp_path, page, problem):
    assert check_links.problems(site(tmp_path, index__html=page)) == [f"index.html: {problem}"]


def test_a_style_sheet_that_loads_from_elsewhere_is_found(check_links, tmp_path):
    site(tmp_path, s__css="@font-face { src: url(https://fonts.org/a.woff2) }")
    assert check_links.problems(tmp_path) == ["s.css: loads https://fonts.org/a.woff2 from another host"]


def test_an_empty_folder_is_no_site(check_links, tmp_path, capsys):
    assert check_links.main(str(tmp_path)) == 1


@pytest.fixture
def sphinx_there(monkeypatch):
    pytest.importorskip("sphinx")
    monkeypatch.setattr(sys, "path", [str(DOCS), *sys.path])


def test_versions_are_listed_newest_first(sphinx_there, tmp_path):
    build = load_script("build")
    for version in ("0.2.0", "0.10.0", "0.10.0rc1", "0.9.1"):
        site(tmp_path / version)
    (tmp_path / "0.11.0").mkdir()  # never finished
    assert build.write_versions(tmp_path) == ["0.10.0", "0.10.0rc1", "0.9.1", "0.2.0"]
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.index("0.10.0/index.html") < page.index("0.9.1/index.html") < page.index("0.2.0/index.html")
    assert "newest version, 0.10.0<" in page
    assert load_script("check_links").problems(tmp_path) == []


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
