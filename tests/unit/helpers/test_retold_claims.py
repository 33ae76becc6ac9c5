"""Claims of three published kinds of pieces, retold: nine in ten of the testable can be measured.

The stated figures are published facts that the retold claims get right; the rest is only measured.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest

from helpers import measures
from support.data import ROOT

FOLDER = ROOT / "tests" / "support" / "retold"
CLAIMS = {
    name: claim
    for file in sorted(FOLDER.glob("*.toml"))
    for name, claim in tomllib.loads(Path(file).read_text(encoding="utf-8"))["claim"].items()
}
MEASURED = {name: claim for name, claim in CLAIMS.items() if "measure" in claim}


def ask(market, claim):
    ((name, arguments),) = claim["measure"].items()
    call, as_of = {"measure": name} | arguments, pd.Timestamp(claim["as_of"])
    measures.require(call, as_of)
    return measures.measure(market, as_of, call)


@pytest.mark.parametrize("name", MEASURED)
def test_a_retold_claim_can_be_measured(market, name):
    found = ask(market, MEASURED[name])
    values = found.value if isinstance(found.value, dict) else {"": found.value}
    assert values
    assert not any(value != value or value is None for value in values.values())


@pytest.mark.parametrize("name", [name for name, claim in MEASURED.items() if "stated" in claim])
def test_published_facts_come_out(market, name):
    stated, found = MEASURED[name]["stated"], ask(market, MEASURED[name]).value
    if isinstance(stated, (int, float)):
        assert found == pytest.approx(stated, abs=0.1)
    else:
        assert found == stated


def test_nine_in_ten_of_the_testable_have_a_measure():
    assert len(CLAIMS) >= 55
    lacking = [name for name, one in CLAIMS.items() if one.get("untested") == "no measure yet"]
    assert len(MEASURED) / (len(MEASURED) + len(lacking)) >= 0.9
