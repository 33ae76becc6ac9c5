"""How a check looks: plain JSON for the record, text and HTML for people."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.claims import grading
from helpers.interval import Interval

MIMETYPE = "application/vnd.rotation.check+json"
DIGITS = 10

MARKS = {
    grading.SUPPORTED: "✓",
    grading.PARTLY: "◐",
    grading.CONTRADICTED: "✗",
    grading.INCONCLUSIVE: "≈",
    grading.NOT_TESTABLE: "–",
    grading.PENDING: "…",
}


def bundle(payloads: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what a notebook shows and carries for checks: the one place that makes it."""
    return {
        MIMETYPE: payloads,
        "text/html": html_table(payloads),
        "text/plain": "\n".join(line(payload) for payload in payloads) or "no claims",
    }


def line(payload: Mapping[str, Any]) -> str:
    """Return a check as one line of text."""
    return (
        f"{payload['claim_id']}  {payload['outcome']} ({payload['reason']})  "
        f"stated {show(payload['stated'])}; measured {show(payload['measured'])} "
        f"{payload['unit']}".rstrip()
    )


def html_table(payloads: Sequence[Mapping[str, Any]]) -> str:
    """Return checks as an HTML table with inline styles, texts escaped."""
    head = ("claim", "stated", "measured", "interval, n", "as of", "verdict")
    cell = "padding:4px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #bbb"
    rows = [
        "<tr>" + "".join(f'<th scope="col" style="{cell}">{name}</th>' for name in head) + "</tr>"
    ]
    for p in payloads:
        unit = f" {p['unit']}" if p["unit"] and p["measured"] is not None else ""
        columns = (
            f"<b>{html.escape(p['claim_id'])}</b> {html.escape(p['statement'])}",
            html.escape(show(p["stated"])),
            html.escape(show(p["measured"]) + unit)
            + (f"<br><small>{html.escape(p['beside'])}</small>" if p["beside"] else ""),
            html.escape(_certainty(p)),
            html.escape(p["as_of"]),
            f"<b>{MARKS[p['outcome']]} {p['outcome']}</b><br>{html.escape(p['reason'])}"
            f"<br><small>{html.escape(p['fidelity'])}; rule: {html.escape(rule_text(p))}</small>"
            + (f"<br><small>{html.escape(p['note'])}</small>" if p["note"] else ""),
        )
        rows.append("<tr>" + "".join(f'<td style="{cell}">{c}</td>' for c in columns) + "</tr>")
    return f'<table style="border-collapse:collapse">{"".join(rows)}</table>'


def show(value: Any) -> str:
    """Return a stated or measured value as people write it: at most four significant digits."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {show(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(show(part) for part in value) or "none"
    if isinstance(value, int | float):
        digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:.{min(digits, 4)}f}" if abs(value) < 1000 else f"{value:.2f}"
        text = text if float(text) else text.lstrip("-")
        return (
            text.rstrip("0").rstrip(".").replace("-", "−")
            if "." in text
            else text.replace("-", "−")
        )
    return str(value)


def show_interval(payload: Mapping[str, Any]) -> str:
    """Return a check's intervals, number of events and p-value as text."""
    intervals = payload["intervals"] or {"": payload["interval"]}
    parts = [
        f"{name} {show(i['low'])} to {show(i['high'])} ({i['level']:.0%}, {i['method']})".strip()
        for name, i in intervals.items()
        if i
    ]
    if payload["n"] is not None:
        parts.append(f"n = {payload['n']}")
    if payload.get("p") is not None:
        parts.append(f"p = {show(payload['p'])} by chance")
    return "; ".join(parts) or "–"


def show_robustness(payload: Mapping[str, Any]) -> str:
    """Return how many of a check's specifications agree, as text; ``""`` where there are none."""
    if payload.get("robustness") is None:
        return ""
    return f"{payload['robustness']:.0%} of {payload['specifications']} specifications agree"


def _certainty(payload: Mapping[str, Any]) -> str:
    parts = [show_interval(payload), show_robustness(payload)]
    return "; ".join(part for part in parts if part not in ("", "–")) or "–"


def rule_text(payload: Mapping[str, Any]) -> str:
    """Return rule and bound as text: ``within 0.15``, ``all of: mean above 0``."""
    rule, bound = payload["rule"], payload["bound"]
    if rule == "none":
        return "none"
    if rule == "all of":
        parts = [f"{name} {r} {show(b)}" for name, one in bound.items() for r, b in one.items()]
        return "all of: " + "; ".join(parts)
    return f"{rule} {show(bound)}"


def plain(value: Any) -> Any:
    """Return a value as plain JSON types.

    Floats are rounded to ten significant digits, whole floats become integers, NaN becomes
    None, dates become ISO text.
    """
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Interval):
        return {name: plain(part) for name, part in vars(value).items()}
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        rounded = float(f"{value:.{DIGITS}g}")
        return int(rounded) if rounded.is_integer() else rounded
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    raise TypeError(f"{type(value).__name__}: expected a number, text, list, dict or Interval")
