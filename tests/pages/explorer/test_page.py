"""The page as a file: nothing in it can be harmed by a name, and it asks nothing of any network."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from eicon._version import __date__, __version__
from eicon.cli import _explore as command
from eicon.cli import main
from eicon.pages._explore_page import SCRIPTS, as_script_data, packed, render

from .conftest import EVIL, REPEATS, RUN_NAME, Elements, Page


def test_hostile_names_make_no_elements(page: Page):
    found = Elements(page.text)
    assert [dict(attrs).get("id") for tag, attrs, _ in found.texts if tag == "script"] == ["facts", "arrays", None]
    assert not {"img", "iframe", "link", "object"} & set(found.names)
    assert "harmed=1>" not in page.text
    assert page.facts["units"]["labels"]["area"][5] == EVIL  # as it was, once it is read
    assert RUN_NAME not in page.text
    assert "a &#34;run&#34; &amp; &lt;img" in page.text


def test_data_between_script_tags_cannot_end_them():
    value = {"a": "</script><!--<script>&amp;\u2028", "b": [1.5, None, EVIL]}
    text = as_script_data(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value
    with pytest.raises(ValueError, match="JSON compliant"):
        as_script_data(float("nan"))


def test_only_this_program_may_run_and_nothing_may_be_fetched(page: Page):
    found = Elements(page.text)
    program = next(text for tag, attrs, text in found.texts if tag == "script" and not attrs)
    look = next(text for tag, _, text in found.texts if tag == "style")
    for text, kind in ((program, "script-src"), (look, "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind} 'sha256-{digest}'" in found.policy
    assert found.policy.startswith("default-src 'none';")
    assert "unsafe" not in found.policy
    assert not re.search(r"https?://|//[a-z]+\.|\bfetch\(|XMLHttpRequest|WebSocket|import\(", program + look)
    assert not re.search(r'\b(src|href|style|on\w+)="', page.text.split('<script type="application/json"')[0])


def test_every_script_of_the_folder_is_in_the_page(page: Page):
    from importlib import resources

    files = resources.files("eicon.pages") / "explorer"
    assert {f"{name}.js" for name in SCRIPTS} == {f.name for f in files.iterdir() if f.name.endswith(".js")}
    for name in SCRIPTS:
        text = (files / f"{name}.js").read_text(encoding="utf-8")
        assert text.strip() in page.text
        assert text.startswith("// ")  # what the file is for
        assert text.count("\n") <= 400


def test_the_page_says_what_was_computed(page: Page):
    words = " ".join(re.sub(r"<[^>]+>", " ", page.text.split("<footer>")[1].split("</footer>")[0]).split())
    assert "seed 5: 48 balanced trials (12 per condition) with the network's noise (sigma_rec 0.15" in words
    assert "Single trials: 48 kept, 8 bits, scaled per unit. Condensed without retraining." in words
    assert words.endswith(f"by eicon {__version__} ({__date__}).")
    assert "✓ constraints hold" in page.text
    assert f"{REPEATS} per condition" in words


def test_a_violated_certificate_is_said(page: Page):
    from eicon.pages._explore import _about
    from eicon.pages._explore_data import Contents

    certificate = {**page.facts["certificate"], "ok": False, "problems": ["recurrent: 3 weights <contradict>"]}
    shown = Contents({**page.facts, "certificate": certificate}, page.arrays)
    text = render(shown, **_about("tiny", None, 0, page.responses, shown, 5))
    assert "✗ constraints violated" in text
    assert "recurrent: 3 weights &lt;contradict&gt;" in text


def test_arrays_keep_their_bytes():
    arrays = {
        "odd": np.arange(3, dtype=np.uint8),
        "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "large": np.array([[2**31 - 1, -5]], np.int32).astype(">i4"),
    }
    blob, places = packed(arrays)
    import gzip

    data = gzip.decompress(base64.b64decode(blob))
    assert [place["offset"] % 8 for place in places] == [0, 0, 0]
    for place in places:
        size = int(np.prod(place["shape"]))
        found = np.frombuffer(data, f"<{np.dtype(place['type']).str[1:]}", size, place["offset"])
        np.testing.assert_array_equal(found.reshape(place["shape"]), arrays[place["name"]])
    assert packed(arrays)[0] == blob  # the same bytes at any time


def invoke(*words):
    if "explore" not in main.commands:
        main.add_command(command.explore)
    return CliRunner().invoke(main, ["--quiet", *map(str, words)])


def test_the_command_writes_and_opens(page: Page, monkeypatch):
    from eicon.pages import _explore

    opened = []
    monkeypatch.setattr(command.webbrowser, "open", lambda address: opened.append(address) or len(opened) > 1)
    monkeypatch.setattr(_explore, "responses", lambda *given, **options: page.responses)
    asked = []
    levels = _explore.condensation_levels

    def without(*args, sizes, **options):
        asked.append(sizes)
        return levels(*args, **options, sizes=[])

    monkeypatch.setattr(_explore, "condensation_levels", without)
    before = page.text
    try:
        result = invoke("explore", page.run.path)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"Page: {page.run.path / 'explore.html'} (")
        assert "No browser could be started here" in result.stderr
        assert opened == [(page.run.path / "explore.html").as_uri()]
        assert "No browser" not in invoke("explore", page.run.path).stderr
        assert invoke("explore", page.run.path, "--no-open").exit_code == 0
        numbers = json.loads(invoke("explore", page.run.path, "--json", "--repeats", 3).stdout)
        assert len(opened) == 2
        assert (numbers["n_units"], numbers["n_trials"], numbers["levels"]) == (12, 48, [[12, 0.0]])
        assert asked == [None] * 4
    finally:
        (page.run.path / "explore.html").write_text(before, encoding="utf-8")


def test_the_command_fails_in_one_line(tmp_path):
    result = invoke("explore", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert result.stderr == f"error: there is no run directory {tmp_path / 'nowhere'}.\n"
    assert "Invalid value for '--repeats'" in invoke("explore", tmp_path, "--repeats", 0).stderr
