"""Links of the documents and notebooks: ``python -m tests.support.links --external`` asks the web.

Relative links and anchors are checked by a test; addresses elsewhere only every night, since a site
that is down is no fault of a change.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(
    r"(?<!\!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()]*\))?)\)|!\[[^\]]*\]\(([^)\s]+)\)"
)
_CODE = re.compile(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)  # and formulas
_BARE = re.compile(r"https?://[^\s<>)\]\"'`|]+")
# Names that stand for a place of the reader's own.
_EXAMPLES = ("127.0.0.1", "localhost", "example.", ".example")
TIMEOUT = 20


def documents() -> list[Path]:
    """Return every Markdown file and committed notebook of the project."""
    folders = ("", "docs", "data", "examples", "notebooks", ".github")
    return sorted(
        path
        for folder in folders
        for kind in ("*.md", "*.ipynb")
        for path in (ROOT / folder).glob(kind)
    )


def text_of(path: Path) -> str:
    """Return a document's prose: Markdown without code, or a notebook's Markdown cells."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    return _CODE.sub("", text)


def links(path: Path) -> Iterator[str]:
    """Yield the targets of a document's links and pictures."""
    for match in _LINK.finditer(text_of(path)):
        yield match[1] or match[2]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives a document's headings."""
    found: set[str] = set()
    for line in re.findall(r"^#{1,6} +(.+?) *#*$", _headings_of(path), flags=re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        copies = sum(1 for one in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", one))
        found.add(f"{slug}-{copies}" if copies else slug)
    return found


def _headings_of(path: Path) -> str:
    if path.suffix == ".ipynb":
        return text_of(path)
    return re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def broken() -> list[str]:
    """Return each relative link that leads nowhere, with its document."""
    found = []
    for path in documents():
        for link in links(path):
            if re.match(r"[a-z]+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            if not target.exists():
                found.append(f"{path.relative_to(ROOT)}: {link}: no such file")
            elif anchor and target.suffix in (".md", ".ipynb") and anchor not in anchors(target):
                found.append(f"{path.relative_to(ROOT)}: {link}: no such heading")
    return found


def addresses() -> dict[str, list[str]]:
    """Return every address elsewhere with the documents that name it."""
    found: dict[str, list[str]] = {}
    for path in documents():
        for address in _BARE.findall(text_of(path)):
            if not any(name in address for name in _EXAMPLES):
                where = found.setdefault(address.rstrip(".,;:"), [])
                where.append(str(path.relative_to(ROOT)))
    return found


def unreachable() -> list[str]:
    """Ask the web for every address; return those that answer with 404 or 410, or not at all.

    Many sites refuse a program what they show a reader, so other answers count as reached.
    """
    import requests

    found = []
    for address, where in addresses().items():
        try:
            headers = {"User-Agent": "Mozilla/5.0 (link check)"}
            answer = requests.get(address, timeout=TIMEOUT, headers=headers, stream=True)
            fault = f"status {answer.status_code}" if answer.status_code in (404, 410) else ""
            answer.close()
        except requests.RequestException as error:
            fault = type(error).__name__
        if fault:
            found.append(f"{', '.join(where)}: {address}: {fault}")
    return found


def main(words: list[str]) -> int:
    """Report broken links; 1 if there is one."""
    faults = broken() + (unreachable() if "--external" in words else [])
    sys.stderr.writelines(f"{line}\n" for line in faults)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
