"""A tiny untrained network with hostile names, its page, and what the page holds."""

import base64
import gzip
import json
import os
import shutil
from html.parser import HTMLParser
from typing import Any, NamedTuple

import numpy as np
import pytest

from eicon.models import save
from eicon.pages._explore import Explorer, explore_run
from eicon.runs import create_run, parse_recipe
from eicon.runs._analyze import respond
from eicon.runs.results import Run
from eicon.studies.results import Responses

EVIL = "</script><script>window.harmed=1</script>"
RUN_NAME = 'a "run" & <img src=x onerror=harmed=1>'
REPEATS = 12
SIZES = [8, 4]
TINY = f"""
seed = 5
[task]
name = "PerceptualDecision"
coherence = [4.0, 16.0]
coherence_scale = "song2016"
fixation = 60.0
stimulus = {{ min = 60.0, max = 160.0 }}
decision = 60.0
[network]
n_rec = 12
populations = [
  {{ name = "sense E", n = 5, type = "E", area = "sense" }},
  {{ name = "act E", n = 4, type = "E", area = "{EVIL}" }},
  {{ name = "sense I", n = 2, type = "I", area = "sense" }},
  {{ name = "act I", n = 1, type = "I", area = "{EVIL}" }},
]
recurrent = [ {{ source = "*", target = "*", density = 0.9 }} ]
input = [ {{ source = "*", target = "*" }} ]
readout = [ {{ source = "* E", target = "*" }} ]
[training]
steps = 10
"""


class Page(NamedTuple):
    """A written page, read again without the code that wrote it."""

    run: Run
    written: Explorer
    responses: Responses
    text: str
    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]


class Elements(HTMLParser):
    """Names of all elements, and the text of scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.names: list[str] = []
        self.texts: list[tuple[str, dict[str, str | None], str]] = []
        self.policy = ""
        self.within = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        if tag in ("script", "style"):
            self.texts.append((tag, dict(attrs), ""))
            self.within = True
        if dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs)["content"] or ""

    def handle_endtag(self, tag):
        self.within = False

    def handle_data(self, data):
        if self.within:
            tag, attrs, text = self.texts[-1]
            self.texts[-1] = (tag, attrs, text + data)


def read_page(text: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Facts and arrays of a page, as its own program finds them."""
    parts = {attrs.get("id"): content for tag, attrs, content in Elements(text).texts if tag == "script"}
    facts = json.loads(parts["facts"])
    data = gzip.decompress(base64.b64decode(parts["arrays"]))
    arrays = {}
    for place in facts["arrays"]:
        size = int(np.prod(place["shape"]))
        kind = np.dtype(place["type"])
        arrays[place["name"]] = np.frombuffer(data, kind, size, place["offset"]).reshape(place["shape"])
    return facts, arrays


@pytest.fixture(scope="session")
def page(tmp_path_factory) -> Page:
    run = create_run(tmp_path_factory.mktemp("runs") / RUN_NAME, parse_recipe(TINY))
    save(run.recipe.make_network(run.recipe.make_task()), run.network)
    written = explore_run(run, repeats=REPEATS, sizes=SIZES, progress=False)
    text = (run.path / "explore.html").read_text(encoding="utf-8")
    return Page(run, written, respond(run, REPEATS), text, *read_page(text))


def chromium() -> str:
    """Path of a browser; without one, tests are skipped, but fail where a browser was promised."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        words = f"the page is tested in a real browser, and there is none: {', '.join(names)} (apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return found
