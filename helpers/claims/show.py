"""How a check looks: plain JSON for the record, text and HTML for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers import tables, words
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
        f"stated {words.value(payload['stated'])}; measured {words.value(payload['measured'])} "
        f"{payload['unit']}".rstrip()
    )


def html_table(payloads: Sequence[Mapping[str, Any]]) -> str:
    """Return checks as an HTML table."""
    head = ("claim", "stated", "measured", "interval, n", "as of", "verdict")
    return tables.render(head, map(_cells, payloads))


def _cells(p: Mapping[str, Any]) -> tuple[str, ...]:
    beside = tables.markup("<br><small>{}</small>", words.prose(p["beside"])) if p["beside"] else ""
    note = tables.markup("<br><small>{}</small>", words.prose(p["note"])) if p["note"] else ""
    how = f"{p['fidelity']}; rule: {rule_text(p)}"
    verdict = f"{MARKS[p['outcome']]} {p['outcome']}"
    return (
        tables.markup("<b>{}</b> {}", p["claim_id"], words.prose(p["statement"])),
        words.value(p["stated"]),
        tables.markup("{}", words.measured(p)) + beside,
        _certainty(p),
        words.day(p["as_of"]),
        tables.markup(
            "<b>{}</b><br>{}<br><small>{}</small>", verdict, words.prose(p["reason"]), how
        )
        + note,
    )


def show_interval(payload: Mapping[str, Any]) -> str:
    """Return a check's intervals, number of events and p-value as text."""
    intervals = payload["intervals"] or {"": payload["interval"]}
    stated = payload.get("stated") if words.is_number(payload.get("stated")) else None
    parts = [
        f"{name} {words.ends(one['low'], one['high'], name, stated)} "
        f"({one['level']:.0%}, {one['method']})".strip()
        for name, one in intervals.items()
        if one
    ]
    if payload["n"] is not None:
        parts.append(f"n = {payload['n']}")
    if payload.get("p") is not None:
        parts.append(f"p = {words.p_value(payload['p'])} by chance")
    return "; ".join(parts) or "–"


def _ends(interval: Mapping[str, Any]) -> str:
    return f"{words.value(interval['low'])} to {words.value(interval['high'])}"


def show_robustness(payload: Mapping[str, Any]) -> str:
    """Return how many of a check's specifications agree, as text; ``""`` where there are none."""
    if payload.get("robustness") is None:
        return ""
    return f"{payload['robustness']:.0%} of {payload['specifications']} specifications agree"


def show_margins(payload: Mapping[str, Any]) -> str:
    """Return what a check's comparison may be wrong by, as text; ``""`` where nothing is known."""
    parts = []
    for one in payload.get("error") or ():
        span = "" if one["low"] is None else f": {_ends(one)}"
        other = f", another verdict on {one['other']:.0%}" if one["other"] else ""
        parts.append(f"{one['source']}{span}{other}")
    return "; ".join(parts)


def show_evidence(payload: Mapping[str, Any]) -> str:
    """Return in a sentence or two what a check's events could decide, and what they leave open."""
    could, left = payload.get("decidability"), payload.get("evidence")
    if not could:
        return ""
    needed = f"{could['events_needed']} events" if could["events_needed"] else "no number tried"
    text = (
        f"with {could['n']} events the rule says supported in {could['true']['supported']:.0%} of "
        f"cases if {words.value(could['effect'])} is true, contradicted in "
        f"{could['none']['contradicted']:.0%} if there is nothing; it could decide with {needed}"
    )
    if not left:
        return text
    shown = "shown" if left["equivalent"] else "not shown"
    return (
        f"{text}; a mean above {words.value(round(left['at_most'], 1))} or below "
        f"{words.value(round(left['at_least'], 1))} is ruled out (95%, one-sided); a mean within "
        f"{words.value(left['margin'])} of zero is {shown}; drawn to all starts "
        f"{words.value(round(left['shrunk'], 1))} ({_rounded(left['shrunk_interval'])}); "
        f"next event {_rounded(left['next_event'])}"
    )


def show_forecast(payload: Mapping[str, Any]) -> str:
    """Return how often a check's forecast comes true anyway, as text; ``""`` if it is none."""
    known = payload.get("forecast")
    if not known:
        return ""
    text = f"comes true from {known['base_rate']:.0%} of all start days"
    if known["base_low"] is not None:
        text += (
            f" ({known['base_low']:.0%} to {known['base_high']:.0%}, "
            f"{words.count(known['windows'], 'window')})"
        )
    if known["drift"] is not None and words.is_number(payload["measured"]):
        drift, beyond = known["drift"], payload["measured"] - known["drift"]
        text += f"; mean of all {words.signed(drift)}, here {words.signed(beyond)} beyond it"
    return text


def _rounded(interval: Mapping[str, Any]) -> str:
    return _ends({end: round(interval[end], 1) for end in ("low", "high")})


def _certainty(payload: Mapping[str, Any]) -> str:
    parts = [show_interval(payload), show_robustness(payload)]
    parts += [show_margins(payload), show_evidence(payload), show_forecast(payload)]
    return "; ".join(part for part in parts if part not in ("", "–")) or "–"


def rule_text(payload: Mapping[str, Any]) -> str:
    """Return rule and bound as text: ``within 0.15``, ``all of: mean above 0``."""
    rule, bound = payload["rule"], payload["bound"]
    if rule == "none":
        return "none"
    if rule == "all of":
        parts = [
            f"{name} {r} {words.value(b)}" for name, one in bound.items() for r, b in one.items()
        ]
        return "all of: " + "; ".join(parts)
    return f"{rule} {words.value(bound)}"


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
