"""What the tests share: one loaded market, a registry, and data packages to spoil."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

from helpers import claims, data
from rotation.run import runner
from support.data import SHIPPED, Package

mpl.use("Agg")
pytest.register_assert_rewrite("support.conventions")

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


# A file's tests share what its fixtures make, so one worker runs them; a mark in the file names a
# larger group. Folders come in order: end to end first, which takes longest.
@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


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
    loaded = claims.load(market)
    shipped = {key: one for key, one in loaded.claims.items() if one.article in SHIPPED}
    articles = loaded.articles[loaded.articles.index.isin(SHIPPED)]
    return replace(loaded, claims=shipped, articles=articles)


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
    return runner.run(out=tmp_path_factory.mktemp("full") / "reports", fresh=True)
