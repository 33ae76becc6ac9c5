"""The user's folder: published reports, the link to the last one, and what is swept and pruned."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from helpers import vintages
from helpers.errors import InputError
from rotation import atomic
from rotation.refresh import store
from rotation.unattended import drift, history

CURRENT = "current"
SUMMARY = "summary.json"
_FOLDER = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{12}")
_HIDDEN = ".scheduled-"

log = logging.getLogger(__name__)


def runs() -> Path:
    """Return the folder of published reports."""
    return vintages.home() / "runs"


def link() -> Path:
    """Return the link to the report published last."""
    return vintages.home() / CURRENT


def staging(started: datetime, identity: str) -> Path:
    """Return the hidden folder in which a run's report is built."""
    return runs() / f"{_HIDDEN}{started:%Y%m%dT%H%M%SZ}-{identity}"


def current() -> Path | None:
    """Return the folder of the report published last, or None if there is none."""
    folder = link().resolve()
    return folder if folder.is_dir() else None


def results(folder: Path | None) -> dict[str, Any] | None:
    """Return the results of a published report, or None if it is damaged or there is none."""
    if folder is None:
        return None
    try:
        return drift.read(folder)
    except InputError as error:
        log.warning("%s; the report is made anew", error)
        return None


def published(name: str) -> Path:
    """Return the folder of a run by its path, its name below ``runs/``, or ``current``."""
    path = Path(name).expanduser()
    if path.exists() or os.sep in name:
        return path
    below = link() if name == CURRENT else runs() / name
    return below if below.exists() else path


# Publishing -------------------------------------------------------------------------------------


def publish(staging: Path, last_close: str) -> Path:
    """Give a whole report its name, make it the current one, and note it in the history."""
    to = staging.with_name(staging.name.removeprefix(_HIDDEN))
    if before := current():
        atomic.share(staging, before)
    atomic.publish(staging, to)
    atomic.switch(link(), to)
    _remember(to, last_close)
    return to


def _remember(folder: Path, last_close: str) -> None:
    history.append(history.entry(folder.name, last_close, drift.read(folder)))
    atomic.sync(vintages.home())


def sweep() -> None:
    """Remove what a killed run left, and note the current report if it was not noted."""
    runs().mkdir(parents=True, exist_ok=True)
    atomic.hidden(link()).unlink(missing_ok=True)
    for left in runs().glob(f"{_HIDDEN}*"):
        log.warning("removing %s, left by a run that was stopped", left.name)
        shutil.rmtree(left, ignore_errors=True)
    folder = current()
    try:
        if folder and all(line["folder"] != folder.name for line in history.read()):
            found = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
            _remember(folder, found["last_close"])
    except (InputError, OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the report published last is not in the history: %s", error)


def superfluous(keep: int) -> list[Path]:
    """Return the published reports beyond the newest ones, never the current one."""
    there = sorted(path for path in runs().glob("*") if _FOLDER.fullmatch(path.name))
    return [path for path in there[: max(0, len(there) - keep)] if path != current()]


def prune(keep: int) -> None:
    """Remove what :func:`superfluous` names."""
    for path in superfluous(keep):
        hidden = path.with_name(f"{_HIDDEN}{path.name}")
        path.rename(hidden)  # nobody finds it half removed
        shutil.rmtree(hidden, ignore_errors=True)


def prune_vintages(keep: int) -> list[str]:
    """Remove old vintages; return their names.

    Kept are the ``keep`` newest, the latest one, and those that a kept report was made from.
    """
    used = {vintages.resolve(vintages.LATEST), *vintages.names()[-keep:]}
    for folder in runs().glob("*"):
        if _FOLDER.fullmatch(folder.name) and (found := results(folder)):
            used.add(found["run"]["vintage"])
    gone = [name for name in vintages.names() if name not in used]
    if gone:
        with store.building():  # nobody may be building on one of them
            for name in gone:
                store.discard(name)
            store.sweep()
    return gone


def size(folder: Path) -> int:
    """Return the bytes that a folder's files take on the disk; one kept twice counts a share."""
    stats = [file.stat() for file in folder.rglob("*") if file.is_file()]
    return sum(round(one.st_size / one.st_nlink) for one in stats)
