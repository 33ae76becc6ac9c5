"""Every scheduled run, published or not, a line each: ``state/attempts.jsonl`` only grows."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from helpers import vintages
from rotation.unattended import history

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def file() -> Path:
    """Return where the attempts are kept."""
    return vintages.home() / "state" / "attempts.jsonl"


def note(started: datetime, summary: dict[str, Any], folder: Path | None) -> None:
    """Add one run, as its summary has it; a disk that is full keeps none."""
    line = {"at": started.strftime(_FORM), "folder": folder.name if folder else None, **summary}
    with contextlib.suppress(OSError):
        file().parent.mkdir(exist_ok=True)
        history.append(line, file())


def read() -> list[dict[str, Any]]:
    """Return every run, the first one first; lines that are none are left out."""
    found = []
    with contextlib.suppress(OSError):
        for text in file().read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                line = json.loads(text)
                line["at"], line["exit"], line["message"], line["folder"], line["last_close"]
                found.append(line)
    return found


def table(lines: list[dict[str, Any]]) -> list[str]:
    """Return attempts as lines of text: when, exit code, last close, and what came of it."""
    return [
        f"{line['at']}  exit {line['exit']:<2}  {line['last_close'] or '–':<10}  {line['message']}"
        for line in lines
    ]
