"""Checks as lines of text for a terminal."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from helpers import claims, words

# Below so many columns the table of claims leaves its figures out; a column takes at most so many.
_NARROW = 80
_COLUMN = 18


def width() -> int:
    """Return the columns of the terminal, 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def table(checks: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """Return checks as lines of text no wider than the terminal; what is cut ends in ``…``."""
    rows = [["claim", "verdict", "stated", "measured", "statement"]]
    for check in checks:
        verdict = f"{claims.MARKS[check['outcome']]} {check['outcome']}"
        values = words.value(check["stated"]), words.value(check["measured"])
        rows.append([check["claim_id"], verdict, *values, check["statement"]])
    if width < _NARROW:
        rows = [[row[0], row[1], row[-1]] for row in rows]
    widths = [min(_COLUMN, max(map(len, column))) for column in zip(*rows, strict=True)]
    widths[-1] = max(8, width - sum(widths[:-1]) - 2 * len(widths[:-1]))
    return [
        "  ".join(_cut(text, n).ljust(n) for text, n in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def explained(check: Mapping[str, Any], article: Mapping[str, Any], width: int) -> list[str]:
    """Return one check, and the article it is from, in plain lines."""
    published = str(article["published"])[:10]
    facts = {
        "article": ", ".join(filter(None, (article["title"], article["publisher"], published))),
        "stated": words.quantity(check["stated"], check["unit"]),
        "measured": words.quantity(check["measured"], check["unit"]),
        "as of": check["as_of"],
        "sessions": check.get("move", ""),
        "interval, n": claims.show_interval(check),
        "error": claims.show_margins(check),
        "evidence": claims.show_evidence(check),
        "base rate": claims.show_forecast(check),
        "judged by": f"{claims.rule_text(check)}, {_read(check['reading'])}",
        "tolerance": check["tolerance"],
        "measure": check["measure"],
        "data": check["fidelity"],
        "beside": check["beside"],
        "note": check["note"],
        "notebook": check["notebook"],
    }
    verdict = (
        f"{claims.MARKS[check['outcome']]} The claim is {check['outcome']}: {check['reason']}."
    )
    lines = [*wrapped(f"{check['claim_id']}  {check['statement']}", width), "", verdict, ""]
    for name, text in facts.items():
        if text and text != "–":
            lines += wrapped(f"{name:<12} {text}", width, 13)
    return lines


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Return a text as lines of that many columns, but at least 40; all but the first indented."""
    return textwrap.wrap(
        text, max(40, width), subsequent_indent=" " * indent, drop_whitespace=True
    ) or [text]


def _read(reading: str) -> str:
    return "asked of every estimate" if reading == "estimates" else f"read as a {reading}"
