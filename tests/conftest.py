"""What the tests share: one loaded market, a registry, and data packages to spoil."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from helpers import claims, data, runner

mpl.use("Agg")

# Examples of a property; ``make proof`` asks for the full count.
EXAMPLES = {"tenth": 20, "full": 200}
for share, examples in EXAMPLES.items():
    settings.register_profile(
        share,
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("full" if os.environ.get("ROTATION_PROOF") == "full" else "tenth")

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
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


# What runs notebooks takes longest: workers begin with it, and end together.
LONGEST = (
    "test_reproduction",
    "test_scorecard",
    "test_browser",
    "test_runner",
    "test_schedule",
    "test_sixth_article",
    "test_own_tables",
    "test_cli",
    "test_refresh",
    "test_data",
    "test_template",
)
# Those that ask for ``report`` share one worker: it is made once.
OF_A_FULL_RUN = ("tests/test_browser.py", "tests/test_reproduction.py")


class Schedule(LoadFileScheduling):
    """Hand out tests by file; files that look at the full run count as one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "report" if file in OF_A_FULL_RUN else file


@pytest.hookimpl(optionalhook=True)  # without workers there is none to make
def pytest_xdist_make_scheduler(config, log) -> Schedule:
    return Schedule(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


def pytest_configure(config: pytest.Config) -> None:
    # exchange_calendars reads a column in a way that this pandas announces it will change.
    config.addinivalue_line(
        "filterwarnings",
        "ignore:Series.values returning an ndarray that drops timezone:DeprecationWarning",
    )


def raw(table: str) -> list[dict[str, str]]:
    """Rows of a shipped table as text, read without the package under test."""
    with (DATA / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Package:
    """A copy of the shipped data package that a test may spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(shutil.copytree(DATA, folder / "data"))
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

    def describe(self, change: Callable[[dict], object]) -> Package:
        """Change ``datapackage.json`` in place."""
        package = json.loads(self.descriptor.read_text(encoding="utf-8"))
        change(package)
        self.descriptor.write_text(json.dumps(package), encoding="utf-8")
        return self

    def load(self) -> data.Market:
        return data.load(self.folder)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return Package(tmp_path)


@pytest.fixture(scope="session")
def market() -> data.Market:
    return data.load()


@pytest.fixture(scope="session")
def loaded_claims(market: data.Market) -> claims.Registry:
    return claims.load(market)


@pytest.fixture
def registry(loaded_claims: claims.Registry) -> claims.Registry:
    """The claims on the whole market, none of them checked yet."""
    return replace(loaded_claims, checked=set())


@pytest.fixture
def claim_row() -> dict[str, str]:
    """A plain made-up row of the registry."""
    return {
        "claim_id": "ZZ-01",
        "article": "all",
        "family": "post_streak_outcomes",
        "statement": "The S&P 500 rose 28.9% in 2019",
        "kind": "value",
        "stated": "28.9",
        "unit": "percent",
        "as_of": "2019-12-31",
        "measure": "S&P 500 price return, calendar year",
        "tolerance": "0.15",
        "basis": "open",
        "needs": "index_closes",
        "note": "",
        "call": '{"measure": "price_return", "index": "sp_500", "start": "2018-12-31"}',
        "rule": "within",
        "bound": "0.15",
        "reading": "fact",
        "others": "",
        "own": "",
    }


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


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> runner.Report:
    """One full default run of the committed notebooks."""
    return runner.run(out=tmp_path_factory.mktemp("full") / "reports")
