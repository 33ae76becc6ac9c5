"""Telling somebody: one digest a run of what is new, by a command or through Apprise.

A state that stays as it was is told once. Addresses of chats, mail and webhooks hold secrets, so
they come from the environment alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import vintages
from helpers.errors import Exit, InputError, listing
from rotation import atomic
from rotation.unattended import config

URLS = "ROTATION_NOTICE_URLS"
# Kinds of news, in the order in which a digest tells them.
KINDS = FAILED, VERDICT, DUE, SOURCE, RECOVERED = config.NOTICES
# Seconds that a command may take.
_PATIENCE = 60.0


class NoticeError(InputError):
    """A test of notices where none are set, or one that could not be sent."""

    code = Exit.FAILED


@dataclass(frozen=True)
class News:
    """One thing to tell: its kind and a line."""

    kind: str
    text: str


def gather(
    summary: Mapping[str, Any],
    changes: Mapping[str, Any] | None,
    overdue: Sequence[Mapping[str, Any]] = (),
) -> list[News]:
    """Return what a run has to tell that was not told before.

    Parameters
    ----------
    summary : dict
        As :meth:`schedule.Summary.plain` gives it.
    changes : dict or None
        As :func:`drift.compare` gives them.
    overdue : list of dict
        Claims past their day and still open, as :func:`status.due` gives them.
    """
    before = _remembered()
    failed = summary["exit"] in (Exit.FAILED, Exit.MISTAKE, Exit.OUT_OF_TIME)
    wrong = {_state_of(line): line for line in summary["stale"]}
    news = []
    if failed and summary["message"] != before["failed"]:
        news.append(News(FAILED, f"The run failed: {summary['message']}"))
        news += [News(FAILED, f"{name}: {line}") for name, line in summary["failures"].items()]
    for kind, what in ((VERDICT, "flipped"), (DUE, "due")):
        for one in (changes or {}).get(what, ()):
            outcomes = f"{one['old']['outcome']} → {one['new']['outcome']}"
            by = " (its data were revised)" if one.get("revised") else ""
            news.append(News(kind, f"{one['claim_id']} {outcomes}{by}: {one['statement']}"))
    for one in overdue:
        if one["claim_id"] not in before["overdue"]:
            told = f"{one['claim_id']} fell due on {one['due']} and is still open"
            news.append(News(DUE, f"{told}: {one['statement']}"))
    news += [News(SOURCE, line) for state, line in wrong.items() if state not in before["wrong"]]
    if not failed and before["failed"]:
        news.append(News(RECOVERED, "Runs succeed again."))
    for state in sorted({*before["wrong"]} - {*wrong}) if not failed else ():
        news.append(News(RECOVERED, f"No longer so: {state}"))
    return news


def remember(summary: Mapping[str, Any], overdue: Sequence[Mapping[str, Any]] = ()) -> None:
    """Keep what was told, so that it is not told again; a disk that is full keeps nothing."""
    failed = summary["exit"] in (Exit.FAILED, Exit.MISTAKE, Exit.OUT_OF_TIME)
    wrong = sorted(map(_state_of, summary["stale"])) if not failed else _remembered()["wrong"]
    with contextlib.suppress(OSError):
        _file().parent.mkdir(exist_ok=True)
        hidden = atomic.hidden(_file())
        kept = {
            "failed": summary["message"] if failed else "",
            "wrong": wrong,
            "overdue": sorted(one["claim_id"] for one in overdue),
        }
        atomic.write_json(hidden, kept)
        hidden.replace(_file())


def digest(news: Sequence[News], summary: Mapping[str, Any]) -> tuple[str, str]:
    """Return the subject and the text of a notice."""
    count = {kind: sum(one.kind == kind for one in news) for kind in KINDS}
    words = {
        FAILED: "run failed",
        VERDICT: f"verdicts changed: {count[VERDICT]}",
        DUE: f"forecasts due or settled: {count[DUE]}",
        SOURCE: f"sources to look at: {count[SOURCE]}",
        RECOVERED: "recovered",
    }
    subject = f"Rotation claims: {listing(words[kind] for kind in KINDS if count[kind])}"
    lines = [one.text for kind in KINDS for one in news if one.kind == kind]
    return subject, "\n".join([*lines, "", f"data to {summary['last_close'] or 'unknown'}"])


def send(subject: str, text: str, settings: config.Notices) -> list[str]:
    """Send a notice every way that is set; return what went wrong, a line each."""
    ways = []
    if settings.command:
        ways.append(_by_command(subject, text, settings.command))
    if urls():
        ways.append(_by_apprise(subject, text))
    return [config.redacted(problem) for problem in ways if problem]


def test(settings: config.Notices) -> None:
    """Send a notice that says it is a test.

    Raises
    ------
    NoticeError
        If no way is set, or one did not work.
    """
    if not settings.command and not urls():
        raise NoticeError(f"no notices: expected notices.command in the settings, or {URLS} set")
    problems = send("Rotation claims: a test", "Notices of rotation schedule arrive.", settings)
    if problems:
        raise NoticeError("; ".join(problems))


def urls() -> list[str]:
    """Return the addresses that Apprise is to notify."""
    return config.secret(URLS).split()


def _by_command(subject: str, text: str, command: str) -> str:
    """Run a command with the text on its standard input; return what went wrong or ``""``."""
    try:
        ended = subprocess.run(
            shlex.split(command),
            input=text.encode(),
            env={**os.environ, "ROTATION_SUBJECT": subject},
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"notices.command: {' '.join(str(error).split())}"
    if ended.returncode:
        last = (ended.stderr.decode(errors="replace").strip().splitlines() or [""])[-1]
        return f"notices.command: exit code {ended.returncode} {last}".rstrip()
    return ""


def _by_apprise(subject: str, text: str) -> str:
    try:
        import apprise
    except ImportError:
        return f"{URLS}: install Apprise with pip install 'rotation-claims[notices]'"
    told = apprise.Apprise()
    refused = [n for n, url in enumerate(urls(), start=1) if not told.add(url)]
    if refused:
        return f"{URLS}: address {listing(refused)}: expected one that Apprise knows"
    plain = apprise.NotifyFormat.TEXT  # or mail runs the lines together
    sent = told.notify(title=subject, body=text, body_format=plain)
    return "" if sent else f"{URLS}: not all could be notified"


def _state_of(line: str) -> str:
    """Return a line about a source without its reason, which may be another each time."""
    return line.split(", data to ")[0]


def _file() -> Path:
    return vintages.home() / "state" / "notices.json"


def _remembered() -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(_file().read_text(encoding="utf-8"))
        overdue = list(found.get("overdue", []))  # earlier versions kept none
        return {"failed": str(found["failed"]), "wrong": list(found["wrong"]), "overdue": overdue}
    return {"failed": "", "wrong": [], "overdue": []}
