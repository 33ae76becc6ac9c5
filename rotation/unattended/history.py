"""What every published run found, a line each: ``history.jsonl``, which only grows.

A line that a crash tore is not there for a reader, and is cut off before the next one is
written; :func:`append` comes back when the line is on the disk.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers import claims, vintages, words
from helpers.errors import InputError
from rotation.run import SCHEMA


class HistoryError(InputError):
    """A history that was edited into something else."""


def file() -> Path:
    """Return where the history is kept."""
    return vintages.home() / "history.jsonl"


def entry(folder: str, last_close: str, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the line of one run: its folder, id, vintage, last close, and what it found.

    Parameters
    ----------
    folder : str
        Name of the published folder.
    last_close : str
        ISO date.
    results : dict
        What ``results.json`` holds.
    """
    found = {c["claim_id"]: {k: c[k] for k in ("measured", "outcome")} for c in results["checks"]}
    run = results["run"]
    return {
        "schema": SCHEMA,
        "folder": folder,
        "run": run["id"],
        "vintage": run["vintage"],
        "last_close": last_close,
        "claims": found,
    }


def append(line: Mapping[str, Any], to: Path | None = None) -> None:
    """Add one line to the history, or to another file of lines.

    Raises
    ------
    OSError
        If it cannot be written; what was there before stays.
    """
    text = json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"
    handle = os.open(to or file(), os.O_RDWR | os.O_CREAT, 0o644)
    with os.fdopen(handle, "r+b") as history:
        whole = _whole_lines(history.read())
        history.truncate(whole)
        history.seek(whole)
        history.write(text.encode("utf-8"))
        history.flush()
        os.fsync(history.fileno())


def _whole_lines(content: bytes) -> int:
    """Return the length of a history without a last line that was not written to its end."""
    return content.rfind(b"\n") + 1


def read() -> list[dict[str, Any]]:
    """Return every published run, the first one first.

    Raises
    ------
    HistoryError
        Naming the line that is no run.
    """
    try:
        content = file().read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HistoryError(f"{file()}: cannot be read ({error.strerror})") from None
    found = []
    for number, text in enumerate(content[: _whole_lines(content)].splitlines(), start=1):
        try:
            line = json.loads(text)
            line["folder"], line["run"], line["vintage"], line["last_close"]
            for claim in line["claims"].values():
                claim["measured"], claim["outcome"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise HistoryError(
                f"{file()} line {number}: not a run; expected what a published run wrote"
            ) from None
        found.append(line)
    return found


def of_claim(claim_id: str, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what each run found for one claim; runs that did not have it are left out.

    Returns
    -------
    list of dict with ``folder``, ``run``, ``vintage``, ``last_close``, ``measured``, ``outcome``.
    """
    names = ("folder", "run", "vintage", "last_close")
    return [
        {name: run[name] for name in names} | run["claims"][claim_id]
        for run in runs
        if claim_id in run["claims"]
    ]


def table(lines: list[dict[str, Any]], unit: str) -> list[str]:
    """Return what :func:`of_claim` gives as lines of text."""
    rows = [("last close", "vintage", "run", "verdict", "measured")]
    for line in lines:
        verdict = f"{claims.MARKS[line['outcome']]} {line['outcome']}"
        measured = words.quantity(line["measured"], unit)
        rows.append((line["last_close"], line["vintage"], line["run"], verdict, measured))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
