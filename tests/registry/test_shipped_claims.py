"""The claims of the shipped articles: each can be carried out, judged and read.

What is counted or named here is that of the articles in ``support.data.SHIPPED``; an article that
somebody adds changes none of it, and its claims are checked by ``rotation check``. To ship another
one, add its name there and renew what fails here by hand, from the article, not from the output:
the named tendencies below, and the counts in ``tests/unit/helpers/test_scorecard.py``.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from helpers import claims, data, measures
from helpers.claims import grading
from support.data import ROOT, claim_rows

ROWS = {row["claim_id"]: row for row in claim_rows()}
TESTABLE = {name: row for name, row in ROWS.items() if row["rule"] != "none"}
CALLS = {name: json.loads(row["call"]) for name, row in TESTABLE.items() if row["call"]}
OWN = {name: json.loads(row["own"]) for name, row in ROWS.items() if row["own"]}
BOUNDS = {name: json.loads(row["bound"]) for name, row in ROWS.items()}
FAMILIES = ("analog_2019", "rate_cut_response", "valuation_percentiles", "post_streak_outcomes")
TABLES = {r["path"].removesuffix(".csv") for r in data.descriptor()["resources"]}
NUMBER = re.compile(r"-?\d+(\.\d+)?")


def each(rows):
    return pytest.mark.parametrize("claim_id", rows)


def test_ids_are_unique():
    ids = [row["claim_id"] for row in claim_rows()]
    assert len(ids) == len(set(ids)) > 100


def test_every_testable_row_has_a_call():
    assert set(CALLS) == set(TESTABLE)


@each(CALLS)
def test_call_fits_the_signature_of_its_measure(claim_id):
    measures.require(CALLS[claim_id], pd.Timestamp(ROWS[claim_id]["as_of"]))


@each(OWN)
def test_call_on_own_tables_fits_the_signature_of_its_measure(claim_id):
    measures.require(OWN[claim_id]["call"], pd.Timestamp(ROWS[claim_id]["as_of"]))


def test_no_row_calls_a_measure_that_does_not_exist():
    named = {call["measure"] for call in CALLS.values()}
    named |= {own["call"]["measure"] for own in OWN.values()}
    others = [json.loads(row["others"]) for row in ROWS.values() if row["others"]]
    named |= {one["measure"] for row in others for one in row.values() if "measure" in one}
    assert named <= set(measures.MEASURES)


@pytest.fixture(scope="module")
def every_check(loaded_claims) -> list[claims.Check]:
    registry = replace(loaded_claims, checked=set())
    return [registry.check(name) for name in ROWS]


def test_every_row_gets_an_outcome(every_check):
    for check in every_check:
        assert check.grade.outcome in grading.OUTCOMES
        assert (check.grade.outcome == grading.NOT_TESTABLE) == (check.claim.rule == "none")


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_testable_of_the_four_families_stays_open(every_check, family):
    for check in every_check:
        if check.claim.family == family and check.claim.rule != "none":
            assert check.measured is not None
            assert check.grade.outcome != grading.PENDING
            assert check.grade.reason != "not measured"


def test_tendencies_are_the_five_named_ones():
    named = {name for name, row in ROWS.items() if row["reading"] == "tendency"}
    assert named == {"AI-10", "HR-67", "HR-70", "CS-21", "CS-22"}


def test_needs_name_tables_where_tables_decide():
    for name, row in ROWS.items():
        needs = set(filter(None, row["needs"].split(";")))
        if row["basis"] in ("open", "proxy", "readings"):
            assert needs, name
            assert needs <= TABLES, name
        else:
            assert not needs & TABLES, name


def test_what_rests_on_no_table_is_arithmetic_or_not_tested():
    for name, row in ROWS.items():
        untested = row["rule"] == "none"
        assert untested == (row["basis"] in ("private", "untestable")), name


@each([n for n, row in TESTABLE.items() if re.fullmatch(NUMBER, row["tolerance"])])
def test_numeric_tolerance_is_what_the_rule_allows(claim_id):
    row, bound, rule = ROWS[claim_id], BOUNDS[claim_id], ROWS[claim_id]["rule"]
    tolerance = float(row["tolerance"])
    if rule == "within":
        assert bound == tolerance
    elif rule == "equal":
        assert tolerance == 0
        assert bound == float(row["stated"])
    elif rule == "at most":  # a spread or a difference that may be no larger
        assert bound == tolerance
    else:  # a range around a number: its half width is the tolerance
        (low, high) = _range(bound)
        assert (high - low) / 2 == pytest.approx(tolerance)


def _range(bound) -> list:
    """The one range in a bound, however deep it stands."""
    if isinstance(bound, list):
        return bound
    return next(_range(part) for part in bound.values() if isinstance(part, (dict, list)))


WORDED = re.compile(rf"(at least|rank|above|below) {NUMBER.pattern}")


@each([n for n, row in TESTABLE.items() if re.fullmatch(WORDED, row["tolerance"])])
def test_worded_tolerance_is_the_rule_and_its_bound(claim_id):
    row = ROWS[claim_id]
    words = row["tolerance"].rsplit(" ", 1)
    assert (row["rule"], float(BOUNDS[claim_id])) == (words[0], float(words[1]))


@each([n for n, row in TESTABLE.items() if row["tolerance"] == "sign"])
def test_sign_means_beyond_zero(claim_id):
    row, bound = ROWS[claim_id], BOUNDS[claim_id]
    if row["rule"] == "all of":
        assert {b for one in bound.values() for b in one.values()} == {0}
    else:
        assert row["rule"] == ("above" if row["stated"] == "positive" else "below")
        assert bound == 0


@each([n for n, row in TESTABLE.items() if row["kind"] == "value" and row["rule"] == "within"])
def test_values_judged_by_a_tolerance_state_one_number(claim_id, registry):
    assert registry.get(claim_id).stated_number == float(ROWS[claim_id]["stated"])


@each(
    [n for n, row in TESTABLE.items() if row["rule"] in ("equal", "same set", "at least", "rank")]
)
def test_stated_figures_stand_in_the_bound(claim_id):
    row, text = ROWS[claim_id], json.dumps(BOUNDS[claim_id])
    if row["kind"] in ("set", "count", "since"):
        for member in row["stated"].split(";"):
            number = f"{float(member):g}" if re.fullmatch(NUMBER, member) else member
            assert number in text.replace(".0", ""), member
    elif row["rule"] == "at least" and re.fullmatch(NUMBER, row["stated"]):
        assert BOUNDS[claim_id] == float(row["stated"])


def test_notes_and_statements_are_one_line_of_text():
    for row in ROWS.values():
        assert all("\n" not in value and value == value.strip() for value in row.values())


def test_every_article_makes_claims(loaded_claims):
    assert {row["article"] for row in ROWS.values()} == set(loaded_claims.articles.index)


@pytest.mark.parametrize("day", ["1979-01-03", "1984-10-01", "2026-01-12", "2026-03-31"])
def test_a_run_as_of_any_day_gives_the_same_verdict_or_none_yet(market, every_check, day):
    """What a claim's own day allows does not depend on how far the run's data reach."""
    known = claims.load(market.until(day))
    for final in every_check:
        claim, check = final.claim, known.check(final.claim.claim_id)
        if claim.as_of > pd.Timestamp(day) and claim.rule != "none":
            # What no later day can change is settled before its day, and as in the end.
            assert check.grade in (grading.Grade("pending", "not due"), final.grade)
        elif ROWS[claim.claim_id]["call"].find("nearest_reading") < 0:  # it looks both ways
            got, want = check.payload(), final.payload()
            for part in ("measured", "interval", "n", "outcome", "reason", "beside", "bound"):
                assert got[part] == want[part], (claim.claim_id, part)


METHODS = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")


def conventional(claim) -> float:
    """Return the tolerance that the convention in docs/methods.md gives."""
    digits = len(claim.stated.partition(".")[2])
    half = 0.5 / 10**digits
    if claim.basis == "arithmetic":
        return half * 1.2
    if claim.unit == "multiple" or "12 months" in claim.statement:
        return 1.0
    if claim.unit == "bp" or claim.call["measure"] == "policy_fact":
        return 0
    return half + 0.1 if digits == 1 else half


def test_tolerances_follow_the_convention_or_are_listed(loaded_claims):
    section = METHODS.split("## Tolerances")[1].split("Beyond its tolerance")[0]
    listed = set(re.findall(r"[A-Z]{2}-[0-9]+", section.split("These deviate:")[1]))
    deviating = {
        claim.claim_id
        for claim in loaded_claims.of_story("january-2026").claims.values()
        if claim.rule == "within" and claim.bound != pytest.approx(conventional(claim))
    }
    assert deviating == listed
