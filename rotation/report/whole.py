"""All pages of a report as one document to print: one outline, one run of page numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAPERS = ("A4", "Letter")

# What the print of one page hides behind a click, and what only a screen can use.
_FOLDED = "details.how, details.row, footer details"
_SCREEN = "script, .skip, nav, form, .code, .tool, .close, .hint"

_NUMBERED = """
@page { margin: 14mm 13mm 17mm; @bottom-center { content: counter(page); font: 8pt sans-serif; } }
@media print {
  .part + .part { break-before: page; }
  .part > footer { break-before: avoid; }
  thead { break-after: avoid; }
}
"""


def document(pages: list[Path], paper: str) -> str:
    """Return pages as one HTML document whose links lead from part to part.

    Parameters
    ----------
    pages : list of Path
        In the order of the document; each has one ``h1``, which heads its part of the outline.
    paper : str
        One of ``PAPERS``.
    """
    names = {page.name: page.stem for page in pages}
    sheets, parts = [], []
    for page in pages:
        soup = _soup(page)
        sheet, body = soup.style.get_text(), soup.body
        if sheet not in sheets:
            sheets.append(sheet)
        for one in body.select(_SCREEN):
            one.decompose()
        for one in body.select(_FOLDED):
            one["open"] = ""
        _anchor(body, page.stem, names)
        style = f"part sheet-{sheets.index(sheet)}"
        inside = body.decode_contents()
        parts.append(f'<section class="{style}" id="{page.stem}">{inside}</section>')
    nested = (f".sheet-{place} {{ {sheet} }}" for place, sheet in enumerate(sheets))
    numbered = _NUMBERED if len(pages) > 1 else ""
    title = _soup(pages[0]).title.get_text()
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{sheets[0]}{''.join(nested)}</style>"
        f"<style>{numbered}@page {{ size: {paper}; }}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def _soup(page: Path) -> Any:
    from bs4 import BeautifulSoup

    return BeautifulSoup(page.read_text("utf-8"), "html.parser")


def _anchor(body: Any, own: str, names: dict[str, str]) -> None:
    """Make ids and links those of the whole document; a link to a file beside it is words only."""
    for one in body.select("[id]"):
        one["id"] = f"{own}--{one['id']}"
    for one in body.select("[href]"):
        target, _, place = one["href"].partition("#")
        if ":" in target:
            continue
        part = names.get(target) if target else own
        if part is None:
            del one["href"]
        else:
            one["href"] = f"#{part}--{place}" if place else f"#{part}"
