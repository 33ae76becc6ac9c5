"""Scores over articles: against sums done by hand, closed forms and simulated clusters."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers import scorecard, scores
from helpers.claims import grading
from support.scorecard import check

S, P, C, U = grading.SUPPORTED, grading.PARTLY, grading.CONTRADICTED, grading.INCONCLUSIVE
N, W = grading.NOT_TESTABLE, grading.PENDING


def frame(*checks):
    return scorecard.frame(checks)


def told_of(table):
    return scores.ranking_words(scores.by_article(table), scores.pairs(table))


def article(name, outcomes, size=1):
    """Checks of one article in clusters of a size: each rests on the first of its cluster."""
    return [
        check(f"{name}{i}", name, one, rests_on=[f"{name}{i - i % size}"] if i % size else [])
        for i, one in enumerate(outcomes)
    ]


# Clusters and shares


def test_claims_are_linked_through_others_whatever_these_are():
    table = frame(
        check("A1"),
        check("A2", rests_on=["A1"]),
        check("A3", rests_on=["A2", "Z9"]),
        check("A4", outcome=N),
        check("A5", rests_on=["A4"]),
        check("A6", rests_on=["A4"]),
        check("A7"),
    )
    found = scores.clusters(table)
    groups = {frozenset(found.index[found == one]) for one in found.unique()}
    assert groups == {frozenset(g) for g in (["A1", "A2", "A3"], ["A4", "A5", "A6"], ["A7"])}


def test_the_share_counts_claims_about_the_world_that_were_due():
    table = frame(
        *[check(f"A{i}", "one", outcome) for i, outcome in enumerate((S, P, C, U, N, W))],
        check("A7", "one", S, kind="arithmetic"),
        check("X1", "all", S, kind="arithmetic"),
        check("X2", "all", S),
    )
    found = scores.by_article(table)
    assert list(found.index) == ["one"]
    columns = ["n", "clusters", "supported", "partly supported", "share"]
    assert found.loc["one", columns].tolist() == [4, 4, 1, 1, 25]
    assert found.loc["one", "first"] == 100


def test_independent_claims_get_the_binomial_interval():
    found = scores.by_article(frame(*article("a", [S] * 24 + [C] * 16))).loc["a"]
    low, high = stats.binom.ppf([0.025, 0.975], 40, 0.6) / 40 * 100
    assert [found["low"], found["high"]] == pytest.approx([low, high], abs=2.6)


def test_clusters_that_fall_together_widen_the_interval_by_the_design_effect():
    outcomes = np.repeat([S, C, S, C, S, C, S, C, S, C], 4)
    alone = scores.by_article(frame(*article("a", outcomes))).loc["a"]
    together = scores.by_article(frame(*article("a", outcomes, size=4))).loc["a"]
    widths = [one["high"] - one["low"] for one in (alone, together)]
    assert together["clusters"] == 10
    # Correlation 1 within clusters of four: a variance four times as large (Kish).
    assert widths[1] / widths[0] == pytest.approx(2, abs=0.15)


def test_clusters_that_all_agree_get_the_exact_interval_of_their_number():
    found = scores.by_article(frame(*article("a", [S] * 12, size=4))).loc["a"]
    assert found["low"] == pytest.approx(100 * stats.beta.ppf(0.025, 3, 1))
    assert found["high"] == 100


def test_coverage_in_simulated_articles():
    rng, hits = np.random.default_rng(7), []
    for _ in range(200):
        size = rng.integers(1, 4)
        right = np.repeat(rng.random(24) < 0.6, size)
        found = scores.by_article(frame(*article("a", np.where(right, S, C), size=int(size))))
        hits.append(found["low"].iloc[0] <= 60 <= found["high"].iloc[0])
    assert 0.89 <= np.mean(hits) <= 0.99


def test_first_shares_of_equal_articles_are_equal_and_add_up():
    same = [S, C] * 10
    found = scores.by_article(frame(*article("a", same), *article("b", same), *article("c", same)))
    assert found["first"].sum() == pytest.approx(100)
    # Each article is drawn by the same numbers here, so ties are split.
    assert found["first"].tolist() == pytest.approx([100 / 3] * 3)


# Pairs


def test_a_pair_without_clusters_has_fisher_s_p_value():
    table = frame(*article("a", [S] * 9 + [C]), *article("b", [S] * 2 + [C] * 8))
    found = scores.pairs(table).iloc[0]
    exact = stats.fisher_exact([[9, 1], [2, 8]]).pvalue
    assert found["difference"] == pytest.approx(70)
    assert found["p"] == pytest.approx(exact, abs=0.004)


def test_one_cluster_can_tell_nothing_apart():
    table = frame(*article("a", [S] * 9, size=9), *article("b", [C] * 9, size=9))
    assert scores.pairs(table).empty
    assert told_of(table).startswith("**No two articles differ by more than chance**")


def test_words_name_who_can_be_told_apart():
    table = frame(*article("good", [S] * 20), *article("bad", [C] * 20), *article("new", [S, C]))
    told = told_of(table)
    assert told.startswith("**Differ by more than chance: good from bad**")
    assert "good 100% of 20 (83 to 100%)" in told
    assert "comes first in" in told
    assert told_of(frame(check("A", outcome=W))).startswith("No claim")
    assert "draws" not in told_of(frame(*article("good", [S] * 3)))


# Coherence and changes


def test_coherence_is_counted_apart():
    sums = {"kind": "arithmetic"}
    table = frame(
        check("X1", "all", C, **sums),
        check("A1", "one", S, **sums),
        check("A2", "one", C, **sums),
        check("A3", "one", U, **sums),
        check("A4", "one", N, **sums),
        check("A5", "one", C),
    )
    found = scores.coherence(table)
    assert list(found.index) == ["one", "between articles"]
    assert found.loc["one"].tolist() == [3, 1, 1, 1]
    assert found.loc["between articles"].tolist() == [1, 0, 1, 0]


def test_changes_are_counted_by_article():
    table = frame(check("A1", changes=["x", "y"]), check("A2", changes=[]), check("B1", "two"))
    assert scores.changes(table).to_numpy().tolist() == [[2, 1, 2], [1, 0, 0]]


# Forecasts


def forecast(claim_id, name, chance, base, came_true, **other):
    one = {"horizon": 50, "base_rate": base, "base_low": 0.3, "base_high": 0.6, "windows": 9}
    one |= {"drift": other.pop("drift", None), "came_true": came_true}
    kind = {"kind": "forecast", "rule": "above", "bound": 0}
    return check(claim_id, name, chance=chance, forecast=one, **kind | other)


def test_brier_and_log_scores_by_hand():
    table = frame(
        forecast("A1", "one", 1, 0.48, False, measured=-0.5, drift=0.25),
        forecast("A2", "one", [0.2, 0.7], 0.5, True),
        forecast("A3", "two", 0.72, 0.12, False),
        forecast("A4", "two", 1, 0.7, None, outcome=W),
        check("A5"),
    )
    found = scores.forecasts(table)
    assert list(found.index) == ["A1", "A2", "A3", "A4"]
    assert found["specificity"].tolist() == pytest.approx([0.52, 0.5, 0.88, 0.3])
    assert found.loc["A1", "beyond_drift"] == pytest.approx(-0.75)
    assert found[["brier_low", "brier_high"]].iloc[:3].to_numpy().tolist() == pytest.approx(
        np.array([[1, 1], [0.09, 0.64], [0.5184, 0.5184]])
    )
    assert found["brier_base"].iloc[:3].tolist() == pytest.approx([0.2304, 0.25, 0.0144])
    assert found.loc["A1", "log_low"] == found.loc["A1", "log_high"] == math.inf
    ends = [-math.log(0.7), -math.log(0.2)]
    assert found.loc["A2", ["log_low", "log_high"]].tolist() == pytest.approx(ends)
    assert found.loc["A3", "log_base"] == pytest.approx(-math.log(0.88))
    assert found.filter(regex="brier|log").loc["A4"].isna().all()


def test_a_mean_score_is_that_of_the_due_forecasts_of_an_article():
    table = frame(
        forecast("A1", "one", 1, 0.5, True),
        forecast("A2", "one", 1, 0.5, False),
        forecast("B1", "two", 1, 0.5, True),
        forecast("B2", "two", 1, 0.5, None, outcome=W),
    )
    found = scores.forecast_scores(scores.forecasts(table))
    assert list(found.index) == ["two", "one"]
    assert found.loc["one", ["due", "came true", "high", "base rate"]].tolist() == [2, 1, 0.5, 0.25]
    # By counting the 27 draws of three: "one" is first alone if only its right forecast or none
    # of the other's is drawn, tied where both score 0.
    alone = {"A1": 0.0, "A2": 1.0, "B1": 0.0}
    first = 0.0
    for draw in [(a, b, c) for a in alone for b in alone for c in alone]:
        ones = [alone[x] for x in draw if x[0] == "A"]
        means = {"one": np.mean(ones) if ones else math.inf, "two": 0.0 if "B1" in draw else 2.0}
        means = {name: math.inf if x == 2.0 else x for name, x in means.items()}
        best = [name for name, x in means.items() if x == min(means.values())]
        first += ("one" in best) / len(best) / 27
    assert found.loc["one", "first"] == pytest.approx(100 * first, abs=1.5)
    assert found["first"].sum() == pytest.approx(100)


def test_words_say_what_a_few_forecasts_cannot():
    due = scores.forecasts(frame(forecast("A1", "one", 1, 0.5, False)))
    told = scores.forecast_words(due)
    assert told.startswith("Mean Brier score of the 1 due forecast: 1.00, worse than the 0.25")
    assert "1 of the 30 due forecasts" in told
    none = scores.forecasts(frame(check("A1")))
    assert scores.forecast_words(none).startswith("No forecast")
    assert scores.forecast_scores(none).empty
    assert list(none.columns) == list(due.columns)


def test_the_committed_forecasts_by_hand(loaded_claims):
    from rotation.run import results

    found = scores.forecasts(scorecard.frame(results.committed_results()))
    assert len(found) == 10
    assert bool(found.loc["HR-51", "came_true"])
    assert not found.loc["HR-63", "came_true"]
    assert found.loc["HR-71", "chance_low"] == 0.72
    assert pd.isna(found.loc["SA-21", "came_true"])
    # CS-14 said "may" (20 to 70%), and small caps led: (1 - 0.7)^2 to (1 - 0.2)^2.
    assert found.loc["CS-14", ["brier_low", "brier_high"]].tolist() == pytest.approx([0.09, 0.64])
