"""The page in a real browser: linked views, keys, the slider, the address; and no request but for the file itself."""

import dataclasses
import os
import re
from collections.abc import Iterator

import numpy as np
import pytest

from eicon.pages import _explore_data as data_module
from eicon.pages._explore import _about
from eicon.pages._explore_data import contents
from eicon.pages._explore_page import render
from eicon.studies import condense_network
from eicon.studies._levels import Level, Levels
from eicon.studies._responses import responses

from .conftest import Page, chromium

pytestmark = pytest.mark.battery

ROLE_PLOTS = ("tuning", "partners", "silenced", "silenced-outputs")
CANVASES = ("matrix", "rates", "behaviour", "space", "curve")
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One for all tests here; stopped before other tests, because its event loop counts as running in this thread."""
    path = chromium()
    if os.environ.get("CI"):
        from playwright.sync_api import sync_playwright
    else:
        sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path)
        yield started
        started.close()


class Tab:
    """A page in the browser, and what it complained about or asked for."""

    def __init__(self, browser, address: str, width: int = 1280, height: int = 800):
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.address, self.trouble, self.requests = address, [], []
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url.partition("#")[0]))

    def open(self, words: str = "") -> "Tab":
        self.page.goto(self.address + (f"#{words}" if words else ""))
        self.page.wait_for_selector("html[data-ready], html[data-failed]", state="attached", timeout=20_000)
        return self

    def frame(self) -> None:
        """Wait until what was chosen is drawn."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.frame()

    def text(self, where: str) -> str:
        return self.page.inner_text(where)

    def label(self, canvas: str) -> str:
        return self.page.get_attribute(f"#{canvas}", "aria-label")

    def chosen(self) -> dict[str, str]:
        return dict(part.split("=") for part in self.page.evaluate("location.hash").lstrip("#").split("&"))

    def rows(self) -> list[int]:
        return self.page.eval_on_selector_all("#units tbody tr", "rows => rows.map((row) => Number(row.id.slice(5)))")

    def picture(self, canvas: str) -> str:
        return self.page.eval_on_selector(f"#{canvas}", "canvas => canvas.toDataURL()")

    def hover(self, canvas: str, x: float, y: float) -> str:
        """Words beside the pointer at a place of a canvas, as parts of its size."""
        self.page.mouse.move(*self.place(canvas, x, y))
        return self.page.text_content("#tip") if self.page.is_visible("#tip") else ""

    def sweep(self, canvas: str, x: np.ndarray, y: np.ndarray) -> list[str]:
        """Words beside the pointer at many places, in one go."""
        code = """(canvas, places) => {
            const box = canvas.getBoundingClientRect(), tip = document.getElementById("tip");
            return places.map(([x, y]) => {
                const [clientX, clientY] = [box.left + x * box.width, box.top + y * box.height];
                canvas.dispatchEvent(new MouseEvent("mousemove", { clientX, clientY }));
                return tip.style.display === "none" ? "" : tip.textContent;
            });
        }"""
        places = [[float(a), float(b)] for a in x for b in y]
        return self.page.eval_on_selector(f"#{canvas}", code, places)

    def place(self, canvas: str, x: float, y: float) -> tuple[float, float]:
        box = self.page.query_selector(f"#{canvas}").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]


@pytest.fixture
def tab(browser, page: Page) -> Iterator[Tab]:
    made = Tab(browser, (page.run.path / "explore.html").as_uri())
    yield made
    harmed = made.page.evaluate("window.harmed")
    made.page.close()
    assert harmed is None
    assert made.trouble == []
    assert set(made.requests) == {made.address}


def number(text: str) -> float:
    return float(text.replace(MINUS, "-"))


def near(value: float) -> object:
    """A number as the page says it, with three digits."""
    return pytest.approx(value, rel=6e-3, abs=6e-4)


def test_everything_is_drawn_and_fits_the_screen(tab: Tab):
    for width, height in ((1280, 800), (1024, 768), (1440, 900)):
        tab.page.set_viewport_size({"width": width, "height": height})
        tab.open()
        tab.frame()
        assert tab.page.evaluate("document.documentElement.scrollHeight") <= height
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        for canvas in CANVASES:
            colours = tab.page.eval_on_selector(
                f"#{canvas}",
                "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size",
            )
            assert colours > 3, canvas
            assert len(tab.label(canvas)) > 20
    assert float(tab.page.get_attribute("html", "data-ready")) > 0
    assert "constraints hold" in tab.text("#about-button")
    assert "12 units" in tab.text("#units-title")


def test_the_matrix_is_read_from_row_to_column(tab: Tab, page: Page):
    tab.open("order=index")
    found = set()
    for x, y in ((0.3, 0.25), (0.75, 0.25), (0.3, 0.8), (0.5, 0.6), (0.85, 0.35)):
        words = tab.hover("matrix", x, y)
        sender, receiver = (int(unit) for unit in re.findall(r"(?:from|to) unit (\d+)", words))
        assert number(words.rsplit(" ", 1)[1]) == near(float(page.responses.net.W_rec[sender, receiver]))
        found.add((sender, receiver, x, y))
    assert len({entry[:2] for entry in found}) == 5
    assert {a[0] < b[0] for a in found for b in found if a[3] < b[3]} == {True}  # rows send
    assert {a[1] < b[1] for a in found for b in found if a[2] < b[2]} == {True}
    sender, receiver = map(int, re.findall(r"(?:from|to) unit (\d+)", tab.hover("matrix", 0.3, 0.8)))
    tab.page.mouse.click(*tab.place("matrix", 0.3, 0.8))
    assert tab.chosen()["unit"] == str(sender)
    tab.page.keyboard.down("Shift")
    tab.page.mouse.click(*tab.place("matrix", 0.3, 0.8))
    tab.page.keyboard.up("Shift")
    assert tab.chosen()["unit"] == str(receiver)


def test_the_matrix_shows_excitation_blue_and_inhibition_red(tab: Tab, page: Page):
    tab.open("order=index&unit=11")
    tab.frame()
    grid = np.linspace(0.1, 0.9, 60)
    words = tab.sweep("matrix", grid, grid)
    code = """(canvas, places) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return places.map(([x, y]) => {
            const at = 4 * (Math.round(y * canvas.height) * canvas.width + Math.round(x * canvas.width));
            return [data[at], data[at + 1], data[at + 2]];
        });
    }"""
    places = [[float(x), float(y)] for x in grid for y in grid]
    colours = tab.page.eval_on_selector("#matrix", code, places)
    cells: dict[tuple[int, ...], list[int]] = {}
    for text, (red, _, blue) in zip(words, colours, strict=True):
        cells.setdefault(tuple(map(int, re.findall(r"(?:from|to) unit (\d+)", text))), []).append(blue - red)
    # The lines of the chosen unit lie over its cells; a pixel on the edge of two cells is not the typical one.
    cells = {pair: found for pair, found in cells.items() if len(pair) == 2 and 11 not in pair}
    for pair, found in cells.items():
        weight, bluer = page.arrays["weights"][pair], np.median(found)
        if abs(weight) < 0.3:
            assert bluer >= 0 if weight >= 0 else bluer <= 0
        else:
            assert bluer > 15 if weight > 0 else bluer < -15
    assert len(cells) > 80


def test_orders_of_the_matrix(tab: Tab, page: Page):
    """The pointer goes down a column; the senders it meets are sorted."""
    d_prime, areas = page.arrays["measure"], page.facts["units"]["labels"]["area"]
    expected = {
        "index": list(range(12)),
        "type": sorted(range(9), key=lambda u: d_prime[u]) + sorted(range(9, 12), key=lambda u: d_prime[u]),
        "label area": sorted(range(12), key=lambda u: (areas[u] != "sense", u > 8, d_prime[u])),
        "group": None,
    }
    tab.open("level=4")
    for order, units in expected.items():
        tab.page.select_option("#order", order)
        tab.frame()
        words = tab.sweep("matrix", np.array([0.5]), np.linspace(0.05, 0.95, 90))
        met = [int(found[1]) for found in (re.match(r"from unit (\d+)", text) for text in words) if found]
        met = list(dict.fromkeys(met))
        if units is None:
            speakers = [int(page.arrays["groups_2"][unit]) for unit in met]
            assert len(met) == 12
            assert speakers == sorted(speakers)
        else:
            assert met == units


def test_a_unit_is_chosen_everywhere(tab: Tab, page: Page):
    tab.open("condition=1")
    for unit in (3, 10):
        tab.page.click(f"#unit-{unit}")
        tab.frame()
        assert tab.chosen()["unit"] == str(unit)
        selected = tab.page.eval_on_selector_all("#units tr[aria-selected=true]", "rows => rows.map((row) => row.id)")
        assert selected == [f"unit-{unit}"]
        kind, population = ("E", "sense E") if unit == 3 else ("I", "sense I")
        assert tab.text("#rates-title").startswith(f"Rate of unit {unit} · {kind} · {population}")
        card = tab.text("#card")
        assert card.startswith(f"unit {unit} · {kind}")
        assert number(re.search(r"mean rate (\S+)", card)[1]) == near(float(page.arrays["mean_rate"][unit]))
        weights = page.arrays["weights"][unit]
        strongest = re.search(r"Strongest to (\d+) \((\S+)\)", card.replace("\N{NO-BREAK SPACE}", " "))
        assert abs(number(strongest[2])) == pytest.approx(np.abs(weights).max(), rel=0.06)
        loadings = re.search(r"PC1 (\S+), PC2 (\S+), PC3 (\S+)\.", tab.label("space"))
        assert [number(x) for x in loadings.groups()] == [near(float(x)) for x in page.arrays["components"][:, unit]]
        assert f"unit {unit}" in tab.label("matrix")
    tab.page.click("#card button >> nth=0")
    assert tab.chosen()["unit"] != "10"
    tab.open("space=units")
    tab.frame()
    grid = np.linspace(0.1, 0.9, 33)
    words = tab.sweep("space", grid, grid)
    found = next(i for i, text in enumerate(words) if text)
    tab.page.mouse.click(*tab.place("space", grid[found // 33], grid[found % 33]))
    assert tab.chosen()["unit"] == re.match(r"unit (\d+)", words[found])[1]
    assert len({*words} - {""}) >= 9  # some may hide others


def test_rates_are_the_means_of_the_analysis(tab: Tab, page: Page):
    tab.open("unit=2&by=choice")
    tab.frame()
    rates, trial = np.asarray(page.responses.activity.rates, float)[:, :, 2], page.responses.trial
    there, right = np.asarray(trial.inside), np.asarray(trial.conditions["choice"])
    heard = set()
    for x in (0.2, 0.4, 0.6, 0.75):
        for y in (0.3, 0.75):
            time, group, value = re.match(r"(\S+) ms.*\nchoice (\d): (\S+)", tab.hover("rates", x, y)).groups()
            step = round(float(time) / 20)
            of = there[step] & (right == int(group))
            assert number(value) == near(rates[step, of].mean())
            heard.add((step, group))
    assert len({step for step, _ in heard}) >= 3
    assert "Epochs: fixation 0 to 60 ms, stimulus 60 to " in tab.label("rates")


def test_a_condition_is_chosen_everywhere(tab: Tab, page: Page):
    tab.open("behaviour=score")
    before = {canvas: tab.picture(canvas) for canvas in ("rates", "behaviour", "space")}
    tab.page.click("#condition-2")
    tab.frame()
    assert tab.chosen()["condition"] == "2"
    assert tab.page.get_attribute("#condition-2", "aria-selected") == "true"
    assert all(tab.picture(canvas) != picture for canvas, picture in before.items())
    assert "coherence 4" in tab.label("rates")
    score = re.search(r"coherence 4: score (\S+)\.", tab.label("behaviour"))[1]
    assert number(score.rstrip(".")) == near(page.facts["behaviour"]["score"][2])
    tab.page.click("#condition-2")
    assert "condition" not in tab.chosen()
    tab.page.select_option("#behaviour-view", "choices 0")
    tab.frame()
    words = {*tab.sweep("behaviour", np.linspace(0.1, 1, 80), np.linspace(0, 0.8, 40))} - {""}
    said = {number(text.split("\n")[0]): text for text in words}
    assert sorted(said) == [-16, -4, 4, 16]
    curve = page.facts["behaviour"]["curves"][0]["curves"][0]
    for level, p, n in zip(curve["x"], curve["p"], curve["n"], strict=True):
        assert f"choice 0 in {100 * p:.0f} % of {n}" in said[level]


def test_the_slider_condenses(tab: Tab, page: Page):
    tab.open("unit=0&order=index")
    tab.page.focus("#level")
    tab.press("ArrowRight")
    assert tab.chosen()["level"] == "8"
    error = page.facts["levels"]["errors"][1]
    said = tab.page.get_attribute("#level", "aria-valuetext")
    assert number(re.match(r"8 of 12 units: output error (\S+)", said)[1]) == near(error)
    assert "8 of 12 units" in tab.text("#level-words")
    assert "effective matrix 8 \N{MULTIPLICATION SIGN} 8" in tab.text("#level-words")
    tab.press(".")
    gone = tab.page.eval_on_selector_all("#units tr.gone", "rows => rows.map((row) => Number(row.id.slice(5)))")
    kept = page.arrays["kept_2"].tolist()
    assert sorted(set(range(12)) - set(gone)) == kept
    by = tab.page.eval_on_selector_all("#units tbody tr", "rows => rows.map((row) => row.lastChild.textContent)")
    assert [int(unit) for unit in by] == page.arrays["groups_2"].tolist()
    tab.page.click(f"#unit-{gone[0]}")
    tab.frame()
    speaker = int(page.arrays["groups_2"][gone[0]])
    assert f"Removed; represented mainly by {speaker}" in tab.text("#card")
    tab.page.click(f"#unit-{speaker}")
    tab.frame()
    others = [u for u in range(12) if page.arrays["groups_2"][u] == speaker and u != speaker]
    assert tab.text("#card").split("\n")[1].split(":")[0] == f"Kept; represents {len(others)} others"
    whole = tab.picture("matrix")
    tab.press("c")
    assert tab.picture("matrix") != whole
    assert "the condensed network, from 4 units" in tab.label("matrix")
    words = tab.hover("matrix", 0.7, 0.3)
    pair = [kept.index(int(unit)) for unit in re.findall(r"(?:from|to) unit (\d+)", words)]
    assert number(words.rsplit(" ", 1)[1]) == near(float(page.arrays["weights_2"][tuple(pair)]))
    tab.press(",", ",", ",")
    assert tab.chosen()["level"] == "12"
    assert "condensed" not in tab.label("matrix")


def test_the_address_keeps_what_is_chosen(tab: Tab):
    words = "unit=7&level=8&condition=1&by=choice&order=index&space=units&behaviour=outputs&trials=1&condensed=1"
    tab.open(words)
    assert tab.page.input_value("#order") == "index"
    assert tab.page.input_value("#space-view") == "units"
    assert tab.page.input_value("#behaviour-view") == "outputs"
    assert tab.page.input_value("#level") == "1"
    assert tab.page.is_checked("#trials")
    assert tab.page.is_checked("#condensed")
    assert tab.text("#rates-title").startswith("Rate of unit 7")
    assert tab.page.get_attribute("#condition-1", "aria-label") == "choice 1"
    tab.press("j")
    assert tab.chosen() == dict(part.split("=") for part in words.replace("unit=7", "unit=8").split("&"))
    tab.page.evaluate("location.hash = '#unit=4&level=4'")
    tab.frame()
    tab.frame()
    assert tab.text("#rates-title").startswith("Rate of unit 4")
    assert tab.page.input_value("#level") == "2"
    assert not tab.page.is_checked("#trials")


@pytest.mark.parametrize(
    "words", ["unit=99&level=7&condition=44&by=no&order=no&space=0", "unit=-1", "unit=1.5&%%%", "&&="]
)
def test_an_address_that_cannot_be_changes_nothing(tab: Tab, words: str):
    start = tab.open().text("#rates-title")
    tab.page.goto("about:blank")
    tab.requests.clear()
    tab.open(words)
    assert tab.text("#rates-title") == start
    assert tab.page.input_value("#level") == "0"
    assert tab.page.query_selector_all(".chip[aria-selected=true]") == []


def test_the_keyboard_alone_does_it(tab: Tab):
    tab.open("unit=0")
    reached = []
    for _ in range(30):
        tab.page.keyboard.press("Tab")
        reached.append(tab.page.evaluate("document.activeElement.id"))
        outline = tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid" or not reached[-1], reached[-1]
    wanted = [
        "about-button",
        "grouping",
        "help-button",
        "conditions",
        "order",
        "condensed",
        "matrix",
        "trials",
        "rates",
    ]
    wanted += ["behaviour-view", "behaviour", "space-view", "space", "search", "units", "level"]
    # Chromium 150 begins at the unit that the address names, earlier ones at the top; the order goes round.
    seen = [name for name in dict.fromkeys(reached) if name in wanted]
    first = seen.index(wanted[0])
    assert seen[first:] + seen[:first] == wanted
    tab.page.focus("#units")
    tab.press("ArrowDown", "ArrowDown", "ArrowUp", "j", "j", "k")
    assert tab.chosen()["unit"] == "2"
    assert "unit 2" in tab.text("#said")
    tab.press("ArrowRight", "]", "[")
    assert tab.chosen()["condition"] == "0"
    tab.press("Escape")
    assert "condition" not in tab.chosen()
    tab.press("g", "p", "b", "t", "o", ".")
    state = tab.chosen()
    assert {name: state.get(name) for name in ("by", "space", "behaviour", "trials", "order", "level")} == {
        "by": "choice",
        "space": "units",
        "behaviour": "outputs",
        "trials": "1",
        "order": "label+population",
        "level": "8",
    }
    tab.press("?")
    assert tab.page.is_visible("#help")
    tab.press("j", ".")  # nothing happens behind the dialog
    assert tab.chosen() == state
    tab.press("Escape")
    assert not tab.page.is_visible("#help")
    tab.page.focus("#about-button")
    tab.press("Enter")
    assert tab.page.is_visible("#about")
    assert "every constraint holds" in tab.text("#about")
    assert "48 trials of 14 steps of 20 ms" in tab.text("#about-words")


def test_units_are_found_and_sorted(tab: Tab, page: Page):
    tab.open("unit=0&level=8")
    tab.press("/", "1", "1", "Enter")
    assert tab.rows() == [11]
    assert tab.chosen()["unit"] == "11"
    assert tab.chosen()["level"] == "8"
    for words, found in (
        ("i sense", [9, 10]),
        ("ACT e", [5, 6, 7, 8]),
        ("kept", page.arrays["kept_1"].tolist()),
        ("gone", sorted(set(range(12)) - set(page.arrays["kept_1"].tolist()))),
        ("1", [1]),
        ("no such", []),
    ):
        tab.page.fill("#search", words)
        assert tab.rows() == found, words
    tab.press("Escape")
    assert tab.rows() == list(range(12))
    tab.page.click("#units th:has-text('d') button >> nth=-1")
    d_prime = page.arrays["measure"]
    assert tab.rows() == sorted(range(12), key=lambda unit: d_prime[unit])
    tab.page.click("#units th:has-text('d') button >> nth=-1")
    assert tab.rows() == sorted(range(12), key=lambda unit: -d_prime[unit])
    order = tab.rows()
    tab.page.click(f"#unit-{order[4]}")
    tab.press("ArrowUp")
    assert tab.chosen()["unit"] == str(order[3])


def test_views_turn_and_zoom_and_show_single_trials(tab: Tab):
    tab.open("unit=1")
    for canvas, keys in (("space", ("ArrowLeft", "+")), ("matrix", ("+", "Shift+ArrowDown"))):
        start = tab.picture(canvas)
        tab.page.focus(f"#{canvas}")
        for key in keys:
            before = tab.picture(canvas)
            tab.press(key)
            assert tab.picture(canvas) != before, key
        tab.press("0")
        if canvas == "space":
            assert tab.picture(canvas) == start
        assert "unit" not in tab.page.evaluate("location.hash") or tab.chosen()["unit"] == "1"
    start = tab.picture("matrix")
    tab.page.mouse.move(*tab.place("matrix", 0.5, 0.5))
    tab.page.mouse.wheel(0, -300)
    tab.frame()
    tab.frame()
    assert "zoomed" in tab.label("matrix")
    turned = tab.picture("space")
    tab.page.mouse.move(*tab.place("space", 0.5, 0.5))
    tab.page.mouse.down()
    tab.page.mouse.move(*tab.place("space", 0.7, 0.6), steps=3)
    tab.page.mouse.up()
    tab.frame()
    assert tab.picture("space") != turned
    assert "condition" not in tab.page.evaluate("location.hash")  # turning is no click
    rates = tab.picture("rates")
    tab.press("t")
    assert tab.picture("rates") != rates


def page_of(browser, page: Page, path, given, reason: str = "none", **options) -> Tab:
    """A page of other responses, of the tiny network or another one, without levels."""
    n, weights = given.net.n_rec, np.asarray(given.net.W_rec, float)
    shown = contents(given, Levels([Level(np.arange(n), np.arange(n), np.zeros(n), weights, 0.0)], reason), **options)
    path.write_text(render(shown, **_about("tiny", None, 0, given, shown, 12)), encoding="utf-8")
    return Tab(browser, path.as_uri())


def of_one_kind(given):
    """The same trials, as if they had been of a single condition."""
    return given._replace(trial=given.trial._replace(conditions={n: v * 0 for n, v in given.trial.conditions.items()}))


def test_one_condition_no_levels_and_no_components(browser, page: Page, tmp_path):
    """A silent network whose trials are all of one kind still has a page."""
    given = of_one_kind(page.responses)
    silent = given.activity._replace(rates=np.zeros((14, 48, 12), np.float32))
    tab = page_of(browser, page, tmp_path / "a.html", given._replace(activity=silent), "It cannot be <done>.").open()
    tab.press("t", ".", "c", "p", "]", "b", "g", "o", "j")
    assert tab.trouble == []
    assert tab.page.is_disabled("#level")
    assert "It cannot be <done>." in tab.text("#level-words")
    assert "No principal components: `rates` must vary" in tab.label("space")
    assert tab.page.eval_on_selector_all("#grouping option", "all => all.map((o) => o.text)") == [
        "all trials (1)",
        "single trials (12)",
    ]
    tab.page.close()


def test_single_trials_end_where_they_end(browser, page: Page, tmp_path):
    tab = page_of(browser, page, tmp_path / "a.html", of_one_kind(page.responses)).open("unit=4")
    tab.frame()
    rates, there = np.asarray(page.responses.activity.rates)[:, :12, 4], np.asarray(page.responses.trial.inside)
    half = float(np.ptp(np.asarray(page.responses.activity.rates)[there][:, 4]) / 255 / 2)
    heard = set()
    for text in tab.sweep("rates", np.linspace(0.15, 0.95, 30), np.linspace(0.1, 0.8, 8)):
        if found := re.match(r"(\S+) ms.*\ntrial (\d+): (\S+)", text):
            step, trial = round(float(found[1]) / 20), int(found[2])
            assert there[step, trial]
            assert number(found[3]) == pytest.approx(float(rates[step, trial]), abs=1.1 * half, rel=6e-3)
            heard.add((step, trial))
    assert {step for step, trial in heard} >= set(range(1, 10))
    assert len(heard) > 20
    assert tab.trouble == []
    tab.page.close()


def test_groups_weigh_conditions_by_their_trials(browser, page: Page, tmp_path, monkeypatch):
    """A page of uneven conditions, with means in 16 bits."""
    monkeypatch.setattr(data_module, "MEAN_BYTES", 100)
    trial, activity = page.responses.trial, page.responses.activity
    use = np.flatnonzero((np.asarray(trial.conditions["coherence"]) != 4) | (np.arange(48) < 8))
    some = trial._replace(
        inputs=trial.inputs[:, use],
        targets=trial.targets[:, use],
        mask=trial.mask[:, use],
        conditions={name: values[use] for name, values in trial.conditions.items()},
        epochs={name: span[use] for name, span in trial.epochs.items()},
    )
    outputs, rates = activity.outputs[:, use], activity.rates[:, use]
    outputs = outputs.at[:, 0].set(np.array([0.0, 1.0]))  # one wrong trial, as of coherence 16
    given = page.responses._replace(
        trial=some, activity=activity._replace(outputs=outputs, rates=rates, states={"x": activity.currents[:, use]})
    )
    tab = page_of(browser, page, tmp_path / "a.html", given).open("unit=4&by=choice&condition=0&behaviour=score")
    tab.frame()
    right, there = np.asarray(some.conditions["choice"]), np.asarray(some.inside)
    heard = set()
    for text in tab.sweep("rates", np.linspace(0.15, 0.95, 20), np.array([0.1, 0.8])):
        if found := re.match(r"(\S+) ms.*\nchoice (\d): (\S+)", text):
            step = round(float(found[1]) / 20)
            of = there[step] & (right == int(found[2]))
            assert number(found[3]) == near(np.asarray(rates, float)[step, of, 4].mean())
            heard.add(step)
    assert len(heard) >= 10
    correct = np.asarray(given.task.correct(outputs, some))
    score = re.search(r"choice 0: score (\S+)\.", tab.label("behaviour"))[1]
    assert number(score) == near(correct[right == 0].mean())
    by_level = [correct[np.asarray(some.conditions["coherence"]) == x].mean() for x in (4, 16)]
    assert number(score) != near(np.mean(by_level))  # so that weighing matters
    assert tab.trouble == []
    tab.page.close()


def test_times_are_shown_where_the_task_has_them(browser, page: Page, tmp_path):
    class Timed(type(page.responses.task)):
        def behaviour(self, outputs, trial):
            return super().behaviour(outputs, trial)._replace(time=10.0 * abs(trial.conditions["coherence"]))

    task = page.responses.task
    timed = Timed(**{field.name: getattr(task, field.name) for field in dataclasses.fields(task)})
    tab = page_of(browser, page, tmp_path / "a.html", page.responses._replace(task=timed)).open("behaviour=time")
    tab.frame()
    assert tab.page.input_value("#behaviour-view") == "time"
    words = {*tab.sweep("behaviour", np.linspace(0.1, 0.95, 20), np.linspace(0, 0.8, 40))} - {""}
    level = [f"{MINUS}16", f"{MINUS}4", "4", "16"]
    assert words == {f"coherence {x}: {160 if '16' in x else 40} ms of 12 trials" for x in level}
    assert tab.trouble == []
    tab.page.close()


def test_the_role_of_a_unit(tab: Tab, page: Page):
    tab.open("unit=10")
    assert not tab.page.is_visible("#role")
    tab.page.click("#role-button")
    tab.frame()
    assert tab.chosen()["role"] == "1"
    assert tab.text("#role-title").startswith("Role of unit 10 · I")
    assert not tab.page.is_visible("#role-members")  # the network is not condensed
    weights, labels = page.arrays["weights"], np.array(page.facts["units"]["labels"]["type"])
    sums = re.search(
        r"from E: (\S+) excitatory; to E: (\S+) inhibitory; from I: (\S+) inhibitory", tab.label("partners")
    )
    expected = weights[labels == "E", 10].sum(), weights[10, labels == "E"].sum(), weights[labels == "I", 10].sum()
    assert [number(text) for text in sums.groups()] == [near(value) for value in expected]
    score = re.search(
        r"intact: score (\S+) %; unit 10 silenced: score (\S+) %, outputs change by (\S+) s", tab.label("silenced")
    )
    accuracy = page.arrays["silenced_accuracy"]
    expected = 100 * accuracy[12], 100 * accuracy[10], page.arrays["silenced_change"][10]
    assert [number(text) for text in score.groups()] == [pytest.approx(value, rel=0.06) for value in expected]
    means = [number(text) for text in re.findall(r"coherence \S+: (\S+?)[;.]?(?= |$)", tab.label("tuning"))]
    assert means == [near(value) for value in page.arrays["tuning"][10]]
    before = [tab.picture(name) for name in ROLE_PLOTS]
    tab.press("ArrowUp", "]")
    assert (tab.chosen()["unit"], tab.chosen()["condition"]) == ("9", "0")
    assert all(now != then for now, then in zip(map(tab.picture, ROLE_PLOTS), before, strict=True))
    assert "unit 9" in tab.label("silenced-outputs")
    found = tab.sweep("silenced-outputs", np.linspace(0.1, 0.95, 30), np.linspace(0.1, 0.9, 30))
    assert any(re.search(r"coherence .*\n.*, intact .*\n\d+ ms", words) for words in found)
    tab.press("Escape")
    assert not tab.page.is_visible("#role")
    assert "role" not in tab.chosen()
    assert tab.chosen()["condition"] == "0"  # Escape closed the dialog, and did nothing else
    tab.press("r", "r")
    assert not tab.page.is_visible("#role")


@pytest.mark.parametrize("there", [True, False])
def test_the_role_of_a_unit_of_a_condensed_network(browser, page: Page, tmp_path, there: bool):
    net, task, trial, _ = page.responses
    small = condense_network(net, trial.inputs, 4, mask=np.asarray(trial.inside), key=0).net
    given = responses(small, task, 12, seed=0)
    original = net if there else "there is no run directory <nowhere>"
    tab = page_of(browser, page, tmp_path / "small.html", given, seed=0, original=original).open("role=1&unit=2")
    tab.frame()
    names = re.findall(r"\d+", str(small.units["represents"][2]))
    number_ = f"{len(names)} unit{'s' * (len(names) != 1)}"
    assert tab.text("#members-title") == f"Represents {number_} of the original network"
    rows = tab.page.eval_on_selector_all("#members tbody tr", "rows => rows.map((row) => row.cells[0].textContent)")
    words = tab.text("#members-words")
    if there:
        assert sorted(map(int, rows)) == sorted(map(int, names))
        assert f"type: {page.facts['units']['labels']['type'][int(names[0])]}" in words
        assert "represented units" in tab.label("tuning")
        assert "original, intact" in tab.label("silenced")
    else:
        assert (rows, "original" in tab.label("silenced")) == ([], False)
        assert words.startswith(", ".join(names) + ". Their types")
        assert words.endswith("the original network is missing: there is no run directory <nowhere>.")
    assert tab.page.evaluate("window.harmed") is None
    assert tab.trouble == []
    tab.page.close()
