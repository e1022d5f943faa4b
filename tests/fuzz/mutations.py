"""Ways to damage a file: its bytes, the members of an archive, the values of its JSON, the words of its text."""

import functools
import io
import json
import re
import zipfile
from collections.abc import Callable

import numpy as np

Mutation = Callable[[bytes, np.random.Generator], bytes]

NESTED = "@nested@"
EVIL = (
    *("", [], {}, None, True, False, -1, 0, 1e308, 10**30, 2**63, -(2**63), 0.5, [[]], [None], {"a": []}, "x" * 300),
    *(
        float("nan"),
        float("inf"),
        "nan",
        "../../etc/passwd",
        "\u202e",
        "\0",
        "=cmd|' /C calc'!A0",
        NESTED,
        "1_0",
        "1,5",
    ),
)
"""What values are replaced by."""


def flipped(data: bytes, rng: np.random.Generator) -> bytes:
    """One to three bits."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 4) if out else 0):
        out[rng.integers(len(out))] ^= 1 << rng.integers(8)
    return bytes(out)


def flipped_at_the_end(data: bytes, rng: np.random.Generator) -> bytes:
    """One bit of the last part, where archives have their table of contents."""
    out = bytearray(data)
    if out:
        out[-1 - rng.integers(min(len(out), 1500))] ^= 1 << rng.integers(8)
    return bytes(out)


def truncated(data: bytes, rng: np.random.Generator) -> bytes:
    """The beginning alone."""
    return data[: rng.integers(len(data) + 1)]


def cut_out(data: bytes, rng: np.random.Generator) -> bytes:
    """Without a piece."""
    start = rng.integers(len(data) + 1)
    return data[:start] + data[start + rng.integers(1, 200) :]


def doubled(data: bytes, rng: np.random.Generator) -> bytes:
    """A piece twice."""
    start = rng.integers(len(data) + 1)
    stop = start + rng.integers(1, 200)
    return data[:stop] + data[start:stop] + data[stop:]


def inserted(data: bytes, rng: np.random.Generator) -> bytes:
    """Noise in between."""
    start = rng.integers(len(data) + 1)
    return data[:start] + rng.bytes(rng.integers(1, 50)) + data[start:]


def overwritten(data: bytes, rng: np.random.Generator) -> bytes:
    """A block of zeros, ones or noise, as a bad disk leaves it."""
    start, size = rng.integers(len(data) + 1), int(rng.integers(1, 600))
    block = (bytes(size), b"\xff" * size, rng.bytes(size))[rng.integers(3)]
    return (data[:start] + block + data[start + size :])[: len(data)]


BYTES: tuple[Mutation, ...] = (flipped, flipped, flipped_at_the_end, truncated, cut_out, doubled, inserted, overwritten)


def members_of(data: bytes) -> dict[str, bytes]:
    """Members of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: list[tuple[str, bytes]], *, packed: bool = False) -> bytes:
    """Zip of members, whose names may repeat."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, archive.compression)
    return out.getvalue()


def dropped(data: bytes, rng: np.random.Generator) -> bytes:
    """Without a member."""
    members = list(members_of(data).items())
    members.pop(rng.integers(len(members)))
    return zipped(members)


def renamed(data: bytes, rng: np.random.Generator) -> bytes:
    """A member under another name."""
    members = list(members_of(data).items())
    i = rng.integers(len(members))
    name = members[i][0]
    names = (f"x{name}", name.removesuffix(".npy"), f"../{name}", name.upper(), "header.json.npy", "")
    members[i] = (names[rng.integers(len(names))], members[i][1])
    return zipped(members)


def swapped(data: bytes, rng: np.random.Generator) -> bytes:
    """Two members that changed places."""
    members = list(members_of(data).items())
    i, j = rng.integers(len(members), size=2)
    members[i], members[j] = (members[i][0], members[j][1]), (members[j][0], members[i][1])
    return zipped(members)


def repeated(data: bytes, rng: np.random.Generator) -> bytes:
    """A member twice, the second time with other content."""
    members = list(members_of(data).items())
    i, j = rng.integers(len(members), size=2)
    return zipped([*members, (members[i][0], members[j][1])])


def added(data: bytes, rng: np.random.Generator) -> bytes:
    """One member more."""
    other = io.BytesIO()
    np.save(other, rng.random(3))
    names = ("densities.npy", "noise_covariance.npy", "extra.npy", "readme.txt", "recurrent/mask.npy")
    return zipped([*members_of(data).items(), (names[rng.integers(len(names))], other.getvalue())])


def damaged_member(data: bytes, rng: np.random.Generator) -> bytes:
    """A member that was damaged before it was packed, with a checksum that fits."""
    members = list(members_of(data).items())
    i = rng.integers(len(members))
    members[i] = (members[i][0], BYTES[rng.integers(len(BYTES))](members[i][1], rng))
    return zipped(members)


def lying_array(data: bytes, rng: np.random.Generator) -> bytes:
    """An array whose description is another one."""
    members = list(members_of(data).items())
    arrays = [i for i, (name, _) in enumerate(members) if name.endswith(".npy")]
    if not arrays:
        return damaged_member(data, rng)
    i = arrays[rng.integers(len(arrays))]
    members[i] = (members[i][0], lying_npy(members[i][1], rng))
    return zipped(members)


def packed(data: bytes, rng: np.random.Generator) -> bytes:
    """Same content, packed otherwise."""
    return zipped(list(members_of(data).items()), packed=True)


@functools.cache
def _zeros() -> bytes:
    return bytes(2**27)


@functools.cache
def _bomb(name: str) -> bytes:
    npy = io.BytesIO()
    np.lib.format.write_array_header_1_0(npy, {"descr": "<f4", "fortran_order": False, "shape": (len(_zeros()) // 4,)})
    return zipped([(name, npy.getvalue() + _zeros())], packed=True)


def bomb(data: bytes, rng: np.random.Generator) -> bytes:
    """128 KB that unpack to 128 MB, under the name of a member."""
    names = list(members_of(data))
    return _bomb(names[rng.integers(min(2, len(names)))])


MEMBERS: tuple[Mutation, ...] = (
    *(dropped, renamed, swapped, repeated, added, damaged_member, damaged_member, lying_array, lying_array),
)


def lying_npy(data: bytes, rng: np.random.Generator) -> bytes:
    """Another shape, type or order."""
    shapes = ("()", "(0,)", "(10**12,)", "(100000000000,)", "(-1,)", "(-2, -2)", "(3, 1)", "(2, 2, 2)", "1", "x", "(((")
    types = ("'<f8'", "'|O'", "'<i8'", "'<U3'", "'>f4'", "'|b1'", "'<c16'", "'|V8'", "'<U0'", "'<M8[s]'", "'zz'", "3")
    head, _, rest = data.partition(b"\n")
    text = head[10:].decode("latin-1")
    choice = rng.integers(3)
    if choice == 0:
        text = re.sub(r"'shape': .*?\)", f"'shape': {shapes[rng.integers(len(shapes))]}", text)
    elif choice == 1:
        text = re.sub(r"'descr': '.*?'", f"'descr': {types[rng.integers(len(types))]}", text)
    else:
        text = text.replace("False", ("True", "0", "None", "[" * 500)[rng.integers(4)])
    text = text.rstrip(" ") + "\n"
    return head[:8] + len(text).to_bytes(2, "little") + text.encode("latin-1") + rest


def _places(value: object) -> list[tuple[object, object]]:
    """Container and key of every value in JSON."""
    found: list[tuple[object, object]] = []
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            found += [(value, key), *_places(value[key])]  # type: ignore[index]
    return found


def changed_json(data: bytes, rng: np.random.Generator) -> bytes:
    """One value replaced, left out, or under another name."""
    value = json.loads(data)
    places = _places(value)
    where, key = places[rng.integers(len(places))]
    choice = rng.integers(6)
    if choice == 0:
        del where[key]  # type: ignore[attr-defined]
    elif choice == 1 and isinstance(where, dict):
        where[f"{key}x"] = where.pop(key)
    else:
        where[key] = EVIL[rng.integers(len(EVIL))]  # type: ignore[index]
    return json.dumps(value).replace(json.dumps(NESTED), "[" * 100_000 + "]" * 100_000).encode()


def changed_header(data: bytes, rng: np.random.Generator) -> bytes:
    """A header with one other value; its checksum is the old one."""
    return _with_header(data, lambda text: changed_json(text, rng))


def unlisted(data: bytes, rng: np.random.Generator) -> bytes:
    """A header with one other value, without list and checksum, as version 0.1.0 wrote it."""

    def strip(text: bytes) -> bytes:
        kept = {key: value for key, value in json.loads(text).items() if key not in ("arrays", "checksum")}
        return changed_json(json.dumps(kept).encode(), rng)

    return _with_header(data, strip)


def _with_header(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    members = members_of(data)
    text = np.frombuffer(change(bytes(np.load(io.BytesIO(members["header.json.npy"])))), np.uint8)
    out = io.BytesIO()
    np.save(out, text)
    return zipped(list((members | {"header.json.npy": out.getvalue()}).items()))


HEADERS: tuple[Mutation, ...] = (changed_header, changed_header, changed_header)


def changed_word(data: bytes, rng: np.random.Generator) -> bytes:
    """One word, number or mark of a text replaced."""
    words = list(re.finditer(rb"[\w.+-]+|[^\w\s]", data))
    if not words:
        return data
    word = words[rng.integers(len(words))]
    evil = EVIL[rng.integers(len(EVIL))]
    text = "[" * 3000 + "]" * 3000 if evil == NESTED else evil if isinstance(evil, str) else json.dumps(evil)
    return data[: word.start()] + text.encode() + data[word.end() :]


def changed_lines(data: bytes, rng: np.random.Generator) -> bytes:
    """A line left out, doubled, moved, emptied, or of another encoding."""
    lines = data.split(b"\n")
    i, j = rng.integers(len(lines), size=2)
    choice = rng.integers(5)
    if choice == 0:
        lines.pop(i)
    elif choice == 1:
        lines.insert(j, lines[i])
    elif choice == 2:
        lines.insert(j, lines.pop(i))
    elif choice == 3:
        lines[i] = b""
    else:
        lines[i] += "é".encode(("latin-1", "utf-16", "utf-8")[rng.integers(3)])
    return b"\n".join(lines)


TEXT: tuple[Mutation, ...] = (changed_word, changed_word, changed_word, changed_lines, changed_lines)
