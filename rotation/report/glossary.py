"""The terms that pages explain: each leads to its entry on the page of how claims are judged."""

from __future__ import annotations

import html
import re
import tomllib
from functools import lru_cache

from helpers import data

PAGE = "judging.html"

# Elements whose words are not marked: links lead elsewhere, code and headings stay plain.
_PLAIN = (
    "a",
    "code",
    "pre",
    "h1",
    "h2",
    "h3",
    "h4",
    "summary",
    "script",
    "style",
    "button",
    "title",
)
_TAG = re.compile(r"(<[^>]*>)")


@lru_cache(maxsize=1)
def terms() -> dict[str, str]:
    """Return what each term means, as ``data/glossary.toml`` has it, by the alphabet."""
    entries = tomllib.loads((data.folder() / "glossary.toml").read_text("utf-8"))
    return {name: entries[name]["says"] for name in sorted(entries, key=str.lower)}


def anchor(term: str) -> str:
    """Return the id of a term's entry.

    Examples
    --------
    >>> anchor("placebo p")
    'term-placebo-p'
    """
    return "term-" + re.sub(r"\W+", "-", term.lower()).strip("-")


def explain(text: str) -> str:
    """Return HTML in which the first use of each term leads to what it means.

    The meaning is the link's title, so a pointer shows it; a finger or a key follows the link.
    """
    left = {term.lower(): term for term in terms()}
    inside: list[str] = []
    parts = _TAG.split(text)
    for place, part in enumerate(parts):
        if place % 2:
            _step(part, inside)
        elif left and not inside and part.strip():
            parts[place] = _pattern().sub(lambda found: _link(found[0], left), part)
    return "".join(parts)


def _step(tag: str, inside: list[str]) -> None:
    """Keep account of which of the plain elements a place lies in."""
    name = tag.strip("</>").split(maxsplit=1)[0].lower() if tag.strip("</>") else ""
    if name not in _PLAIN:
        return
    if not tag.startswith("</"):
        inside.append(name)
    elif inside and inside[-1] == name:
        inside.pop()


def _link(word: str, left: dict[str, str]) -> str:
    term = left.pop(word.lower().removesuffix("s"), None) or left.pop(word.lower(), None)
    if term is None:
        return word
    says = html.escape(terms()[term])
    return f'<a class="term" href="{PAGE}#{anchor(term)}" title="{says}">{word}</a>'


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    longest = sorted(terms(), key=len, reverse=True)
    return re.compile(
        rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest))})s?(?![\w-])", re.IGNORECASE
    )
