"""The commented recipe to start from, and the page of all keys: what they say is what recipes do."""

import re
import tomllib

import pytest

from eicon.runs import Recipe, parse_recipe
from eicon.runs._keys import TABLES, all_keys, network_of
from eicon.runs._recipe_tables import KINDS, keys_of_kind
from eicon.runs._start import commented, keys_page


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "task", ["PerceptualDecision", "DelayedMatchToSample", "PictureNBack", "HexMotion", "SineWave"]
)
def test_a_commented_recipe_is_one(task, kind):
    text = commented(task, kind)
    recipe = parse_recipe(text)
    assert (
        recipe.completed() == Recipe.model_validate({"task": {"name": task}, "network": network_of(kind)}).completed()
    )
    assert max(map(len, text.splitlines())) <= 110
    for key in keys_of_kind(kind):
        assert re.search(rf"^(# )?{key} =", text, re.MULTILINE), key


def uncommented(text, table):
    """Text in which the defaults of a table are given."""
    head, _, rest = text.partition(f"[{table}]\n")
    lines, more = rest.split("\n\n", 1)
    given = [re.sub(r"^# (\w+ = [^ ].*)$", r"\1", line) for line in lines.splitlines()]
    return "\n".join([head, f"[{table}]", *given, "", more])


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_in_comments_are_the_defaults(kind):
    text = commented("NBack", kind)
    recipe = parse_recipe(text).completed()
    given = uncommented(text, "network")
    assert tomllib.loads(given)["network"].keys() > {"tau", "bias", "sigma_rec"}
    assert parse_recipe(given).completed() == recipe
    if kind == "connectome":
        assert parse_recipe(uncommented(text, "connectome")).completed().make_connectome().n == 302


def test_every_key_has_a_meaning_in_plain_words():
    for key in all_keys():
        assert key.means.endswith("."), key
        assert key.means[0].isupper() or key.means[0] in '`"', key
        for markup in ("``", ":math:", ":meth:", ":func:", "  ", "\n", "[#"):
            assert markup not in key.means, key
        assert key.means.count("`") % 2 == 0, key
        assert key.type, key


def test_every_key_of_every_table_is_on_the_page():
    page = keys_page()
    for table, model in TABLES.items():
        part = page.partition(f"## `[{table}]`")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| .* \| .* \| .+ \|$", part, re.MULTILINE)
        assert rows == list(model.model_fields), table
    bias = next(line for line in page.splitlines() if line.startswith("| `bias`"))
    assert "`false` (dale, free, populations), `true` (connectome)" in bias
