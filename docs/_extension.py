"""What Sphinx is taught here: API pages with readable shapes, mathematics without scripts, links to generated pages."""

import ast
import dataclasses
import importlib
import inspect
import itertools
import re
import shutil
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.roles import XRefRole
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

import eicon

logger = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ROOMS = (
    "analysis",
    "connectomes",
    "exchange",
    "models",
    "models.circuits",
    "pages",
    "plotting",
    "recordings",
    "reproduce.beiran2025",
    "reproduce.song2016",
    "runs",
    "studies",
    "tasks",
    "training",
)
NOTEBOOKS, MISTAKES = "notebooks", "mistakes"
ELSEWHERE = ("collections", "jax", "numpy", "typing", "brainpy")
"""Packages whose names are shown as text: a link would lead off the page's own host."""


# Pages that are made of files elsewhere in the repository.


def copy_pages(app: Sphinx) -> None:
    """Notebooks, and a page for each test of a known mistake, where Sphinx finds them."""
    pages = {
        HERE / NOTEBOOKS / path.name: path.read_text("utf-8") for path in sorted((ROOT / NOTEBOOKS).glob("*.ipynb"))
    }
    for path in sorted((ROOT / "tests" / "known_mistakes").glob("test_*.py")):
        title = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or path.stem).splitlines()[0].rstrip(".")
        link = f"[The table of all mistakes](../known_mistakes.md). The test is `{path.relative_to(ROOT).as_posix()}`:"
        include = f"```{{literalinclude}} ../../{path.relative_to(ROOT).as_posix()}\n:language: python\n```"
        pages[HERE / MISTAKES / f"{path.stem}.md"] = f"# {title}\n\n{link}\n\n{include}\n"
    for folder in (NOTEBOOKS, MISTAKES):
        (HERE / folder).mkdir(exist_ok=True)
        for old in set((HERE / folder).iterdir()) - set(pages):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for path, text in pages.items():
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def link_pages(app: Sphinx, doctree: nodes.document) -> None:
    """Links to files of the repository that have a page of their own lead to the page."""
    name = app.env.docname
    folder = ROOT / name if name.startswith(f"{NOTEBOOKS}/") else HERE / name
    for node in [*doctree.findall(addnodes.download_reference), *doctree.findall(addnodes.pending_xref)]:
        if node.get("reftype") not in ("myst", "download"):
            continue
        target, _, place = node["reftarget"].partition("#")
        path = (folder.parent / target).resolve()
        page = page_of(path if path.suffix else path.with_suffix(".ipynb"))
        if page is None or page not in app.env.found_docs:
            continue
        settings = {"refdomain": "doc", "reftype": "myst", "reftarget": page, "reftargetid": place or None}
        link = addnodes.pending_xref("", *node.children, **settings, refexplicit=True, refdoc=name)
        node.replace_self(link)


def page_of(path: Path) -> str | None:
    """Name of the page that a file of the repository has here."""
    if path.suffix == ".ipynb" and path.parent == ROOT / NOTEBOOKS:
        return f"{NOTEBOOKS}/{path.stem}"
    if path.suffix == ".py" and path.parent == ROOT / "tests" / "known_mistakes":
        return f"{MISTAKES}/{path.stem}"
    if path.suffix == ".md" and path.is_relative_to(HERE):
        return path.relative_to(HERE).with_suffix("").as_posix()
    return None


# Names in signatures, docstrings and prose.


def public_names() -> dict[str, str]:
    """Full names of all that rooms and their files export, by the short one where it is unique, and by the full one."""
    found: dict[str, list[str]] = {}
    for room in ROOMS:
        try:
            module = importlib.import_module(f"eicon.{room}")
        except ModuleNotFoundError:
            continue
        for name in dir(module):
            value = None if name.startswith("_") else getattr(module, name)
            if inspect.ismodule(value) and hasattr(value, "__file__") and not hasattr(value, "__path__"):
                for inner in vars(value):
                    if not inner.startswith("_"):
                        found.setdefault(inner, []).append(f"eicon.{room}.{name}.{inner}")
            elif value is not None and not inspect.ismodule(value):
                found.setdefault(name, []).append(f"eicon.{room}.{name}")
    names = {short: full[0] for short, full in found.items() if len(full) == 1}
    names |= {full: full for several in found.values() for full in several}
    headline = {name: getattr(eicon, name) for name in dir(eicon) if not name.startswith("_")}
    for name, value in headline.items():
        if not inspect.ismodule(value):
            home = value.__module__.split(".")[1]
            names[f"eicon.{name}"] = f"eicon.{name}" if home.startswith("_") else f"eicon.{home}.{name}"
    return names


NAMES = public_names()


def known(target: str, objects: Any) -> str | None:
    """Full name of what is documented under a name, or under the first part of it."""
    if target in objects:
        return target
    head, _, tail = target.partition(".")
    if target.startswith("eicon."):
        parts = target.split(".")
        for n in range(len(parts), 1, -1):
            full = NAMES.get(".".join(parts[:n]))
            if full is not None:
                candidate = ".".join([full, *parts[n:]])
                return candidate if candidate in objects else None
        # An annotation names the file of a class that is imported only when it is needed.
        return known(parts[-1], objects) if any(part.startswith("_") for part in parts) else None
    full = NAMES.get(head)
    candidate = f"{full}.{tail}" if tail else full
    return candidate if candidate in objects else None


class NameRole(XRefRole):
    """Text in single backticks of a docstring: a link where there is something of this name, else code."""

    def process_link(
        self, env: Any, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """Remember where the name was used."""
        refnode.attributes.update({"soft": True, "py:module": env.ref_context.get("py:module")})
        refnode["py:class"] = env.ref_context.get("py:class")
        refnode["reftype"], refnode["refdomain"] = "obj", "py"
        return title, target.removesuffix("()")


def resolve_name(app: Sphinx, env: Any, node: nodes.Element, content: nodes.Node) -> nodes.Node | None:
    """Names of other rooms; those in signatures and docstrings that are documented nowhere are shown as text."""
    if node.get("refdomain") != "py":
        return None
    objects = env.domains["py"].objects
    full = known(node["reftarget"], objects)
    if full is not None:
        entry = objects[full]
        return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, content, full)
    elsewhere = node["reftarget"].partition(".")[0] in ELSEWHERE
    return content if node.get("soft") or elsewhere or "refexplicit" not in node else None


def link_prose(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link ``eicon.room.name`` in the text of a page to its documentation, and complain if there is no such thing."""
    objects = app.env.domains["py"].objects
    for node in list(doctree.findall(nodes.literal)):
        match = re.fullmatch(r"(eicon(?:\.\w+)+)(?:\(\))?", node.astext())
        if match is None or isinstance(node.parent, nodes.reference):
            continue
        full = known(match[1], objects)
        if full is not None:
            entry = objects[full]
            link = make_refnode(app.builder, docname, entry.docname, entry.node_id, node.deepcopy(), full)
            node.replace_self(link)
        elif not _importable(match[1]):
            logger.warning("%s is nothing that eicon has", match[1], location=node)


def _importable(name: str) -> bool:
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            value = getattr(value, part, None)
        return value is not None
    return False


# Signatures as they are written, so that shapes are those of the source.


def show_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Parameters and result as the source has them."""
    if signature is None:
        return None
    if what == "class":
        return _fields(obj), None
    function = inspect.unwrap(getattr(obj, "__func__", obj))
    if not inspect.isfunction(function):
        return None
    tree = _source(function)
    if tree is None:
        return None
    return _arguments(tree.args, drop_first=what == "method" and not isinstance(obj, staticmethod)), (
        None if tree.returns is None else _annotation(tree.returns)
    )


def _source(obj: Any) -> Any:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(obj))).body[0]
    except (OSError, TypeError, IndentationError):
        return None


def _annotation(node: ast.expr) -> str:
    # An annotation that is a string, such as "RateRNN", stands for the name; shapes are subscripts and stay strings.
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)


def _arguments(arguments: ast.arguments, *, drop_first: bool) -> str:
    if drop_first and (arguments.posonlyargs or arguments.args):
        (arguments.posonlyargs or arguments.args).pop(0)
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if isinstance(argument.annotation, ast.Constant) and isinstance(argument.annotation.value, str):
            argument.annotation = ast.parse(argument.annotation.value, mode="eval").body
    return f"({ast.unparse(arguments)})"


def _fields(cls: type) -> str:
    for base in cls.__mro__:
        if "__init__" in vars(base) and not dataclasses.is_dataclass(base) and base.__module__.startswith("eicon"):
            tree = _source(base.__init__)
            return "()" if tree is None else _arguments(tree.args, drop_first=True)
    wanted = getattr(cls, "_fields", None)
    if dataclasses.is_dataclass(cls):
        wanted = tuple(field.name for field in dataclasses.fields(cls) if field.init)
    if wanted is None:
        return "()"
    parts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        for node in getattr(_source(base), "body", []) if base.__module__.startswith("eicon") else []:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id in wanted:
                parts[node.target.id] = f"{node.target.id}: {_annotation(node.annotation)}{_default(node.value)}"
    return f"({', '.join(parts.get(name, name) for name in wanted)})"


def _default(value: ast.expr | None) -> str:
    if value is None:
        return ""
    text = ast.unparse(value)
    return " = ..." if text.startswith("field(") or len(text) > 60 else f" = {text}"


def skip_member(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Fields are explained by their class; what has no docstring of its own is not public."""
    if skip or isinstance(obj, property):
        return None
    own = inspect.getdoc(obj) or ""
    field = type(obj).__name__ in ("_tuplegetter", "member_descriptor") or own.startswith("Alias for field")
    plain = not callable(obj) and not isinstance(obj, classmethod | staticmethod)
    return True if field or plain else None


class ApiDirective(Directive):
    """Public names of a room: ``.. eicon-api:: eicon.room``, names in the content; a table, then all of each."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Expand into what autodoc and autosummary know."""
        room = importlib.import_module(self.arguments[0])
        names = " ".join(self.content).split()
        lines = [f".. currentmodule:: {room.__name__}", ""]
        values = {name: getattr(room, name) for name in names}
        functions = [name for name, v in values.items() if callable(v) and not isinstance(v, types.GenericAlias)]
        if functions:
            lines += [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in functions), ""]
        for name in names:
            lines += [*_auto(room, name, values[name]), ""]
        parsed = nodes.Element()
        self.state.nested_parse(StringList(lines, source=self.state_machine.input_lines.source(0)), 0, parsed)
        return parsed.children


def _auto(room: types.ModuleType, name: str, value: Any) -> Iterator[str]:
    if isinstance(value, types.GenericAlias):
        # Both numpydoc and autodoc take an alias such as dict[str, Array] for a class.
        yield f".. py:data:: {name}"
        yield ""
        yield f"   Stands for ``{str(value).replace('jax.jaxlib._jax.', 'jax.').replace('collections.abc.', '')}``."
    elif inspect.isclass(value):
        yield f".. autoclass:: {name}"
        yield "   :members:"
        # RateRNN has its constructors from a private base; BrainPy's own methods are documented by BrainPy.
        if name == "RateRNN":
            yield "   :inherited-members: DynamicalSystem"
    elif inspect.isfunction(value):
        yield f".. autofunction:: {name}"
    elif (text := _said_below(room, name, value)) is not None:
        yield f".. py:data:: {name}"
        yield ""
        yield from (f"   {line}" for line in text.splitlines())
    else:
        yield f".. autodata:: {name}"
        yield "   :no-value:"


def _said_below(room: types.ModuleType, name: str, value: Any) -> str | None:
    """Text below the assignment of a name in a private file of a room, which autodoc looks for in the room itself."""
    for path in sorted(Path(room.__file__ or "").parent.glob("_*.py")):
        for node, below in itertools.pairwise(ast.parse(path.read_text("utf-8")).body):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
            said = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if named and said and getattr(importlib.import_module(f"{room.__package__}.{path.stem}"), name) is value:
                return inspect.cleandoc(str(below.value.value))
    return None


class CommandsDirective(Directive):
    """Help texts of all commands, as the shell shows them."""

    def run(self) -> list[nodes.Node]:
        """A section for each command and each command of a group."""
        from eicon.cli import main

        return [self._section(path, command) for path, command in walk(main, "eicon")]

    def _section(self, path: str, command: click.Command) -> nodes.Node:
        section = nodes.section(ids=[path.replace(" ", "-")], names=[path])
        section += nodes.title("", path)
        with click.Context(command, info_name=path, max_content_width=88, terminal_width=88) as context:
            text = command.get_help(context)
        section += nodes.literal_block(text, text, language="text")
        return section


class RecipeKeysDirective(Directive):
    """All keys of a recipe: a section with a table for each of its tables."""

    def run(self) -> list[nodes.Node]:
        """Expand into the Markdown that `eicon.runs` has."""
        from eicon.runs._start import keys_page

        parsed = nodes.Element()
        lines = StringList(keys_page().splitlines(), source="eicon.runs")
        self.state.nested_parse(lines, 0, parsed, match_titles=True)
        return parsed.children


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """A command and all below it, with the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from walk(child, f"{path} {name}")


# Mathematics as MathML, which browsers draw themselves: no script, no font, no other host.


def _mathml(self: Any, node: nodes.Element, *, block: bool) -> None:
    text = node.astext()
    if block and (r"\\" in text or "&" in text) and r"\begin" not in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    text = re.sub(r"_\{([A-Za-z]{2,})\}", r"_{\\mathrm{\1}}", text)  # words as subscripts stand upright
    text = re.sub(r"\\(big|Big|bigg|Bigg)(?![a-zA-Z])", r"\\\1l", text)
    try:
        markup = tex2mathml(text, as_block=block)
    except MathError as error:
        logger.warning("cannot show %r as MathML: %s", text, error, location=node)
        markup = f"<code>{self.encode(text)}</code>"
    if block:
        attributes = {"ids": node.get("ids", [])}
        self.body.append(self.starttag(node, "div", CLASS="math", **attributes) + markup + "</div>\n")
    else:
        self.body.append(markup)
    raise nodes.SkipNode


def inline_math(self: Any, node: nodes.Element) -> None:
    """Write a formula within a line."""
    _mathml(self, node, block=False)


def block_math(self: Any, node: nodes.Element) -> None:
    """Write a formula on lines of its own."""
    _mathml(self, node, block=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it."""
    app.connect("builder-inited", copy_pages)
    app.connect("doctree-read", link_pages)
    app.connect("missing-reference", resolve_name)
    app.connect("doctree-resolved", link_prose)
    app.connect("autodoc-process-signature", show_signature)
    app.connect("autodoc-skip-member", skip_member)
    app.add_role("eicon-name", NameRole())
    app.add_directive("eicon-api", ApiDirective)
    app.add_directive("eicon-commands", CommandsDirective)
    app.add_directive("eicon-recipe-keys", RecipeKeysDirective)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
