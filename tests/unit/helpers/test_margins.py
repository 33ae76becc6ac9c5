"""The error of a comparison, and what so few events could decide."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from helpers.claims import grading
from support.data import claim_of, raw

CLOSES = {row["date"]: float(row["sp_500"]) for row in raw("index_closes")}
DAYS = sorted(CLOSES)


@pytest.fixture
def checked(registry, claim_row):
    """Check a made-up claim: that of the row, changed."""

    def checked(free=None, chance=1, **row):
        claim = replace(claim_of(claim_row | row), free=free, chance=chance)
        return replace(registry, claims={"ZZ-01": claim}).check("ZZ-01")

    return checked


def after(day: str, sessions: int = 252) -> float:
    """Return of the S&P 500 over the sessions after a day, from the table itself."""
    return 100 * (CLOSES[DAYS[DAYS.index(day) + sessions]] / CLOSES[day] - 1)


def free_march(stated: float) -> dict[str, str]:
    return {
        "stated": str(stated),
        "as_of": "2026-01-20",
        "bound": "1.0",
        "call": json.dumps(
            {"measure": "after_date", "of": "sp_500", "date": "2016-03-31", "sessions": 252}
        ),
    }


def test_a_free_day_is_tried_on_every_session_of_its_month(checked):
    march = [after(day) for day in DAYS if day.startswith("2016-03")]
    found = checked(free={"date": "2016-03"}, **free_march(14.2))
    (margin,) = found.margins
    assert (margin.low, margin.high) == pytest.approx((min(march), max(march)))
    fits = [abs(one - 14.2) <= 1 for one in march]
    assert margin.other == pytest.approx(1 - sum(fits) / len(fits))
    assert found.grade == grading.Grade("inconclusive", "too close to tell")


def test_a_figure_that_fits_on_no_day_is_contradicted(checked):
    found = checked(free={"date": "2016-03"}, **free_march(40.0))
    assert found.grade.outcome == "contradicted"
    assert found.margins[0].other == 0


def test_a_free_value_is_tried_too(checked):
    found = checked(
        free={"start": {"any": ["2018-12-31", "2019-06-28"]}}, stated="28.9", bound="0.15"
    )
    assert found.margins[0].other == 0.5
    assert found.grade.reason == "too close to tell"


@pytest.mark.parametrize(
    ("stated", "bound", "outcome"),
    [
        ("28.9", "0.15", "supported"),  # 28.88: the tolerance holds the rounding
        ("28.9", "0.01", "inconclusive"),  # 28.85 to 28.95 was meant, the tolerance is smaller
        ("28.8", "0.01", "contradicted"),  # 28.75 to 28.85 does not reach 28.878
        ("29", "0.05", "inconclusive"),
        ("28", "0.5", "contradicted"),
    ],
)
def test_the_rounding_of_a_stated_figure_counts_once(checked, stated, bound, outcome):
    found = checked(stated=stated, bound=bound)
    assert found.grade.outcome == outcome
    assert (found.grade.reason == "too close to tell") == (outcome == "inconclusive")


def arithmetic(rule: str, bound: str, stated: str = "5.9", values=(2.4, 1.8, 0.89, 0.78)):
    return {
        "kind": "arithmetic",
        "basis": "arithmetic",
        "needs": "",
        "stated": stated,
        "rule": rule,
        "bound": bound,
        "call": json.dumps({"measure": "combined", "values": values}),
    }


def test_printed_figures_fit_if_they_do_within_their_rounding(checked):
    # 2.4 + 1.8 + 0.89 + 0.78 = 5.87, by 0.05 + 0.05 + 0.005 + 0.005 either way.
    found = checked(**arithmetic("at least", "5.9"))
    (margin,) = found.margins
    assert (margin.low, margin.high) == pytest.approx((5.76, 5.98))
    assert found.grade == grading.Grade("inconclusive", "too close to tell")
    assert checked(**arithmetic("at least", "6.0")).grade.reason == "contradicts itself"


def test_rounding_does_not_undo_that_figures_add_up_as_printed(checked):
    assert checked(**arithmetic("at least", "5.8")).grade.reason == "adds up"


def test_one_outcome_does_not_decide_what_was_stated_as_a_chance(checked):
    row = {"kind": "forecast", "rule": "above", "bound": "0"}
    assert checked(**row).grade.outcome == "supported"
    for chance in (0.72, [0.2, 0.7]):
        found = checked(chance=chance, **row)
        assert found.grade == grading.Grade("inconclusive", "only a chance was stated")
        assert found.payload()["chance"] == chance


@pytest.mark.parametrize(
    ("claim_id", "n", "needed", "supported"),
    # Chance of "supported" if the effect is 4 points a year, or 3 of 4 windows narrower.
    [("AI-10", 9, 121, 0.08), ("HR-67", 2, 211, 0.03), ("CS-22", 3, 29, 0.0)],
)
def test_a_tendency_says_what_its_events_could_decide(registry, claim_id, n, needed, supported):
    check = registry.check(claim_id)
    assert check.grade.reason == "too few events to decide"
    assert (check.decidability.n, check.decidability.events_needed) == (n, needed)
    assert check.decidability.true.supported == pytest.approx(supported, abs=0.01)


def test_what_the_first_cuts_leave_open(registry):
    evidence = registry.check("AI-10").payload()["evidence"]
    assert evidence["at_most"] == pytest.approx(6.08, abs=0.01)
    assert evidence["shrunk"] == pytest.approx(-0.43, abs=0.01)
    ends = [evidence["next_event"][end] for end in ("low", "high")]
    assert ends == pytest.approx([-27.84, 26.22], abs=0.01)


def test_a_claim_judged_by_what_came_out_later_says_so(registry):
    # The consumer prices of December 2025 were released in January 2026.
    (then,) = [one for one in registry.check("SA-14").others if "as known" in one["reading"]]
    assert then == {
        "reading": "as known on 2025-12-31",
        "measured": "not yet known",
        "outcome": "inconclusive",
    }
    assert "as known on 2025-12-31" in registry.check("SA-14").note


def test_later_changes_are_listed(registry):
    check = registry.check("NX-15")
    assert check.payload()["changes"][0].startswith("2026-11-26, this project: as_of was")
    assert "changed 2026-11-26" in check.note
