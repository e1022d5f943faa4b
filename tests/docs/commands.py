"""Commands of the shell that documents name: where they stand, how they read, and whether what they name is there."""

import ast
import functools
import json
import re
import shlex
from typing import NamedTuple

import click

from eicon.cli import main

from .pages import GENERATED, ROOT

PROGRAMS = ("eicon", "make", "python", "pip", "conda", "git", "dask", "jupyter", "sbatch", "dsub")
"""Inline code that begins with one of these words and goes on is a command; in a block of the shell every line is."""
SHELL = ("console", "sh", "bash", "shell")
KEYWORDS = re.compile(r"(?:(?:if|then|else|elif|do|while|until)\b *)+")
GRAMMAR = re.compile(r"(?:for\b.*|done\b.*|fi|esac|case\b.*|#.*|[A-Z_]+=\S*|\[.*|wait|echo\b.*|cd\b.*)$")
OWN = re.compile(r"python -m (?:eicon|benchmarks|studies)\b")
WORDS = re.compile(rf"(?:{'|'.join(PROGRAMS)}) \S")
SAFE = re.compile(rf"(?:eicon (?:{'|'.join(main.commands)})|python -m \w+|pip install)\b")
"""What cannot be prose: all that is looked for among the indented lines of docstrings."""


class Form(NamedTuple):
    """What a command does, without its values."""

    program: str
    command: str
    """Sub-command of ``eicon``, target of ``make``, stage of a study, or ``install`` of ``pip``."""
    options: tuple[str, ...]

    def __str__(self) -> str:
        """Words in the order in which they are typed."""
        return " ".join(word for word in (self.program, self.command, *self.options) if word)


@functools.cache
def collect() -> dict[str, set[str]]:
    """Every command, as it is typed, and the files that name it."""
    found: dict[str, set[str]] = {}
    for name, text in _documents():
        for line in _lines(text, SAFE if name.endswith(".py") else WORDS):
            for part in _split(line):
                found.setdefault(part, set()).add(name)
    return found


def forms() -> dict[Form, list[str]]:
    """Commands by what they do, the shortest of each first; those that only name a command are left out."""
    found: dict[Form, list[str]] = {}
    for line in collect():
        if not names_only(line):
            found.setdefault(form_of(line), []).append(line)
    return {form: sorted(lines, key=lambda line: (len(line), line)) for form, lines in sorted(found.items())}


def _documents():
    """Names and texts in Markdown: pages, docstrings, help texts, comments of configurations and notebooks."""
    for path in _files(ROOT, "*.md", deep=False) + _files(ROOT / "docs", "*.md") + _files(ROOT / "docs", "*.rst"):
        if path.name != "CHANGELOG.md":
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    for room in ("eicon", "benchmarks", "studies"):
        for path in _files(ROOT / room, "*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield path.relative_to(ROOT).as_posix(), ast.get_docstring(node) or ""
        for path in _files(ROOT / room, "*.toml"):
            comments = re.findall(r"^#(.*)", path.read_text("utf-8"), flags=re.M)
            # What follows a colon, and what is indented.
            yield (
                path.relative_to(ROOT).as_posix(),
                "\n".join(f"    {line.rpartition(': ')[2].strip()}" for line in comments),
            )
        for path in _files(ROOT / room, "*.md"):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    for path in _files(ROOT / "notebooks", "*.ipynb"):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                yield path.relative_to(ROOT).as_posix(), "".join(cell["source"])
    for command in _commands(main):
        for text in (command.help, command.epilog):
            yield f"{command.name} --help", re.sub(r"^ *\b", "    ", (text or "").replace("\b", ""), flags=re.M)


def _files(folder, pattern, deep=True):
    found = sorted(folder.rglob(pattern) if deep else folder.glob(pattern))
    return [path for path in found if not set(path.relative_to(folder).parts) & {*GENERATED, "node_modules"}]


def _commands(command):
    yield command
    for child in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _commands(child)


def _lines(text, wanted):
    """Candidates: lines of shell blocks; indented lines and inline code that begin like a command."""
    text = re.sub(r"\\\n\s*", "", text)
    blocks = re.compile(r"^ *```(?:\{code-block\} *)?(\S*)\n(.*?)^ *```$", flags=re.S | re.M)
    for language, block in blocks.findall(text):
        if language in SHELL:
            yield from (line.strip().removeprefix("$ ") for line in block.splitlines())
    text = blocks.sub("", text)
    for line in re.findall(r"^(?: {2,}|\t)(?:~?/?[\w./]+: +)?(?:\$ )?(\S.*)$", text, flags=re.M):
        if wanted.match(line):
            yield line
    for span in re.findall(r"(`+)(.+?)(?<!`)\1(?!`)", text, flags=re.S):
        code = " ".join(span[1].split())
        inner = re.fullmatch(r'eval "\$\((.*)\)"', code)
        code = inner[1] if inner else code
        if WORDS.match(code):
            yield code


def _split(line):
    """Commands of one line, without comments, redirections, pipes and the shell's own grammar."""
    line = re.sub(r"(?:^|\s+)#.*$", "", line).strip()
    inner = re.fullmatch(r'eval "\$\((.*)\)"', line)
    for part in re.split(r"\s*(?:&&|\|\||;|\||&$)\s*", inner[1] if inner else line):
        part = KEYWORDS.sub("", part.strip(), count=1) if KEYWORDS.match(part.strip()) else part.strip()
        part = re.sub(r"\s+[12]?> .*$", "", part)
        if part and not GRAMMAR.fullmatch(part) and part != "source":
            yield part


def split_words(line):
    """Words of a command as the shell sees them; ``...`` says that there may be more, ``[--option]`` is one."""
    return [word for word in shlex.split(re.sub(r"\[(--.*?)\]", r"\1", line)) if word != "..."]


def find_command(words):
    """Command of ``eicon`` that the words after ``eicon`` name, its name in full, and the words that are left."""
    command, names = main, []
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command = command.commands[words[0]]
        names.append(words[0])
        words = words[1:]
    return command, names, words


def form_of(line):
    """Program, sub-command and the names of options."""
    words = split_words(line)
    options = tuple(sorted({word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)} - {"-m"}))
    if words[0] == "python" and words[1:2] == ["-m"]:
        stage = words[3:4] if words[2] == "studies.condensation" else []
        return Form(f"python -m {words[2]}", " ".join(stage), options)
    if words[0] == "eicon":
        _, names, _ = find_command(words[1:])
        return Form("eicon", " ".join(names), options)
    if words[0] == "make":
        return Form("make", " ".join(targets_of(words)), options)
    return Form(words[0], words[1] if len(words) > 1 else "", options)


def targets_of(words):
    """Targets that a call of ``make`` asks for."""
    return [w for i, w in enumerate(words[1:]) if "=" not in w and w not in ("-C", "...") and words[i] != "-C"]


def names_only(line):
    """Whether this is the name of a command that cannot do without arguments, e.g. ``eicon analyze``."""
    words = split_words(line)
    if words[0] != "eicon":
        return False
    command, _, rest = find_command(words[1:])
    trains = command.name in ("train", "fit")
    needs = isinstance(command, click.Group) or any(p.required for p in command.params) or trains
    valued = {option for p in command.params if not getattr(p, "is_flag", False) for option in p.opts}
    arguments = [word for before, word in zip(["", *rest], rest, strict=False) if before not in valued]
    if {"--help", "-h", "--version", "--resume"} & set(rest):
        return False
    return needs and all(word.startswith("-") for word in arguments)


def errors_in(line):
    """What is wrong with a command; nothing is run."""
    words = split_words(line)
    if OWN.match(line):
        return _module_errors(words)
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.M)
        return [f"make has no {word}" for word in targets_of(words) if word not in targets]
    return _eicon_errors(words) if words[0] == "eicon" else []


def _module_errors(words):
    if words[2] == "eicon":
        return _eicon_errors(["eicon", *words[3:]])
    path = ROOT / words[2].replace(".", "/")
    file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    if not file.is_file():
        return [f"there is no {words[2]}"]
    known = file.read_text("utf-8") + (ROOT / "studies" / "common.py").read_text("utf-8")
    asked = [word.partition("=")[0] for word in words[3:] if word.startswith("--")]
    return [f"{words[2]} has no {option}" for option in asked if not re.search(f'"(--)?{option[2:]}"', known)]


def _eicon_errors(words):
    command, names, rest = find_command(words[1:])
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-") and not rest[0].isupper():
        return [f"eicon has no command {' '.join((*names, rest[0]))}"]
    options = {option for p in (*main.params, *command.params) for option in (*p.opts, *p.secondary_opts)}
    options |= {"-h", "--help"}
    asked = [word.partition("=")[0] for word in rest if re.match(r"--?[a-zA-Z]", word)]
    return [f"{command.name} has no {option}" for option in asked if option not in options]
