"""Commented recipe to start from, and page of all keys."""

import re
import textwrap
from collections.abc import Iterator

from ._keys import TABLES, Key, all_keys, network_default, network_of
from ._recipe import Recipe

WIDTH = 108


def commented(task: str, kind: str) -> str:
    """Return a recipe for a task with all keys of a kind of network and their meanings, most commented out.

    Parameters
    ----------
    task, kind : str

    Returns
    -------
    str
        TOML that `read_recipe` reads as it is.
    """
    whole = Recipe.model_validate({"task": {"name": task}, "network": network_of(kind)}).completed()
    lines = [
        "# Recipe of eicon: network, task and training. Lines that start with # are comments, defaults or unset keys.",
        "# `eicon recipe --explain FILE` describes what it computes, `eicon train FILE` runs it, and",
        "# `eicon sweep FILE` runs it for each combination of a grid.",
        "format = 2",
        "seed = 0",
        "",
        "[task]",
        f'name = "{task}"',
        *(f"# {name} = {_toml(value)}" for name, value in whole.task.items() if name != "name"),
    ]
    keys = all_keys()
    for table in TABLES:
        if table in ("stages", "pretrained", "lesion", "recording") or (table == "connectome" and kind != "connectome"):
            continue
        lines += ["", f"[{table}]"]
        of_table = [
            key for key in keys if key.table == table and (not key.kinds or table != "network" or kind in key.kinds)
        ]
        for key in of_table:
            lines += _lines(key, kind)
    lines += ["", "[grid]", "# seed = [0, 1, 2, 3, 4]", '# "network.tau" = [50.0, 100.0]', ""]
    return "\n".join(lines)


def keys_page() -> str:
    """Return the page of all keys of a recipe, in Markdown."""
    lines = []
    for table in ("", *TABLES):
        lines += [
            f"## `[{table}]`" if table else "## At the top",
            "",
            "| key | type | default | meaning |",
            "|---|---|---|---|",
        ]
        for key in all_keys():
            if key.table == table:
                kinds = f" Only for {', '.join(key.kinds)}." if key.kinds else ""
                means = f"{key.means}{kinds}".replace("|", "\\|")
                default = re.sub(r"(?:^|(?<=\), ))[^(]+?(?= \(|$)", r"`\g<0>`", key.default)
                lines.append(f"| `{key.name}` | {key.type} | {default} | {means} |")
        lines.append("")
    return "\n".join(lines)


def _lines(key: Key, kind: str) -> Iterator[str]:
    if key.means:
        yield from textwrap.wrap(f"{key.means}", WIDTH, initial_indent="# ", subsequent_indent="# ")
    default = network_default(kind, key.name) if key.table == "network" else key.default
    if key.table == "network" and key.name in (needed := network_of(kind)):
        yield f"{key.name} = {_toml(needed[key.name])}"
    else:
        yield f"# {key.name} = {default}" if default else f"# {key.name} =    # {key.type}"


def _toml(value: object) -> str:
    import tomli_w

    text = tomli_w.dumps({"x": value}, multiline_strings=False).partition("=")[2]
    return text.strip() if isinstance(value, str) else " ".join(text.split()).replace(", ]", "]")
