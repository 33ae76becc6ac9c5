from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.claims import grading
from helpers.claims.grading import OUTCOMES, REASONS, RULES, SIDES, Grade, GradingError, grade
from helpers.interval import Interval

EDGE = 1e-9  # the slack that makes a tolerance include its edge


def interval(low: float, high: float) -> Interval:
    return Interval(low, high, 0.95, "t")


def verdict(*args, **options) -> tuple[str, str]:
    found = grade(*args, **options)
    return found.outcome, found.reason


# rule, bound, measured, stated, outcome, reason: each row of the module's first table, on both
# sides of its edge.
FACTS = [
    ("within", 0.15, 7.25, 7.1, "supported", "within tolerance"),
    ("within", 0.15, 6.95, 7.1, "supported", "within tolerance"),
    ("within", 0.15, 7.2501, 7.1, "contradicted", "outside tolerance"),
    ("within", 0.15, -7.1, 7.1, "contradicted", "outside tolerance"),
    ("within", 0, -75, -75.0, "supported", "within tolerance"),
    ("at least", 90, 90, None, "supported", "bound reached"),
    ("at least", 90, 89.99, None, "contradicted", "bound missed"),
    ("at most", 1.0, 1.0, None, "supported", "bound reached"),
    ("at most", 1.0, 1.01, None, "contradicted", "bound missed"),
    ("above", 0, 1e-6, None, "supported", "right sign"),
    ("above", 0, 0, None, "contradicted", "wrong sign"),
    ("above", 5, 5.1, None, "supported", "bound reached"),
    ("below", 0, -1e-6, None, "supported", "right sign"),
    ("below", 0, 0.0, None, "contradicted", "wrong sign"),
    ("below", 50, 50, None, "contradicted", "bound missed"),
    ("in range", [5, 10], 5, None, "supported", "within tolerance"),
    ("in range", [5, 10], 10, None, "supported", "within tolerance"),
    ("in range", [5, 10], 10.01, None, "contradicted", "outside tolerance"),
    ("in range", ["2020", "2021"], "2021", None, "supported", "within tolerance"),
    ("in range", ["2020", "2021"], "2024", None, "contradicted", "outside tolerance"),
    ("in range", ["2020", "2021"], 2020, None, "contradicted", "outside tolerance"),
    ("equal", 12, 12.0, None, "supported", "same value"),
    ("equal", 12, 11, None, "contradicted", "another value"),
    ("equal", "2021", "2021", None, "supported", "right date"),
    ("equal", "2026-01-10", "2026-01-14", None, "contradicted", "wrong date"),
    ("equal", "2019", "none", None, "contradicted", "wrong date"),
    ("equal", "consistent", "consistent", None, "supported", "same value"),
    ("equal", "consistent", "inconsistent", None, "contradicted", "another value"),
    ("equal", ["a", "b"], ["a", "b"], None, "supported", "same value"),
    ("equal", ["a", "b"], ["b", "a"], None, "contradicted", "another value"),
    ("equal", ["a"], ["a", "b"], None, "contradicted", "another value"),
    ("equal", ["a"], "a", None, "contradicted", "another value"),
    ("rank", 1, 1, None, "supported", "rank reached"),
    ("rank", 3, 2, None, "supported", "rank reached"),
    ("rank", 1, 2, None, "contradicted", "rank missed"),
    ("same set", [1, 2], [2.0, 1.0], None, "supported", "same set"),
    ("same set", ["a", "b", "c"], ["b", "a"], None, "partly supported", "only part of the set"),
    ("same set", ["a", "b"], ["a"], None, "partly supported", "only part of the set"),
    ("same set", ["a", "b"], ["a", "b", "c"], None, "partly supported", "more than the set"),
    ("same set", ["a", "b", "c"], ["a"], None, "contradicted", "another set"),
    ("same set", ["a"], [], None, "contradicted", "another set"),
    ("same set", ["a", "a"], ["a", "b"], None, "partly supported", "more than the set"),
    ("same set", [1], ["1"], None, "contradicted", "another set"),
]

# The literal readings of one claim: a plain rule whose bound is keyed by name.
BOTH_2019 = {"x": "2019", "y": "2019"}
READINGS = [
    ("equal", BOTH_2019, {"x": "2019", "y": "2019"}, "supported", "both readings agree"),
    ("equal", BOTH_2019, {"x": "2019", "y": "2022"}, "partly supported", "the readings part"),
    ("equal", BOTH_2019, {"x": "2020", "y": "2022"}, "contradicted", "no reading agrees"),
    ("above", {"x": 0, "y": 0}, {"x": 1, "y": -1, "z": 9}, "partly supported", "the readings part"),
]

TWO = {"x": {"below": 0}, "y": {"above": -5}}
ALL_OF = [
    (TWO, {"x": -1, "y": -2}, "supported", "all conditions hold"),
    (TWO, {"x": -1, "y": -6}, "contradicted", "a condition fails"),
    ({"each": {"above": 0}}, {"x": 1, "y": 2}, "supported", "all conditions hold"),
    ({"each": {"above": 0}}, {"x": 1, "y": 0}, "contradicted", "a condition fails"),
    ({"x": {"equal": 0}}, {"x": 0, "other": 7}, "supported", "all conditions hold"),
]

TENDENCIES = [
    ("above", 0, 1, (0.1, 2), "supported", "interval clears the bound"),
    ("above", 0, -1, (-2, -0.1), "contradicted", "interval beyond the bound"),
    ("above", 0, 1, (-0.1, 2), "inconclusive", "interval spans the bound"),
    ("below", 0, -1, (-2, -0.1), "supported", "interval clears the bound"),
    ("below", 0, 1, (0.1, 2), "contradicted", "interval beyond the bound"),
    ("at least", 0, 1, (0, 2), "supported", "interval clears the bound"),
    ("at most", 0, -1, (-2, 0), "supported", "interval clears the bound"),
    ("above", 0.5, 0.6, None, "inconclusive", "too few events"),
]


@pytest.mark.parametrize(("rule", "bound", "measured", "stated", "outcome", "reason"), FACTS)
def test_fact(rule, bound, measured, stated, outcome, reason):
    assert verdict(rule, bound, measured, stated=stated) == (outcome, reason)


@pytest.mark.parametrize(("rule", "bound", "measured", "outcome", "reason"), READINGS)
def test_literal_readings(rule, bound, measured, outcome, reason):
    assert verdict(rule, bound, measured) == (outcome, reason)


@pytest.mark.parametrize(("bound", "measured", "outcome", "reason"), ALL_OF)
def test_all_of(bound, measured, outcome, reason):
    assert verdict("all of", bound, measured) == (outcome, reason)


@pytest.mark.parametrize(("rule", "bound", "measured", "ends", "outcome", "reason"), TENDENCIES)
def test_tendency(rule, bound, measured, ends, outcome, reason):
    found = interval(*ends) if ends else None
    assert verdict(rule, bound, measured, reading="tendency", interval=found) == (outcome, reason)


@pytest.mark.parametrize(
    ("mean", "share", "outcome", "reason"),
    [
        ((1, 2), (0.6, 0.9), "supported", "interval clears the bound"),
        ((1, 2), (0.4, 0.9), "inconclusive", "interval spans the bound"),
        ((-2, -1), (0.4, 0.9), "contradicted", "interval beyond the bound"),
        ((-1, 2), (0.1, 0.4), "contradicted", "interval beyond the bound"),
        ((1, 2), None, "inconclusive", "too few events"),
    ],
)
def test_tendency_of_several_numbers(mean, share, outcome, reason):
    bound = {"mean": {"above": 0}, "share": {"above": 0.5}}
    intervals = {"mean": interval(*mean), "share": interval(*share) if share else None}
    measured = {"mean": 0.0, "share": 0.5}
    found = verdict("all of", bound, measured, reading="tendency", interval=intervals)
    assert found == (outcome, reason)


def test_tendency_of_several_numbers_without_any_interval():
    found = grade("all of", {"mean": {"above": 0}}, {"mean": 1.0}, reading="tendency")
    assert found == Grade("inconclusive", "too few events")


@pytest.mark.parametrize("reason", ["licensed data", "no definition", "unfalsifiable"])
def test_rule_none_is_not_testable(reason):
    assert verdict("none", reason, 3) == ("not testable", reason)


@pytest.mark.parametrize("measured", [None, float("nan"), {}, {"x": 1, "y": float("nan")}])
@pytest.mark.parametrize("reading", ["fact", "tendency"])
def test_what_was_not_measured_is_inconclusive(measured, reading):
    assert verdict("above", 0, measured, reading=reading) == ("inconclusive", "not measured")


@pytest.mark.parametrize("conflict", ["contradicts itself", "articles disagree"])
def test_articles_own_figures_add_up_or_conflict(conflict):
    assert verdict("at most", 1, 0.5, conflict=conflict) == ("supported", "adds up")
    assert verdict("at most", 1, 3.7, conflict=conflict) == ("contradicted", conflict)
    part = verdict("equal", {"x": 1, "y": 1}, {"x": 1, "y": 2}, conflict=conflict)
    assert part == ("partly supported", "the readings part")


@pytest.mark.parametrize(
    ("rule", "bound", "measured"),
    [
        ("within", 0.1, 1.0),  # no number stated
        ("about", 0, 1.0),
        ("above", 0, "1.0"),
        ("above", 0, True),
        ("equal", 3, "3"),
        ("in range", [1, 2], "1.5"),
        ("same set", ["a"], "a"),
        ("all of", {"x": {"above": 0}}, 1.0),
        ("all of", 0, {"x": 1.0}),
        ("all of", {"x": {"above": 0}}, {"y": 1.0}),
        ("all of", {"x": 0}, {"x": 1.0}),
        ("all of", {"x": {"above": 0, "below": 9}}, {"x": 1.0}),
        ("all of", {"x": {"all of": 0}}, {"x": 1.0}),
        ("equal", {"x": 1}, {"y": 1}),
        ("equal", {"x": 1}, 1),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(rule, bound, measured):
    with pytest.raises(GradingError) as caught:
        grade(rule, bound, measured)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rule", sorted(set(RULES) - {*SIDES, "all of", "none"}))
def test_a_tendency_needs_a_side(rule):
    with pytest.raises(GradingError, match="a tendency expects one of"):
        grade(rule, 1, 1.0, reading="tendency", interval=interval(0, 1))


@pytest.mark.parametrize(("outcome", "reason"), [("fine", "same set"), ("supported", "because")])
def test_a_grade_holds_words_of_the_closed_lists_only(outcome, reason):
    with pytest.raises(GradingError, match="unknown outcome or reason"):
        Grade(outcome, reason)


numbers = st.floats(-1e6, 1e6)


@given(st.floats(0, 1e3), st.floats(-1e3, 1e3), st.floats(-1.5, 1.5))
def test_tolerance_includes_its_edge(bound, stated, share):
    measured = stated + share * bound
    passed = grade("within", bound, measured, stated=stated).outcome == "supported"
    distance = abs(measured - stated)
    if abs(distance - bound) > EDGE:
        assert passed == (distance <= bound)
    else:
        assert passed or distance > bound + EDGE / 2


@given(numbers, numbers)
def test_opposite_rules_never_agree(bound, measured):
    for rule, opposite in (("above", "at most"), ("below", "at least")):
        assert grade(rule, bound, measured).outcome != grade(opposite, bound, measured).outcome


@given(numbers, numbers, numbers, st.sampled_from([("above", "at most"), ("below", "at least")]))
def test_tendencies_of_opposite_claims_are_opposite(bound, one, other, rules):
    found = interval(*sorted((one, other)))
    claim, opposite = (
        grade(rule, bound, one, reading="tendency", interval=found).outcome for rule in rules
    )
    assert {claim, opposite} in ({"supported", "contradicted"}, {"inconclusive"})


@given(numbers, numbers, numbers)
def test_a_tendency_mirrored_in_the_bound_has_the_mirrored_rule(bound, one, other):
    low, high = sorted((one, other))
    above = grade("above", bound, one, reading="tendency", interval=interval(low, high))
    below = grade("below", -bound, -one, reading="tendency", interval=interval(-high, -low))
    assert above == below


@given(st.lists(st.sampled_from("abcdef"), min_size=1), st.lists(st.sampled_from("abcdef")))
def test_sets_do_not_depend_on_order(bound, measured):
    found = grade("same set", bound, measured)
    assert found == grade("same set", bound[::-1], sorted(measured))
    assert (found.outcome == "supported") == (
        set(bound) == set(measured) and len(bound) == len(measured)
    )


members = st.lists(st.one_of(numbers, st.text(max_size=2)), min_size=1, max_size=4)
BOUNDS = {
    **dict.fromkeys(("within", *SIDES, "rank", "equal"), numbers),
    "in range": st.tuples(numbers, numbers).map(sorted),
    "same set": members,
}


@st.composite
def fitting(draw):
    """A rule with a bound and a measured value of the form that the table asks for."""
    rule = draw(st.sampled_from(sorted(BOUNDS)))
    bound = draw(BOUNDS[rule])
    measured = draw(members if rule == "same set" else numbers)
    shapes = {
        "plain": (rule, bound, measured),
        "readings": (rule, {"x": bound, "y": bound}, {"x": measured, "y": measured}),
        "all of": ("all of", {"x": {rule: bound}}, {"x": measured, "y": measured}),
        "each": ("all of", {"each": {rule: bound}}, {"x": measured, "y": measured}),
    }
    alone = rule == "within"  # the number it needs is stated once
    return shapes[draw(st.sampled_from(["plain", "readings"] if alone else sorted(shapes)))]


@given(fitting(), st.sampled_from(["", "contradicts itself"]))
def test_what_fits_always_gets_a_grade(case, conflict):
    rule, bound, measured = case
    found = grade(rule, bound, measured, stated=1.0, conflict=conflict)
    assert found.outcome in OUTCOMES
    assert found.reason in REASONS


def test_the_docstring_names_every_rule_and_outcome():
    text = grading.__doc__
    assert set(re.findall(r"^``([a-z ]+)``", text, re.MULTILINE)) == set(RULES)
    assert all(outcome in text for outcome in OUTCOMES)


# Reasons that the grading of a value cannot give, and who does.
ELSEWHERE = {
    "not a trading day": "measures.first_close objects",
    "not due": "claims, for a claim later than the run",
    "most specifications disagree": "robustness, a later addition",
    "all estimates agree": "test_published",
    "no estimate agrees": "test_published",
    "the estimates disagree": "test_published",
    "too close to tell": "test_published",
    "only a chance was stated": "below",
    "too few events to decide": "below",
}


def test_every_other_reason_is_reached_above():
    reached = {row[-1] for table in (FACTS, READINGS, ALL_OF, TENDENCIES) for row in table}
    reached |= {*grading.UNTESTED, "not measured"}
    reached |= {"adds up", "contradicts itself", "articles disagree"}
    assert reached | set(ELSEWHERE) == set(REASONS)
    assert not reached & set(ELSEWHERE)


@pytest.mark.parametrize("why", ["reversed_", "open_ended", "chance"])
@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("supported", "right sign"),
        ("partly supported", "the readings part"),
        ("contradicted", "wrong sign"),
        ("inconclusive", "interval spans the bound"),
        ("not testable", "licensed data"),
        ("pending", "not due"),
    ],
)
def test_what_surrounds_a_verdict_takes_it_away_and_gives_none(outcome, reason, why):
    given = {"asserted": False} if why == "chance" else {why: True}
    found = grading.tempered(Grade(outcome, reason), **given)
    held = outcome in ("supported", "partly supported")
    # Specifications take away what was held; the other two a contradiction as well.
    taken = held or (outcome == "contradicted" and why != "reversed_")
    reasons = {
        "reversed_": "most specifications disagree",
        "open_ended": "too close to tell",
        "chance": "only a chance was stated",
    }
    assert found == (Grade("inconclusive", reasons[why]) if taken else Grade(outcome, reason))


@pytest.mark.parametrize("reason", ["interval spans the bound", "too few events"])
def test_what_could_not_be_decided_says_so(reason):
    given = Grade("inconclusive", reason)
    assert grading.tempered(given, decidable=False).reason == "too few events to decide"
    assert grading.tempered(given) == given
    other = Grade("contradicted", "interval beyond the bound")
    assert grading.tempered(other, decidable=False) == other
