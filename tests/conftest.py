"""What the tests share: one loaded market, a registry, and data packages to spoil."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from helpers import claims, data
from rotation.run import runner
from support.data import Package

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
OF_A_FULL_RUN = ("tests/end_to_end/test_browser.py", "tests/end_to_end/test_reproduction.py")


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


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> runner.Report:
    """One full default run of the committed notebooks."""
    return runner.run(out=tmp_path_factory.mktemp("full") / "reports")
