"""Walk a folder of HTML pages: every link and anchor must lead somewhere, and nothing may be loaded from elsewhere."""

import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
"""What a browser fetches without being asked; `a` leads there when somebody clicks."""
INLINE = ("data", "mailto", "javascript", "blob", "about")
IN_STYLE = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])([^'")\s]+)""")


@dataclass
class Page(HTMLParser):
    """Links of a page, what it loads, and the places in it that can be linked to."""

    text: str
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self._style = False
        self.feed(self.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        values = {name: value for name, value in attrs if value is not None}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag in ("a", "area") and "href" in values:
            self.links.append(values["href"])
        for name in LOADS.get(tag, ()):
            if name in values and not (tag == "link" and "canonical" in values.get("rel", "")):
                parts = values[name].split(",") if name == "srcset" else [values[name]]
                self.loads += [part.split()[0] if name == "srcset" else part for part in parts if part.strip()]
        self.loads += IN_STYLE.findall(values.get("style", ""))
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        """Collect what a style sheet within the page loads."""
        if self._style:
            self.loads += IN_STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        """Leave a style sheet."""
        self._style = False


def problems(root: Path) -> list[str]:
    """What is wrong in the pages and style sheets below a folder, a line each."""
    root = root.resolve()
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(root.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for url in page.loads:
            found += [f"{path.relative_to(root)}: {text}" for text in _wrong(url, path, pages, loaded=True)]
        for url in page.links:
            found += [f"{path.relative_to(root)}: {text}" for text in _wrong(url, path, pages, loaded=False)]
    for path in sorted(root.rglob("*.css")):
        for url in IN_STYLE.findall(path.read_text("utf-8")):
            found += [f"{path.relative_to(root)}: {text}" for text in _wrong(url, path, pages, loaded=True)]
    return found


def _wrong(url: str, path: Path, pages: dict[Path, Page], *, loaded: bool) -> list[str]:
    parts = urlsplit(url)
    if parts.scheme in INLINE:
        return []
    if parts.scheme or parts.netloc:
        return [f"loads {url} from another host"] if loaded else []
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return [f"{url} leads to a file that does not exist"]
    fragment = unquote(parts.fragment)
    if fragment and target in pages and fragment not in pages[target].ids:
        return [f"{url} leads to a place that the page does not have"]
    return []


def main(folder: str) -> int:
    """Print what is wrong; 1 if anything is."""
    found = problems(Path(folder))
    for line in found:
        sys.stderr.write(f"{line}\n")
    count = sum(1 for _ in Path(folder).rglob("*.html"))
    sys.stdout.write(f"{count} pages, {len(found)} broken links or outside resources\n")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
