"""Whether anything that a run depends on has changed since the last one like it, told at once.

Nothing heavy is imported here. What :mod:`kept` tells of each notebook is told of a whole run: if
every file of notebooks, code and data, and the report that came of them, are what they were, the
answer is that report.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers import vintages
from helpers.vintages import notebooks as folder
from rotation import atomic

FILE = "last.json"


@dataclass(frozen=True)
class Request:
    """What was asked of a run, as the command took it.

    Attributes
    ----------
    names, settings : sequence of str
    out : str or None
    """

    names: Sequence[str]
    settings: Sequence[str]
    out: str | None

    @property
    def _key(self) -> str:
        out = self.out and str(Path(self.out).absolute())
        return hashlib.sha256(repr((self.names, self.settings, out)).encode()).hexdigest()[:16]

    def answered(self) -> tuple[str, Path] | None:
        """Return what the last run like this said and its folder, None if it no longer holds."""
        try:
            last = json.loads(_file().read_text("utf-8"))[self._key]
            report = Path(last["folder"])
            if last["report"] == _outside(report) and last["inputs"] == self._inputs(last["files"]):
                return last["said"], report
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return None

    def remember(self, said: str, report: Path, files: Sequence[str]) -> None:
        """Note what a run that went well said, where its report is, and what else it read."""
        try:
            known = json.loads(_file().read_text("utf-8"))
        except (OSError, ValueError):
            known = {}
        kept = dict([*known.items()][-7:])
        kept[self._key] = {
            "said": said,
            "folder": str(report),
            "report": _outside(report),
            "files": list(files),
            "inputs": self._inputs(files),
        }
        try:
            _file().parent.mkdir(parents=True, exist_ok=True)
            fresh = atomic.hidden(_file())
            atomic.write_json(fresh, kept)
            fresh.replace(_file())
        except OSError:  # it will run again, that is all
            pass

    def _inputs(self, files: Sequence[str]) -> str:
        """Return a hash of the content of everything that a run may read."""
        given = dict(setting.split("=", 1) for setting in self.settings if "=" in setting)
        home = Path(__file__).resolve().parents[2]
        named = given.get("vintage", vintages.FROZEN)
        places = [home / "helpers", home / "rotation", home / "requirements.lock", folder()]
        places += [vintages.frozen(), vintages.path(named), *map(Path, files)]
        places += [
            Path(place).expanduser()
            for name in ("tables", "results", "pair")
            for place in given.get(name, "").split(",")
            if place
        ]
        digest = hashlib.sha256(repr((sys.version, sys.path)).encode())
        for path in _files(places):
            content = path.read_bytes() if path.is_file() else b""
            digest.update(f"{path}\0".encode() + hashlib.sha256(content).digest())
        return digest.hexdigest()


def _files(places: Iterable[Path]) -> list[Path]:
    found = set()
    for place in places:
        within = (path for path in place.rglob("*") if path.is_file())
        found |= set(within) if place.is_dir() else {place}
    hidden = ("__pycache__", ".ipynb_checkpoints")
    return sorted(path for path in found if not any(name in path.parts for name in hidden))


def _outside(report: Path) -> dict[str, Any]:
    """Return time and size of every file of a report."""
    files = (path for path in sorted(report.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(report)): [(stat := path.stat()).st_mtime_ns, stat.st_size]
        for path in files
    }


def _file() -> Path:
    return folder().parent / ".kept" / FILE
