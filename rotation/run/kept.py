"""Executed notebooks kept with everything they were made from, and taken again while it is so.

What a notebook is made from: its cells and parameters, the files of this package that its imports
need, the pinned and the installed packages, and what it read when it ran (:mod:`reads`): tables,
sessions, claims, articles, topics of measures, files. Each of these has a hash. A notebook is
taken again only if all of them are the same now, and then it is the very bytes of that run; what
was committed is never taken for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from helpers import claims, data, vintages
from rotation import atomic
from rotation.run import closure, planning, reads
from rotation.run.planning import HOME, PAIR, TABLES, Notebook

# Runs of one notebook that are kept: with other parameters, before and after an edit.
EACH = 8
# Besides what a notebook imports, its page body is made by these.
_MACHINE = "rotation.run.worker"


def folder() -> Path:
    """Return where executed notebooks are kept: ``.kept/`` beside the notebooks' folder."""
    return planning.folder().parent / ".kept"


def digest(*parts: object) -> str:
    """Return 16 hexadecimal digits for plain JSON types, files' names and bytes."""
    text = json.dumps(parts, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return "absent"


@dataclass(frozen=True)
class Inputs:
    """The hashes that the inputs of notebooks have now.

    Attributes
    ----------
    planned : sequence of Notebook
        Those of the run; they name the vintage and the user's own files.
    registry : Registry
        The claims on the whole market of that vintage.
    versions : dict
        Of Python and the installed packages.
    """

    planned: Sequence[Notebook]
    registry: claims.Registry
    versions: Mapping[str, str]
    _code: dict[Path, str] = field(default_factory=dict)

    def of(self, one: Notebook) -> dict[str, str]:
        """Return what is known of a notebook's inputs before it runs, by name."""
        cells = [
            [c.get("id"), c["cell_type"], c["metadata"].get("tags"), "".join(c["source"])]
            for c in one.content["cells"]
        ]
        own = {k: v for k, v in one.parameters.items() if k not in (TABLES, PAIR) or not v}
        source = "\n".join(
            "".join(c["source"]) for c in one.content["cells"] if c["cell_type"] == "code"
        )
        files = {*closure.of_module(_MACHINE), *_templates(), *self._source(source)}
        return (
            {"its cells": digest(cells), "its parameters": digest(own), **self._same}
            | {"your own tables": self._own(one)}
            | {_below(path): self._file(path) for path in files}
        )

    def _source(self, source: str) -> set[Path]:
        try:
            return closure.of_source(source)
        except SyntaxError:  # magics of IPython: all of this package counts
            return set((HOME / "helpers").rglob("*.py"))

    @cached_property
    def _same(self) -> dict[str, str]:
        """Inputs that all notebooks share."""
        package = {k: v for k, v in self._package.items() if k not in ("resources", "folder")}
        tables = sorted(self._resources)
        home = vintages.frozen()
        others = [*sorted(home.glob("*.toml")), home / "own_tables.json"]
        return {
            "the vintage": digest(package, tables),
            "the packages": digest(dict(self.versions), _content(HOME / "requirements.lock")),
            **{f"data/{path.name}": self._file(path) for path in others},
        }

    def _own(self, one: Notebook) -> str:
        """Return the hash of the user's own files, wherever they lie."""
        pair = planning.pair_hashes([one])
        hashes = self.registry.market.hashes if one.parameters.get(TABLES) else {}
        return digest(pair, {k: v for k, v in hashes.items() if k.startswith("own/")})

    @cached_property
    def _package(self) -> dict[str, Any]:
        return data.descriptor(vintages.path(planning.vintage(self.planned)))

    @cached_property
    def _resources(self) -> dict[str, Any]:
        """What the package says of each table, its sha256 among it."""
        listed = self._package["resources"]
        return {r["path"].removesuffix(".csv"): r for r in listed if "hash" in r}

    def value(self, name: str) -> str:
        """Return the hash of an input that a notebook read, as :mod:`reads` names it."""
        kind, _, what = name.partition(":")
        return _KINDS[kind](self, what)

    def _table(self, name: str) -> str:
        return digest(self._resources.get(name))

    def _tables(self, _all: str) -> str:
        return digest(self._resources)

    def _sessions(self, _all: str) -> str:
        return digest([str(day) for day in self.registry.market.sessions])

    def _claim(self, name: str) -> str:
        return digest([asdict(c) for c in self._claims.values() if c.claim_id == name])

    def _family(self, name: str) -> str:
        return digest([asdict(c) for c in self._claims.values() if c.family == name])

    def _all_claims(self, _all: str) -> str:
        return digest([asdict(c) for c in self._claims.values()])

    @cached_property
    def _claims(self) -> dict[str, claims.Claim]:
        return self.registry.claims

    def _articles(self, _all: str) -> str:
        return digest(self.registry.articles.to_json(date_format="iso"))

    def _topic(self, name: str) -> str:
        return digest(sorted((_below(p), self._file(p)) for p in closure.of_topic(name)))

    def _opened(self, name: str) -> str:
        return self._file(Path(name))

    def _file(self, path: Path) -> str:
        if path not in self._code:
            self._code[path] = _content(path)
        return self._code[path]


_KINDS: dict[str, Callable[[Inputs, str], str]] = {
    "table": Inputs._table,
    "tables": Inputs._tables,
    "sessions": Inputs._sessions,
    "claim": Inputs._claim,
    "family": Inputs._family,
    "claims": Inputs._all_claims,
    "articles": Inputs._articles,
    "topic": Inputs._topic,
    "file": Inputs._opened,
}


def _templates() -> list[Path]:
    return sorted((HOME / "rotation" / "report" / "templates").rglob("*.*"))


def _below(path: Path) -> str:
    return str(path.relative_to(HOME)) if path.is_relative_to(HOME) else str(path)


@dataclass(frozen=True)
class Store:
    """The kept notebooks of a folder.

    Attributes
    ----------
    folder : Path
    inputs : Inputs
        As they are now.
    fresh : bool
        Whether to take none of them again.
    """

    folder: Path
    inputs: Inputs
    fresh: bool = False

    def take(self, one: Notebook, build: Path, extra: Mapping[str, str]) -> bool:
        """Put what was kept of a notebook in a run's folder, if it was made from what is now.

        Parameters
        ----------
        one : Notebook
        build : Path
        extra : dict
            Further inputs of this notebook by name: what the scorecard reads.
        """
        if self.fresh or self.why(one, extra):
            return False
        kept = self._entries(one)[0]
        shutil.copyfile(kept / "notebook.ipynb", build / one.path.name)
        shutil.copyfile(kept / "body.html", build / ".work" / f"{one.name}.html")
        shutil.copyfile(kept / "kernel.log", build / "logs" / f"{one.name}.log")
        return True

    def why(self, one: Notebook, extra: Mapping[str, str]) -> str:
        """Say why a notebook must run, ``""`` if it need not; the reason is about its last run.

        What was kept with the same inputs becomes its last run.
        """
        known = self.inputs.of(one) | dict(extra)
        entries = self._entries(one)
        for kept in entries:
            if self._whole(kept) and not self._changed(kept, known):
                kept.touch()
                return ""
        if not entries:
            return "it has not run yet"
        changed = self._changed(entries[0], known)
        return f"changed: {_listed(changed)}" if changed else "what was kept of it is damaged"

    def _changed(self, kept: Path, known: Mapping[str, str]) -> list[str]:
        """Return the inputs of a kept notebook that are not what they were."""
        then = _record(kept).get("inputs", {})
        now = {
            name: known[name] if name in known else self._now(name) for name in {**then, **known}
        }
        return [name for name in now if then.get(name) != now[name]]

    def _now(self, name: str) -> str:
        kind = name.partition(":")[0]
        return self.inputs.value(name) if kind in _KINDS else "gone"

    @staticmethod
    def _whole(kept: Path) -> bool:
        """Tell whether the kept files are as they were written."""
        files = _record(kept).get("files", {})
        return bool(files) and all(_content(kept / name) == value for name, value in files.items())

    def keep(self, one: Notebook, build: Path, extra: Mapping[str, str]) -> None:
        """Keep a notebook that ran to its end; one whose reading is not known is not kept."""
        read = reads.read(build / ".work" / f"{one.name}.reads")
        if read is None:
            return
        inputs = self.inputs.of(one) | dict(extra)
        inputs |= {name: self.inputs.value(name) for name in read if not _within(name, build)}
        with contextlib.suppress(atomic.UnwritableError), atomic.building(self.folder) as fresh:
            shutil.copyfile(build / one.path.name, fresh / "notebook.ipynb")
            shutil.copyfile(build / ".work" / f"{one.name}.html", fresh / "body.html")
            shutil.copyfile(build / "logs" / f"{one.name}.log", fresh / "kernel.log")
            files = {path.name: _content(path) for path in sorted(fresh.iterdir())}
            atomic.write_json(fresh / "inputs.json", {"inputs": inputs, "files": files})
            to = self.folder / one.name / digest(sorted(inputs.items()))
            to.parent.mkdir(exist_ok=True)
            shutil.rmtree(to, ignore_errors=True)
            with contextlib.suppress(OSError):  # another run was faster
                fresh.rename(to)
        for old in self._entries(one)[EACH:]:
            shutil.rmtree(old, ignore_errors=True)

    def files(self, planned: Iterable[Notebook]) -> list[str] | None:
        """Return the files that the last runs of notebooks opened, None if one was not kept."""
        entries = [self._entries(one)[:1] for one in planned]
        if not all(entries):
            return None
        inputs = {name for [kept] in entries for name in _record(kept).get("inputs", {})}
        return sorted(name.removeprefix("file:") for name in inputs if name.startswith("file:"))

    def _entries(self, one: Notebook) -> list[Path]:
        """Return what is kept of a notebook, the last run first."""
        there = [path for path in (self.folder / one.name).glob("*") if path.is_dir()]
        return sorted(there, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _record(kept: Path) -> dict[str, Any]:
    try:
        found = json.loads((kept / "inputs.json").read_text("utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _within(name: str, build: Path) -> bool:
    """Tell whether an input is a file of the run's own folder: another notebook's result."""
    return name.startswith(f"file:{build}/")


def _listed(names: Iterable[str], most: int = 4) -> str:
    """Name inputs in a line, as a reader knows them, at most so many."""
    said = [name.removesuffix(":all").replace(":", " ", 1) for name in names]
    more = f" and {len(said) - most} more" if len(said) > most else ""
    return ", ".join(said[:most]) + more
