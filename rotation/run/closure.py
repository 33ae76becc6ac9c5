"""Which files of this package a module needs, found in its imports without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]
ROOMS = ("helpers", "rotation")
# Its topics are imported to be registered. Which of them a notebook uses is told while it runs.
_REGISTRY = "helpers.measures"


def of_source(source: str) -> set[Path]:
    """Return the files that a notebook's code needs, those of the topics of measures left out."""
    return _files(_imports(source, ""))


def of_topic(topic: str) -> set[Path]:
    """Return the files that a topic of measures needs, its own among them."""
    return _files([f"{_REGISTRY}.{topic}"])


def of_module(name: str) -> set[Path]:
    """Return the files that a module needs, its own among them."""
    return _files([name])


def _files(names: Iterable[str]) -> set[Path]:
    waiting, known, files = list(names), set(), set()
    while waiting:
        name = waiting.pop()
        parent = name.rpartition(".")[0]
        if name in known or name.partition(".")[0] not in ROOMS:
            continue
        known.add(name)
        waiting += [parent] if parent else []
        if (path := _file(name)) is not None:
            files.add(path)
            waiting += _needed(path, name)
    return files


def _file(name: str) -> Path | None:
    """Return the file of a module, None if there is none: the name is that of a function."""
    place = _HOME.joinpath(*name.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


def _needed(path: Path, name: str) -> Iterable[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = _imports(path.read_text("utf-8"), package)
    if name == _REGISTRY:
        return [one for one in found if not _is_topic(one)]
    return found


def _is_topic(name: str) -> bool:
    path = _file(name)
    return path is not None and "\n@register" in path.read_text("utf-8")


@lru_cache(maxsize=256)
def _imports(source: str, package: str) -> tuple[str, ...]:
    return tuple(_named(ast.parse(source), package))


def _named(tree: ast.AST, package: str) -> Iterator[str]:
    """Yield what is imported anywhere, inside functions too, and what may be modules of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
