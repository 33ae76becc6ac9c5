"""Chances of a rule against closed forms and the grading itself; evidence against hand figures."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from helpers import decidability, multiverse
from helpers.claims import grading
from helpers.decidability import Chances
from helpers.errors import InputError
from helpers.inference import exact_interval, median_interval, t_interval
from helpers.specifications import BY_CLAIM

ABOVE = {"mean": {"above": 0.0}}
CUTS = {"mean": {"above": 0}, "median": {"above": 0}, "hit rate": {"above": 0.5}}


@pytest.mark.parametrize(("n", "effect", "sd"), [(9, 4, 11.8), (2, 10, 20.7), (30, 6, 12)])
def test_a_mean_alone_has_the_power_of_the_t_test(n, effect, sd):
    found = decidability.decidability(ABOVE, n, effect, sd)
    power = TTestPower().power(effect / sd, n, 0.025, alternative="larger")
    assert found.true.supported == pytest.approx(power, abs=0.006)
    assert found.none.supported == pytest.approx(0.025, abs=0.004)
    assert found.none.contradicted == pytest.approx(0.025, abs=0.004)


def test_events_needed_are_those_of_the_t_test():
    found = decidability.decidability(ABOVE, 9, 4, 11.8)
    needed = TTestPower().solve_power(4 / 11.8, power=0.8, alpha=0.025, alternative="larger")
    assert found.events_needed == pytest.approx(needed, rel=0.08)
    assert decidability.decidability(ABOVE, 9, 0.1, 11.8).events_needed is None


@pytest.mark.parametrize("share", [0.6, 0.75, 0.95])
def test_a_share_alone_is_binomial(share):
    # Wilson at n = 10 lies above one half from 9 hits on, below it up to one hit.
    found = decidability.decidability({"share": {"above": 0.5}}, 10, share)
    assert found.true.supported == pytest.approx(stats.binom.sf(8, 10, share), abs=0.011)
    assert found.none.contradicted == pytest.approx(stats.binom.cdf(1, 10, 0.5), abs=0.003)


@pytest.mark.parametrize("effect", [0.0, 0.5, 0.75, 1.0])
def test_three_windows_decide_nothing_whatever_is_true(effect):
    found = decidability.decidability({"share": {"above": 0.5}}, 3, effect)
    assert (found.none, found.true) == (Chances(0, 0), Chances(0, 0))
    assert not found.decidable


@pytest.mark.parametrize(("n", "effect"), [(9, 4.0), (9, 14.0), (16, -9.0)])
def test_all_parts_together_are_what_grading_would_say(n, effect):
    """The same law drawn anew, each draw judged by the product's own intervals and rules."""
    rng, sd, said = np.random.default_rng(5), 11.8, []
    for _ in range(600):
        values = pd.Series(rng.normal(effect, sd, n))
        hits = int((values > 0).sum())
        measured = {"mean": values.mean(), "median": values.median(), "hit rate": hits / n}
        intervals = {
            "mean": t_interval(values),
            "median": median_interval(values),
            "hit rate": exact_interval(hits, n),
        }
        verdict = grading.grade("all of", CUTS, measured, reading="tendency", interval=intervals)
        said.append(verdict.outcome)
    found = decidability.decidability(CUTS, n, effect, sd).true
    for outcome, chance in (("supported", found.supported), ("contradicted", found.contradicted)):
        error = np.sqrt(max(chance * (1 - chance), 0.001) / 600)
        assert said.count(outcome) / 600 == pytest.approx(chance, abs=4 * error)


def test_a_fact_within_a_tolerance_is_a_piece_of_the_normal_law():
    rule = {"mean": {"within": (4.2, 1.0)}}
    found = decidability.decidability(rule, 4, 4.2, 11.8)
    law = stats.norm(4.2, 11.8 / 2)
    assert found.true.supported == pytest.approx(law.cdf(5.2) - law.cdf(3.2), abs=0.01)
    assert found.true.contradicted == pytest.approx(1 - found.true.supported)


@pytest.mark.parametrize(
    ("parts", "n", "sd", "message"),
    [
        ({"mode": {"above": 0}}, 9, 1, "part 'mode': expected one of mean"),
        ({}, 9, 1, "expected one of mean"),
        ({"mean": {"equal": 0}}, 9, 1, "rule of 'mean'"),
        ({"mean": {"above": 0}, "share": {"above": 0.5}}, 9, 1, "expected no other part"),
        (ABOVE, 0, 1, "expected at least one event"),
        (ABOVE, 9, 0, "an sd above 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(parts, n, sd, message):
    with pytest.raises(InputError, match=message):
        decidability.decidability(parts, n, 4, sd)


def test_evidence_by_other_libraries():
    values = pd.Series([4.0, -7.0, 12.5, 0.3, -1.2, 8.8])
    found = decidability.evidence(values, base_mean=1.0, margin=4.0)
    described = DescrStatsW(values)
    low, high = described.tconfint_mean(0.1)
    assert (found.at_least, found.at_most) == pytest.approx((low, high))
    error = stats.sem(values)
    weight = (1 / error**2) / (1 / error**2 + 1 / 16)
    assert found.shrunk == pytest.approx(weight * values.mean() + (1 - weight))
    half = 1.959964 / np.sqrt(1 / error**2 + 1 / 16)
    assert found.shrunk_interval.high - found.shrunk == pytest.approx(half)
    ahead = stats.t.ppf(0.975, 5) * np.sqrt(values.var(ddof=1) + error**2)
    assert found.next_event.high - values.mean() == pytest.approx(ahead)


@pytest.mark.parametrize("margin", [0.5, 2.0, 4.0, 9.0])
def test_equivalence_is_that_of_two_one_sided_tests(margin):
    values = pd.Series([0.4, -1.0, 2.5, 0.3, -1.2, 0.8])
    p, *_ = DescrStatsW(values).ttost_mean(-margin, margin)
    assert decidability.evidence(values, margin=margin).equivalent == (p < 0.05)


def test_evidence_needs_two_events_and_a_margin():
    assert decidability.evidence(pd.Series([1.0, np.nan])) is None
    with pytest.raises(InputError, match="margin 0: expected a number above 0"):
        decidability.evidence(pd.Series([1.0, 2.0]), margin=0)


def test_prediction_interval_holds_the_next_event_so_often():
    rng, inside = np.random.default_rng(8), 0
    for _ in range(2_000):
        *past, ahead = rng.normal(2, 11, 10)
        one = decidability.evidence(pd.Series(past)).next_event
        inside += one.low < ahead < one.high
    assert inside / 2_000 == pytest.approx(0.95, abs=0.015)


def test_shrunk_interval_covers_effects_that_differ_as_it_assumes():
    rng, inside = np.random.default_rng(9), 0
    for _ in range(2_000):
        true = rng.normal(0, 4)
        one = decidability.evidence(pd.Series(rng.normal(true, 12, 40))).shrunk_interval
        inside += one.low < true < one.high
    assert inside / 2_000 == pytest.approx(0.95, abs=0.015)


def test_first_cuts_by_the_golden_figures(market):
    """Recomputed from the closes without this code, on 12 January 2026."""
    family = BY_CLAIM["AI-10"]
    sample = multiverse.own_sample(family, market.until("2026-01-12"))
    rule, evidence = decidability.of_sample(sample, CUTS, 4.0, family.placebo)
    assert (rule.n, rule.decidable) == (9, False)
    assert rule.true.supported == pytest.approx(0.08, abs=0.01)
    assert rule.none.contradicted == pytest.approx(0.03, abs=0.005)
    assert evidence.at_most == pytest.approx(6.08, abs=0.01)
    assert evidence.shrunk == pytest.approx(-0.43, abs=0.01)
    assert (evidence.next_event.low, evidence.next_event.high) == pytest.approx(
        (-27.84, 26.22), abs=0.01
    )


def test_a_share_counts_windows_apart(market):
    family = BY_CLAIM["CS-22"]
    sample = multiverse.own_sample(family, market.until("2025-12-31"))
    rule, evidence = decidability.of_sample(sample, {"share": {"above": 0.5}}, 0.75)
    assert (rule.n, rule.events_needed, evidence) == (3, 29, None)
