"""Extension for Sphinx: API pages with readable shapes, formulas without scripts, links to generated pages."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import shutil
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

logger = logging.getLogger(__name__)

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
NOTEBOOKS, MISTAKES = "notebooks", "mistakes"
ELSEWHERE = ("collections", "jax", "numpy", "typing", "brainpy")
"""Packages whose names are shown as text, because a link would lead to another host."""


# Pages that are made from files elsewhere in the repository.


def copy_pages(app: Sphinx) -> None:
    """Write the notebooks, and a page for each test of a known mistake, where Sphinx finds them."""
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


def keep_outputs_apart(app: Sphinx) -> None:
    """Let MyST-NB extract pictures into the folder of the doctrees; its own choice lies between the versions."""
    folder = str(app.doctreedir / "jupyter_execute")
    app.env.mystnb_config = app.env.mystnb_config.copy(output_folder=folder)


def link_pages(app: Sphinx, doctree: nodes.document) -> None:
    """Let links to files of the repository lead to the pages made from these files."""
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
    """Return the name of the page made from a file of the repository; None without such a page."""
    if path.suffix == ".ipynb" and path.parent == ROOT / NOTEBOOKS:
        return f"{NOTEBOOKS}/{path.stem}"
    if path.suffix == ".py" and path.parent == ROOT / "tests" / "known_mistakes":
        return f"{MISTAKES}/{path.stem}"
    if path.suffix == ".md" and path.is_relative_to(HERE):
        return path.relative_to(HERE).with_suffix("").as_posix()
    return None


# Names in signatures, docstrings and prose.


NAMES: dict[str, list[str]] = {}
"""Full names of all that is documented, by name without module."""


def without_module(name: str) -> str:
    """Return ``RateRNN.dale`` for ``eicon.RateRNN.dale`` and for ``eicon.models._network.RateRNN.dale``."""
    return re.sub(r"^eicon\.(?:[a-z0-9_]+\.)*", "", name)


def index_names(app: Sphinx, env: Any) -> None:
    """Collect the documented names; docstrings and annotations may use any module that exports a name."""
    NAMES.clear()
    for full, entry in env.domains["py"].objects.items():
        if entry.objtype != "module" and not entry.aliased:
            NAMES.setdefault(without_module(full), []).append(full)


def link_to(app: Sphinx, docname: str, target: str, content: nodes.Node) -> nodes.Node | None:
    """Return a link to the documentation of a name; None if nothing, or more than one thing, is documented."""
    objects = app.env.domains["py"].objects
    found = [target] if target in objects else NAMES.get(without_module(target), [])
    if len(found) > 1 and target.startswith("eicon."):  # several modules have a function of this name
        found = [full for full in found if _value(full) is _value(target)]
    if len(found) != 1:
        return None
    entry = objects[found[0]]
    return make_refnode(app.builder, docname, entry.docname, entry.node_id, content, found[0])


def _value(name: str) -> Any:
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return None


def resolve_name(app: Sphinx, env: Any, node: nodes.Element, content: nodes.Node) -> nodes.Node | None:
    """Link names that Sphinx has not found; those in docstrings that are documented nowhere are shown as text."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removesuffix("()")
    as_text = node["reftype"] == "obj" or target.partition(".")[0] in ELSEWHERE or "refexplicit" not in node
    return link_to(app, node["refdoc"], target, content) or (content if as_text else None)


def link_prose(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link ``eicon.module.name`` in the text of a page to its documentation; warn if eicon does not have it."""
    for node in list(doctree.findall(nodes.literal)):
        match = re.fullmatch(r"(eicon(?:\.\w+)+)(?:\(\))?", node.astext())
        if match is None or isinstance(node.parent, nodes.reference):
            continue
        if _value(match[1]) is None:
            logger.warning("eicon does not have %s", match[1], location=node)
        link = link_to(app, docname, match[1], node.deepcopy())
        if link is not None:
            node.replace_self(link)


# Signatures as they are written, so that shapes are those of the source.


def show_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Return parameters and result as written in the source.

    autodoc and sphinx-autodoc-typehints write ``ArrayLike`` out in full, and show tasks as ``(*args, **options)``.
    """
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
    """Skip fields, which their class explains, and values without a docstring of their own."""
    if skip or isinstance(obj, property):
        return None
    own = inspect.getdoc(obj) or ""
    field = type(obj).__name__ in ("_tuplegetter", "member_descriptor") or own.startswith("Alias for field")
    plain = not callable(obj) and not isinstance(obj, classmethod | staticmethod)
    return True if field or plain else None


class ApiDirective(SphinxDirective):
    """Public names of a module: ``.. eicon-api:: eicon.module``, with names as content; a table, then each in full."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Expand into directives of autodoc and autosummary."""
        module = importlib.import_module(self.arguments[0])
        names = " ".join(self.content).split()
        lines = [f".. currentmodule:: {module.__name__}", ""]
        values = {name: getattr(module, name) for name in names}
        functions = [name for name, v in values.items() if callable(v) and not isinstance(v, types.GenericAlias)]
        if functions:
            lines += [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in functions), ""]
        for name in names:
            lines += [*_auto(module, name, values[name]), ""]
        return self.parse_text_to_nodes("\n".join(lines))


def _auto(module: types.ModuleType, name: str, value: Any) -> Iterator[str]:
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
    elif (text := _said_below(module, name, value)) is not None:
        yield f".. py:data:: {name}"
        yield ""
        yield from (f"   {line}" for line in text.splitlines())
    else:
        yield f".. autodata:: {name}"
        yield "   :no-value:"


def _said_below(module: types.ModuleType, name: str, value: Any) -> str | None:
    """Return the text below the assignment of a name in a private file; autodoc looks only in the public module."""
    for file, private in sorted(sys.modules.items()):
        if file.startswith(f"{module.__package__}._") and vars(private).get(name) is value:
            text = ModuleAnalyzer.for_module(file).find_attr_docs().get(("", name))
            if text:
                return "\n".join(text)
    return None


class CommandsDirective(SphinxDirective):
    """Help texts of all commands, as the shell shows them.

    sphinx-click turns ``--`` in examples into a dash, sorts by name, and needs three times the space.
    """

    def run(self) -> list[nodes.Node]:
        """Return a section for each command and each command of a group."""
        from eicon.cli import main

        return [self._section(path, command) for path, command in walk(main, "eicon")]

    def _section(self, path: str, command: click.Command) -> nodes.Node:
        section = nodes.section(ids=[path.replace(" ", "-")], names=[path])
        section += nodes.title("", path)
        with click.Context(command, info_name=path, max_content_width=88, terminal_width=88) as context:
            text = command.get_help(context)
        section += nodes.literal_block(text, text, language="text")
        return section


class RecipeKeysDirective(SphinxDirective):
    """Keys of a recipe: a section with a table for each of its tables."""

    def run(self) -> list[nodes.Node]:
        """Expand into the Markdown that `eicon.runs` writes."""
        from eicon.runs._start import keys_page

        return self.parse_text_to_nodes(keys_page(), allow_section_headings=True)


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield a command and all below it, with the words that call them."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from walk(child, f"{path} {name}")


# Formulas as MathML, which browsers draw without a script, a font or another host. Extensions for Sphinx need one of
# these (MathJax) or Node.js during the build (KaTeX); docutils converts to MathML, but Sphinx does not call it.


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
    app.connect("builder-inited", keep_outputs_apart, priority=900)
    app.connect("doctree-read", link_pages)
    app.connect("env-updated", index_names)
    app.connect("missing-reference", resolve_name)
    app.connect("doctree-resolved", link_prose)
    app.connect("autodoc-process-signature", show_signature)
    app.connect("autodoc-skip-member", skip_member)
    app.add_directive("eicon-api", ApiDirective)
    app.add_directive("eicon-commands", CommandsDirective)
    app.add_directive("eicon-recipe-keys", RecipeKeysDirective)
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
