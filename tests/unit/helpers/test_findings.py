"""A story's answers, filled in from checks."""

import re

import pandas as pd
import pytest

from helpers import findings
from helpers.claims import grading
from support.scorecard import check

SAYS = "{A1.stated} or {A1.measured:1} ({A1.measured:+2}), {A2.measured.hit rate:%} of {A2.n}"


@pytest.fixture
def story(monkeypatch):
    finding = {"title": "One", "asks": "Is it?", "needs": ["A1", "A2"], "says": SAYS}
    lead = {"label": "after x", "claim": "A2", "number": "mean"}
    stories = [{"finding": [finding]}, {"precedent": [lead, {"label": "y", "claim": "A1"}]}]
    monkeypatch.setattr(findings, "stories", lambda: stories)


def test_numbers_are_filled_in_as_readers_write_them(story):
    two = check("A2", measured={"hit rate": 1 / 3, "mean": -1.0}, n=9, outcome=grading.CONTRADICTED)
    (found,) = findings.found([check("A1", measured=-11.26), two])
    assert found.text == "10 or −11.3 (−11.26), 33% of 9"
    assert found.verdicts == {"A1": "supported", "A2": "contradicted"}


@pytest.mark.parametrize("other", [[], [check("A2", measured=None)]])
def test_a_finding_needs_all_its_claims_measured(story, other):
    assert findings.found([check("A1"), *other]) == []


def test_precedents_are_means_with_their_intervals(story):
    interval = {"low": -3.0, "high": 1.0, "level": 0.95, "method": "t"}
    two = check("A2", stated="more", measured={"mean": -1}, intervals={"mean": interval})
    table = findings.precedents([check("A1"), two | {"interval": interval}])
    expected = {"measured": -1.0, "low": -3.0, "high": 1.0, "stated": float("nan")}
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected, index=["after x"]))


def test_every_story_names_claims_that_the_registry_has(registry):
    for story in findings.stories():
        for one in story["finding"]:
            named = set(re.findall(r"{([A-Z]{2}-\d+)", one["says"]))
            assert named <= set(one["needs"]) <= set(registry.claims), one["title"]
        assert {one["claim"] for one in story["precedent"]} <= set(registry.claims)


def test_the_due_day_is_that_of_the_next_forecast(monkeypatch):
    finding = {"title": "Due", "asks": "When?", "needs": [], "says": "{due}"}
    monkeypatch.setattr(findings, "stories", lambda: [{"finding": [finding]}])
    waiting = [
        check(name, outcome=grading.PENDING, as_of=day)
        for name, day in (("B1", "2026-12-31"), ("B2", "2026-09-30"), ("B3", "2026-09-30"))
    ]
    (found,) = findings.found(waiting)
    assert found.text == "3 forecasts are not due yet, the next on 30 September 2026 (B2, B3)."
    (found,) = findings.found([check("B4")])
    assert found.text == "No forecast is still to come due."
