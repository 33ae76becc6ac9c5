"""What a person on duty wants to know: is all well, and if not, what to do about it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from helpers import data, vintages
from helpers.claims import grading
from helpers.errors import Exit, InputError
from rotation.refresh import refresh
from rotation.refresh import status as states
from rotation.unattended import attempts, drift, home
from rotation.unattended.config import Config

# Forecasts that fall due within so many days are listed.
SOON = 60

# What to do about a table, by its state.
_ADVICE = {
    states.CARRIED: "it is asked again at the next run; if it stays so, docs/refreshing.md",
    states.LATE: "look whether the source goes on; refresh.second_closes names another",
    states.REFUSED: "look at what it says now, then accept it or wait; docs/refreshing.md",
}


def gather(settings: Config, now: pd.Timestamp | None = None) -> dict[str, Any]:
    """Return how things are, as plain JSON types.

    Parameters
    ----------
    settings : Config
    now : Timestamp, optional
        The present, with a time zone.

    Returns
    -------
    dict with ``exit``, ``wrong`` (lines, each with what to do), ``last_run``, ``last_success``,
    ``vintage``, ``last_close``, ``behind`` (sessions), ``tables``, ``missing``, ``due``.
    """
    now = pd.Timestamp.now("UTC") if now is None else now
    runs = attempts.read()
    good = [one for one in runs if one["exit"] not in _FAILURES]
    name = vintages.resolve(vintages.LATEST)
    tables, missing = vintages.status(name), vintages.missing(name)
    through = next(one["through"] for one in tables if one["table"] == "index_closes")
    end = refresh.last_closed(now)
    behind = len(data.sessions(through, str(end.date()))[1:]) if through < str(end.date()) else 0
    found: dict[str, Any] = {
        "last_run": _brief(runs),
        "last_success": _brief(good),
        "vintage": name,
        "last_close": through,
        "behind": behind,
        "tables": [one for one in tables if one["state"] != "shipped"],
        "missing": missing,
        "due": due(now.date()),
    }
    wrong = list(_wrong(found, settings, now))
    found["wrong"] = [line for _, line in wrong]
    codes = {code for code, _ in wrong}
    found["exit"] = int(Exit.FAILED if Exit.FAILED in codes else max(codes, default=Exit.DONE))
    return found


_FAILURES = (Exit.FAILED, Exit.MISTAKE, Exit.OUT_OF_TIME)


def _brief(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    names = ("at", "exit", "message", "folder", "last_close")
    return {name: runs[-1][name] for name in names} if runs else None


def _wrong(found: dict[str, Any], settings: Config, now: pd.Timestamp) -> Any:
    """Yield an exit code and a line for everything that somebody should look at."""
    last, good = found["last_run"], found["last_success"]
    if last is None:
        yield Exit.FAILED, "no scheduled run yet: run rotation schedule, and set a timer for it"
    elif last["exit"] in _FAILURES:
        told = f"the last run ({last['at']}) failed: {last['message']}"
        yield Exit.FAILED, f"{told}; its log is in {vintages.home() / 'logs'}"
    if good is not None and last is not None:
        since = refresh.last_closed(pd.Timestamp(good["at"]))
        missed = len(data.sessions(str(since.date()), str(refresh.last_closed(now).date()))) - 1
        if missed > settings.refresh.late_after:
            told = f"no successful run for {missed} sessions, since {good['at']}"
            yield Exit.FAILED, f"{told}: is the timer on? rotation schedule runs it now"
    for one in found["tables"]:
        if one["state"] in _ADVICE:
            status = states.Status(**one)
            yield Exit.SOURCE_FAILED, f"{status}; {_ADVICE[one['state']]}"
    closes = [one["state"] for one in found["tables"] if one["table"] == "index_closes"]
    if found["behind"] > settings.refresh.late_after and closes in ([], [states.FRESH]):
        told = f"the closes end on {found['last_close']}, {found['behind']} sessions ago"
        yield Exit.SOURCE_FAILED, f"{told}: rotation refresh asks for what followed"


def due(today: date) -> list[dict[str, Any]]:
    """Return the pending claims of the current report that are overdue or fall due soon.

    Returns
    -------
    list of dict
        ``claim_id``, ``due`` (ISO date), ``overdue`` (bool) and ``statement``, the earliest first.
    """
    folder = home.current()
    try:
        checks = drift.read(folder)["checks"] if folder else []
    except InputError:
        return []
    soon = str(today + timedelta(days=SOON))
    pending = [one for one in checks if one["outcome"] == grading.PENDING]
    return [
        {
            "claim_id": one["claim_id"],
            "due": one["as_of"],
            "overdue": one["as_of"] < str(today),
            "statement": one["statement"],
        }
        for one in sorted(pending, key=lambda one: one["as_of"])
        if one["as_of"] <= soon
    ]


def text(found: dict[str, Any]) -> list[str]:
    """Return what :func:`gather` gives as lines of text."""
    last, good = found["last_run"], found["last_success"]
    lines = ["all is well" if not found["wrong"] else f"to look at: {len(found['wrong'])}"]
    lines += [f"  {line}" for line in found["wrong"]]
    if last:
        lines.append(f"last run      {last['at']}, exit {last['exit']}: {last['message']}")
    if good and good != last:
        lines.append(f"last success  {good['at']}: {good['message']}")
    behind = f", {found['behind']} sessions behind" if found["behind"] else ""
    lines.append(
        f"data          vintage {found['vintage']}, closes to {found['last_close']}{behind}"
    )
    if found["missing"]:
        lines.append(f"missing       closes of {', '.join(found['missing'])}")
    for one in found["due"]:
        word = "overdue since" if one["overdue"] else "due on"
        lines.append(f"{one['claim_id']:<13} {word} {one['due']}: {one['statement']}")
    return lines
