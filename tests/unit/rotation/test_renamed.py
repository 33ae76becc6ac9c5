"""Old names of measures."""

from __future__ import annotations

import pytest

from helpers import measures
from rotation import convert, renamed


@pytest.mark.parametrize("name", renamed._RENAMED)
def test_old_names_have_a_present_form(name):
    call = renamed.today({"measure": name})
    known = measures.MEASURES[call.pop("measure")].arguments
    assert set(call) <= set(known)
    assert name not in measures.MEASURES
    assert set(renamed._RENAMED[name][1].values()) <= set(known)


def test_a_reading_is_judged_by_every_provider():
    row = dict.fromkeys(("tolerance", "basis", "needs", "note", "others", "own", "measure"), "")
    row |= {"claim_id": "OL-03", "family": "index_levels", "statement": "x", "kind": "value"}
    row |= {"stated": "16", "unit": "multiple", "as_of": "2026-01-22", "reading": "fact"}
    call = '{"measure": "nearest_reading", "index": "S&P 500", "metric": "P/E", "days": 9}'
    row |= {"call": call, "rule": "within", "bound": "1.0"}
    text = convert.claim(row)
    assert 'reading = "estimates"' in text
    assert "measure.nearest_readings = {" in text
