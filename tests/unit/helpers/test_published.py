"""Measures on published figures against sums done here from the bytes of the tables."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise

import pandas as pd
import pytest

from helpers import measures, valuation
from helpers.claims import grading
from helpers.errors import InputError
from helpers.measures import published
from support.data import raw


def found(market, name: str, as_of: str, **arguments):
    return measures.measure(market, pd.Timestamp(as_of), {"measure": name, **arguments})


class TestNearestReadings:
    frame = pd.DataFrame(
        [
            ("2026-01-01", "A", "P/E", 20.0, "One via a paper", "high"),
            ("2026-01-03", "A", "P/E", 21.0, "Two", "medium"),
            ("2026-01-12", "A", "P/E", 22.0, "One", "high"),
            ("2026-01-04", "A", "P/E", 23.0, "not stated", "medium"),
            ("2026-01-05", "A", "P/E", 90.0, "Three", "low"),
            ("2026-01-05", "A", "P/E incl. negative", 80.0, "Three", "high"),
        ],
        columns=["as_of", "index", "metric", "value", "provider_basis", "confidence"],
    ).assign(as_of=lambda f: pd.to_datetime(f["as_of"]))

    def test_distance_confidence_and_basis_together(self):
        # By hand, from 5 January: One 4 days, Two 2 + 14, not stated 1 + 28; low ones never.
        rows = valuation.nearest_readings(self.frame, "A", "P/E", "2026-01-05")
        assert rows["value"].tolist() == [20, 21, 23]
        assert rows["distance_days"].tolist() == [-4, -2, -1]

    def test_one_row_a_provider(self):
        rows = valuation.nearest_readings(self.frame, "A", "P/E", "2026-01-11")
        assert rows["value"].tolist() == [22, 21, 23]

    def test_an_error_of_rounding_and_of_what_the_price_moved(self, market):
        got = found(
            market, "nearest_readings", "2026-01-22", index="Russell 2000", metric="P/E forward",
            days=120,
        )  # fmt: skip
        assert got.value == {"FactSet": 16, "BofA": 16.2}
        closes = {row["date"]: float(row["russell_2000"]) for row in raw("index_closes")}
        up = 16.2 * (closes["2026-01-22"] / closes["2025-09-30"] - 1)
        assert got.error["BofA"] == pytest.approx([16.15, 16.2 + math.hypot(0.05, up)])
        assert got.error["FactSet"][0] == 15.5  # a price that rose since takes nothing off

    @pytest.mark.parametrize(
        ("index", "metric", "stated", "as_of", "outcome"),
        [
            ("Russell 2000", "P/E forward", 14.2, "2026-01-22", "contradicted"),
            ("Russell 2000", "P/E forward", 15, "2026-01-15", "inconclusive"),
            ("Russell 2000", "P/E forward", 18, "2025-12-31", "contradicted"),
            ("S&P 500", "P/E forward", 22, "2026-01-22", "supported"),
            ("S&P 500", "P/E forward", 27, "2025-12-31", "contradicted"),
            ("S&P 500", "P/E trailing", 27, "2025-12-31", "inconclusive"),
        ],
    )
    def test_what_two_providers_make_of_a_multiple(
        self, market, index, metric, stated, as_of, outcome
    ):
        got = found(market, "nearest_readings", as_of, index=index, metric=metric, days=120)
        verdict = grading.grade(
            "within", 1.0, got.value, stated=stated, reading="estimates", error=got.error
        )
        assert verdict.outcome == outcome

    def test_one_provider_is_told(self, market):
        got = found(
            market, "nearest_multiples", "2026-01-22", which={"sales": ["S&P 500", "P/S"]}, days=30
        )
        assert got.value == {"sales": {"YCharts": 3.28}}
        assert "one provider only" in got.beside


def test_every_provider_counts_once_and_never_a_later_figure(market):
    got = found(
        market, "estimates", "2026-01-20", subjects=["ten largest stocks"],
        metric="weight in the S&P 500",
    )  # fmt: skip
    assert got.value == {"Miller Value Partners": 41, "MarketWatch": 40.3}
    early = found(
        market, "estimates", "2026-01-05", subjects=["ten largest stocks"],
        metric="weight in the S&P 500",
    )  # fmt: skip
    assert early.value == {"Miller Value Partners": 41}
    with pytest.raises(InputError, match="expected a sure row in published_estimates"):
        found(market, "estimates", "2026-01-20", subjects=["small caps"], metric="weight")


def test_a_whole_from_its_parts(market):
    got = found(
        market, "whole_by_weights", "2026-01-20", part=-3.2, rest=-1.8,
        subject="ten largest stocks", metric="weight in the S&P 500",
    )  # fmt: skip
    assert got.value["MarketWatch"] == pytest.approx(-0.403 * 3.2 - 0.597 * 1.8)
    assert got.error["MarketWatch"] == pytest.approx(
        [-0.403 * 3.25 - 0.597 * 1.85, -0.403 * 3.15 - 0.597 * 1.75]
    )


def test_size_groups_fell_in_order(market):
    got = found(market, "returns_by_size", "2026-01-20", start="2026-01-16", end="2026-01-20").value
    oef, spx = 335.1 / 343.1 - 1, 6796.86 / 6940.01 - 1
    assert got["large less mega"] == pytest.approx(100 * (spx - oef))
    assert len(got) == 4
    assert min(got.values()) > 0


def test_sector_fund_and_its_rank(market):
    got = found(
        market, "sector_lead", "2026-01-22", tracks="S&P 600 Financials", start="2025-12-31",
        end="2026-01-22",
    )  # fmt: skip
    assert got.value == {"return": pytest.approx(100 * (60.55 / 57.51 - 1)), "rank": 6}
    assert got.n == 7
    with pytest.raises(InputError, match="among its days"):
        found(
            market, "sector_lead", "2026-01-22", tracks="S&P 600 Financials", start="2025-12-30",
            end="2026-01-22",
        )  # fmt: skip


def test_nasdaq(market):
    rows = raw("nasdaq_starts")
    moves = [float(r["close"]) / float(r["last_close_of_year_before"]) - 1 for r in rows]
    got = found(market, "nasdaq_start", "2026-01-20")
    assert got.value["return"] == pytest.approx(100 * moves[-1])
    assert got.value["percentile"] == pytest.approx(
        100 * sum(move < moves[-1] for move in moves) / len(moves)
    )
    closes = [
        float(r["nasdaq_composite"]) for r in raw("nasdaq_closes") if r["date"] <= "2026-01-20"
    ]
    daily = [b / a - 1 for a, b in pairwise(closes)]
    got = found(market, "nasdaq_volatility", "2026-01-20", start="2025-12-31")
    assert got.value == pytest.approx(100 * statistics.stdev(daily))
    assert got.n == 12


def test_intraday_record(market):
    highs = {row["date"]: float(row["high"]) for row in raw("russell_2000_highs")}
    before = max(high for day, high in highs.items() if day < "2026-01-15")
    got = found(market, "intraday_record", "2026-01-15", date="2026-01-15")
    assert got.value == pytest.approx(highs["2026-01-15"] - before) == pytest.approx(35.97)
    assert found(market, "intraday_record", "2026-01-20", date="2026-01-20").value < 0


@pytest.mark.parametrize(
    ("as_of", "value"), [("2026-01-04", 48.2), ("2026-01-12", 47.9), ("2026-02-02", 52.6)]
)
def test_pmi_as_released(market, as_of, value):
    assert found(market, "pmi_released", as_of).value == value


def test_pmi_beyond_its_table_is_refused(market):
    with pytest.raises(InputError, match=r"pmi_readings\.csv is complete through 2026-03-31"):
        found(market, "pmi_released", "2026-04-15")


def test_odds_that_a_price_allows(market):
    got = found(market, "odds_of_cuts", "2026-01-22", cuts=3, effective=3.64)
    assert got.value == pytest.approx(100 * (3.64 - (100 - 96.785)) / 0.75)
    # Markov: three cuts at those odds and none otherwise give the same expected fall.
    assert got.value / 100 * 75 == pytest.approx(42.5)
    assert found(market, "odds_of_cuts", "2026-01-22", cuts=1, effective=3.64).value == 100


def test_earnings_that_moved_more(market):
    got = found(
        market, "earnings_swings", "2026-01-16", small="Russell 2000", large="S&P 500"
    ).value
    assert sorted(got.values()) == [26 - 0, (63 - 32) - (16 - 13)]


def test_the_largest_share_that_a_part_allows(market):
    call = {
        "index": "sp_500",
        "subject": "Magnificent Seven",
        "metric": "share of the S&P 500 return",
        "provider": "First Trust",
        "covers": ["2024-12-31", "2025-09-30"],
        "start": "2022-12-31",
        "end": "2025-12-31",
    }
    got = found(market, "largest_share", "2025-12-31", **call).value
    # By hand: 3,839.50, 5,881.63, 6,688.46 and 6,845.50 at the four closes.
    part, gain = 6688.46 - 5881.63, 6845.50 - 3839.50
    assert got == pytest.approx(100 * (gain - (1 - 0.418) * part) / gain, abs=1e-3)
    assert got == pytest.approx(84.4, abs=0.05)
    with pytest.raises(InputError, match="expected an estimate by Nobody"):
        found(market, "largest_share", "2025-12-31", **call | {"provider": "Nobody"})


def test_a_range_keeps_a_decimal_more_than_its_reading():
    assert published._places(3.28) == 3
    assert published._places(16.0) == 1


def test_what_a_bank_published_stands_beside_the_percentile(market):
    call = {"readings": 40, "give": "share above", "provider": "BofA"}
    got = found(market, "relative_multiple_standing", "2026-01-22", **call)
    assert got.value == 97.5
    assert got.beside.endswith(
        "forward P/E 0.72 on 2025-09-30, the same to two decimals on 2023-11-30, lowest of BofA's "
        "8 readings 0.7 on 2022-08-31, one provider only; 4 of them lower"
    )


def test_ranks_on_two_metrics(market):
    got = found(
        market,
        "relative_multiple_standing",
        "2025-12-31",
        readings=25,
        provider="BofA",
        give="both ranks",
    )
    ratios = [
        float(r["quintile_2"]) / float(r["quintile_5"]) for r in raw("size_price_to_book")[-25:]
    ]
    assert got.value["price-to-book"] == 1 + sum(one < ratios[-1] for one in ratios)
    published = [0.71, 0.70, 0.71, 0.72, 0.75, 0.73, 0.70, 0.72]  # as the bank's notes gave them
    assert got.value["forward P/E, BofA"] == 1 + sum(one < 0.72 for one in published) == 5


@pytest.mark.parametrize(
    "call",
    [
        {"measure": "moves_announced", "start": "2025-12-31"},
        {"measure": "target_change", "start": "2026-01-16"},
        {"measure": "target_range"},
    ],
)
def test_no_news_of_the_fed_is_not_no_move(market, call):
    with pytest.raises(InputError, match=r"fed_target_changes\.csv is complete through 2026-08-21"):
        measures.measure(market, pd.Timestamp("2026-10-07"), call)
    measures.measure(market, pd.Timestamp("2026-08-21"), call)


# Verdicts that changed when published figures and closes to October came in, and why.
CHANGED = {
    "HR-15": ("supported", "funds stand for the size groups: each group fell less than the larger"),
    "HR-59": ("supported", "closes of the index: -1.24%, 10 of 55 years began lower"),
    "NX-17": ("supported", "intraday highs: 2689.28 after 2653.31"),
    "CS-23": ("supported", "two sources, both ways of counting"),
    "CS-24": ("supported", "76 to 80% by three providers"),
    "CS-16": (
        "supported",
        "22 by two providers within ten days; one press page of February before",
    ),
    "HR-46": ("contradicted", "59 to 62% for large caps, not 52"),
    "HR-49": ("contradicted", "financials sixth of seven sector funds"),
    "HR-50": ("contradicted", "the price allows 57% at most"),
    "HR-66": ("contradicted", "the three multiples that are published lie elsewhere"),
    "HR-73": ("contradicted", "at the published weight of two fifths the parts make -2.4"),
    "NX-21": ("contradicted", "at most 84% of the gain: less than nine tenths"),
    "AI-16": ("contradicted", "47.9 was the last reading by then; the turn came in February"),
    "AI-15": ("inconclusive", "30 to 51% by what is counted"),
    "NX-07": ("inconclusive", "roughly 16 within a tolerance that ends at 16"),
    "SA-11": ("inconclusive", "lowest by price-to-book, not by one bank's forward P/E"),
    "NX-06": ("inconclusive", "one of the two metrics that could be looked at"),
    "CS-05": ("inconclusive", "lowest by price-to-book, not by one bank's forward P/E"),
    "SA-15": ("pending", "a forecast, with the estimates so far beside it"),
    "SA-22": ("pending", "a forecast, with the estimates so far beside it"),
}


@pytest.mark.parametrize("claim_id", CHANGED)
def test_a_verdict_that_changed(registry, claim_id):
    assert registry.check(claim_id).grade.outcome == CHANGED[claim_id][0]


def test_a_forecast_fell_due(registry):
    # Ahead in the second quarter, behind in the third; what "could" makes of that is grading's.
    check = registry.check("HR-53")
    assert check.grade.outcome != "pending"
    leads = [round(one, 1) for one in check.measured.values()]
    assert leads == [6.3, -9.6]


def test_at_most_fourteen_are_not_testable(registry):
    untested = [one.claim_id for one in registry.claims.values() if one.rule == "none"]
    assert len(untested) <= 14
    assert all(registry.claims[one].note for one in untested)  # what would decide it


class TestEstimates:
    @pytest.mark.parametrize(
        ("measured", "error", "outcome", "reason"),
        [
            ({"a": 30, "b": 33}, {}, "supported", "all estimates agree"),
            ({"a": 51, "b": 45}, {}, "contradicted", "no estimate agrees"),
            ({"a": 30, "b": 45}, {}, "inconclusive", "the estimates disagree"),
            ({"a": 34}, {"a": [33, 36]}, "inconclusive", "too close to tell"),
            ({"a": 34, "b": 51}, {"a": [33, 36]}, "inconclusive", "too close to tell"),
            ({"a": 36}, {"a": [24, 36]}, "inconclusive", "too close to tell"),
            ({"a": 34}, {"a": [33, 35]}, "supported", "all estimates agree"),
        ],
    )
    def test_all_on_one_side_beyond_their_errors(self, measured, error, outcome, reason):
        verdict = grading.grade("in range", [25, 35], measured, reading="estimates", error=error)
        assert (verdict.outcome, verdict.reason) == (outcome, reason)

    def test_all_of_takes_the_worst(self):
        bound = {"small": {"at least": 75}, "large": {"below": 10}}
        measured = {"small": {"a": 80, "b": 76}, "large": {"a": 8, "b": 25}}
        grade = grading.grade("all of", bound, measured, reading="estimates")
        assert grade.outcome == "inconclusive"
        measured["small"] = {"a": 60}
        grade = grading.grade("all of", bound, measured, reading="estimates")
        assert (grade.outcome, grade.reason) == ("contradicted", "a condition fails")
        measured["large"] = {"a": 25}
        grade = grading.grade("all of", bound, measured, reading="estimates")
        assert (grade.outcome, grade.reason) == ("contradicted", "no estimate agrees")

    def test_one_figure_of_a_user_s_own_is_judged_as_a_fact(self):
        verdict = grading.grade("within", 1.0, 18.4, stated=18.0, reading="estimates")
        assert (verdict.outcome, verdict.reason) == ("supported", "within tolerance")


def test_providers_are_counted_as_the_tables_say():
    rows = raw("published_estimates")
    for row in rows:
        same = [one for one in rows if all(one[k] == row[k] for k in ("subject", "metric"))]
        assert int(row["providers"]) == len({one["provider_basis"] for one in same}), row
    rows = [
        r | {"who": r["provider_basis"].split()[0].split("/")[0]} for r in raw("valuation_readings")
    ]
    for row in rows:
        day = pd.Timestamp(row["as_of"])
        near = {
            one["who"]
            for one in rows
            if (one["index"], one["metric"]) == (row["index"], row["metric"])
            and abs((pd.Timestamp(one["as_of"]) - day).days) <= 31
        }
        assert int(row["providers"]) == len(near), row
