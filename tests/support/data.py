"""Shipped tables read without the package under test, data packages to spoil, made-up closes."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from helpers import data
from helpers.claims import registry
from helpers.claims.files import Block
from rotation import convert

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
# The articles that tests may know; one that somebody adds changes no test (tests/registry).
SHIPPED = ("ainvest", "sausalito", "historic-rally", "nexymus", "coiled-spring", "all")
# First cut of each easing cycle since 1984, as the Federal Reserve announced them.
FIRST_CUTS = [
    "1984-09-20",
    "1987-11-04",
    "1989-06-06",
    "1995-07-06",
    "1998-09-29",
    "2001-01-03",
    "2007-09-18",
    "2019-07-31",
    "2024-09-18",
]


def raw(table: str) -> list[dict[str, str]]:
    """Rows of a shipped table as text, read without the package under test."""
    with (DATA / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def claim_rows() -> list[dict[str, str]]:
    """The claims of the shipped articles as rows of text, calls and bounds as JSON."""
    rows = registry.read().table().to_dict("records")
    return [row for row in rows if row["article"] in SHIPPED]


def claim_of(row: dict[str, str]) -> registry.Claim:
    """Read a claim of no file from a row in the old form."""
    block = Block("made.toml", row["claim_id"], convert.claim(row), 1)
    tables = frozenset(file.stem for file in DATA.glob("*.csv"))
    return registry._claim(block, row["article"], {"story": "", "across": False}, tables)


class Package:
    """A copy of the shipped data package that a test may spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(shutil.copytree(DATA, folder / "data"))
        for file in (self.folder / "articles").glob("*.toml"):
            if file.stem not in SHIPPED:
                file.unlink()
        self.descriptor = self.folder / "datapackage.json"

    def edit(self, table: str, change: Callable[[bytes], bytes], seal: bool = False) -> Package:
        """Change the bytes of a table; ``seal`` records its new sha256 and row count."""
        file = self.folder / f"{table}.csv"
        content = change(file.read_bytes())
        file.write_bytes(content)
        if seal:

            def reseal(package: dict) -> None:
                for resource in package["resources"]:
                    if resource["path"] == file.name and "hash" in resource:
                        resource["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
                        resource["rows"] = content.count(b"\n") - 1

            self.describe(reseal)
        return self

    def line(self, table: str, row: int, new: str | bytes | None, seal: bool = False) -> Package:
        """Replace one row (1 is the first below the header; ``None`` removes it)."""

        def change(content: bytes) -> bytes:
            lines = content.split(b"\n")
            text = new.encode() if isinstance(new, str) else new
            lines[row : row + 1] = [] if text is None else [text]
            return b"\n".join(lines)

        return self.edit(table, change, seal)

    def article(self, name: str, text: str) -> Package:
        """Write an article's file, or append claims to the one there is."""
        with (self.folder / "articles" / f"{name}.toml").open("a", encoding="utf-8") as file:
            file.write("\n" + text)
        return self

    def describe(self, change: Callable[[dict], object]) -> Package:
        """Change ``datapackage.json`` in place."""
        package = json.loads(self.descriptor.read_text(encoding="utf-8"))
        change(package)
        self.descriptor.write_text(json.dumps(package), encoding="utf-8")
        return self

    def load(self) -> data.Market:
        return data.load(self.folder)


def copy_notebook(name: str, folder: Path) -> None:
    """Copy a committed notebook with a hundred draws in place of thousands."""
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
    few = re.sub(r"\b(draws|placebo_draws|histories) = \d+", r"\1 = 100", text)
    (folder / f"{name}.ipynb").write_text(few, encoding="utf-8")


def closes_of(small: list[float], large: list[float] | None = None) -> pd.DataFrame:
    """A frame of closes on consecutive weekdays."""
    days = pd.bdate_range("2020-01-01", periods=len(small), name="date", unit="us")
    return pd.DataFrame(
        {"russell_2000": small, "sp_500": large or [100.0] * len(small)}, index=days, dtype=float
    )
