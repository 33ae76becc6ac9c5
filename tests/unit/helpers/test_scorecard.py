"""The scorecard: checks counted, ranked and put into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import inference, scorecard
from helpers.claims import grading
from support.scorecard import check

S, P, C = grading.SUPPORTED, grading.PARTLY, grading.CONTRADICTED
U, N, W = grading.INCONCLUSIVE, grading.NOT_TESTABLE, grading.PENDING


TABLE = scorecard.frame(
    [
        check("A1", "one", S),
        check("A2", "one", P, measured={"a": 1, "b": 2}, bound={"a": 1, "b": 2}),
        check("A3", "one", C, measured=4, bound=2),
        check("A4", "one", N, reason="licensed data", needs="fund flows"),
        check("B1", "two", S, rule="within", bound=0, measured=10),
        check("B2", "two", U, kind="direction", rule="above", bound=0),
        check("B3", "two", C, kind="arithmetic", fidelity="arithmetic", measured=None),
        check("B4", "two", W, as_of="2026-12-31"),
        check("B5", "two", W, as_of="2026-09-30"),
        check("B6", "two", N, reason="no definition", needs=""),
        check("X1", "all", C, kind="arithmetic", rule="at most", stated=[1, 2], measured=3),
    ]
)


# Tables


def test_outcomes_are_counted_by_a_field():
    counts = scorecard.count(TABLE, "article")
    assert list(counts.columns) == [*grading.OUTCOMES, "all"]
    assert list(counts.index) == ["one", "two", "all"]
    assert counts.loc["two"].to_dict() == {S: 1, P: 0, C: 1, U: 1, N: 1, W: 2, "all": 6}
    assert counts["all"].sum() == len(TABLE)


def test_stated_numbers_within_their_tolerance_are_put_into_words():
    numbers = scorecard.distances(TABLE)
    hits = numbers["outcome"].eq(S).sum()
    assert scorecard.within(numbers).startswith(f"{hits} of {len(numbers)} stated numbers")
    assert scorecard.within(numbers.head(0)).startswith("No stated number can be compared")


def test_distances_are_in_units_of_each_tolerance():
    found = scorecard.distances(TABLE)
    assert list(found.index) == ["A1", "A3", "A4", "B1", "B4", "B5", "B6"]
    assert found.loc["A1", "distance"] == 0.5
    assert found.loc["A3", "distance"] == -3
    assert found.loc["B1", "distance"] == 0.0  # equal, as asked


def test_contradictions_inside_and_between_articles_stand_apart():
    assert list(scorecard.contradictions(TABLE, between=False).index) == ["B3"]
    between = scorecard.contradictions(TABLE, between=True)
    assert between.loc["X1"].tolist() == ["all", "Statement X1", "1, 2", "3 percent", ""]


def test_a_reading_turns_a_verdict_only_if_it_ends_elsewhere():
    others = [
        {"reading": "same", "measured": 1, "outcome": S},
        {"reading": "later", "measured": None, "outcome": W},
        {"reading": "index", "measured": {"a": 2.5}, "outcome": C},
    ]
    table = scorecard.frame([check("A1", others=others), {**check("A2"), "others": None}])
    (row,) = scorecard.turns(table).reset_index().to_dict("records")
    assert (row["claim"], row["other reading"], row["outcome then"]) == ("A1", "index", C)
    assert row["measured then"] == "a 2.5 percent"
    assert scorecard.turns(scorecard.frame([check("A1")])).empty


def test_what_could_not_be_tested_names_what_would_decide_it():
    found = scorecard.untested(TABLE)["what would decide it"]
    assert found["A4"] == "fund flows"
    assert found["B6"].startswith("no data as it stands")


def test_the_next_forecast_comes_first():
    assert scorecard.pending(TABLE)["due"].to_dict() == {"B5": "2026-09-30", "B4": "2026-12-31"}


def test_other_ways_of_counting():
    ways = scorecard.robustness(TABLE)
    assert ways.loc["one", "partly counts"] == pytest.approx(200 / 3)
    assert ways.loc["two", "without inconclusive"] == 100
    assert ways.loc["two", "same data only"] == 50
    kind = [{"reading": "r", "measured": 1, "outcome": S}]
    best = scorecard.robustness(scorecard.frame([check("A", outcome=C, others=kind), check("B")]))
    assert best.loc["one", ["as shown", "best reading"]].tolist() == [50, 100]
    words = scorecard.robustness_words(ways, TABLE)
    assert words.startswith(
        "- Most often right is two in 4 of 5 ways of counting (partly counts: one)"
    )
    alone = scorecard.frame([check("A", fidelity="proxy")])
    words = scorecard.robustness_words(scorecard.robustness(alone), alone)
    assert words.startswith("- Most often right is one in 4 of 4 ways")


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_exact_interval_is_that_of_the_beta_distribution(pair):
    hits, n = pair
    found = inference.exact_interval(hits, n)
    low = stats.beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-12)
    assert (found.level, found.method) == (0.95, "Clopper-Pearson")
    # Its ends are the shares that the binomial tails just refuse.
    if 0 < hits < n:
        assert stats.binom.sf(hits - 1, n, found.low) == pytest.approx(0.025)
        assert stats.binom.cdf(hits, n, found.high) == pytest.approx(0.025)


def test_no_trials_have_no_exact_interval():
    assert inference.exact_interval(0, 0) is None
