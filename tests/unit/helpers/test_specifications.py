"""The declared choices, and each family's samples against plain loops over the shipped tables."""

from __future__ import annotations

import inspect
from bisect import bisect_right
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import multiverse, positions, specifications
from helpers.errors import InputError
from helpers.multiverse import STATISTIC, History
from helpers.specifications import BY_CLAIM, FAMILIES, POST_STREAK, RATE_CUTS
from support.data import FIRST_CUTS, closes_of, raw

FAMILY = {family.name: family for family in FAMILIES}
# Last day of the data of each family: that of its claims, and for the analog one by which the
# fourteen sessions after day 0 are known.
DAYS = {
    "post_streak": "2026-01-20",
    "rate_cuts": "2026-01-12",
    "lead_episodes": "2026-01-20",
    "breakouts": "2026-01-22",
    "recessions": "2026-01-22",
    "valuation_percentile": "2026-01-22",
    "valuation_rank": "2025-12-31",
    "valuation_score": "2025-12-31",
    "margin_of_safety": "2025-12-31",
    "narrowing": "2025-12-31",
    "small_value_after_2000": "2007-03-31",
    "large_caps_before_2000": "2000-03-31",
    "analog_2019": "2026-01-30",
}
SMALL, LARGE = "russell_2000", "sp_500"


@pytest.fixture(scope="module")
def found(market) -> dict[str, pd.DataFrame]:
    """Labels and ``estimate`` of every combination of each family."""
    tables = {}
    for name, family in FAMILY.items():
        history = History(market.until(DAYS[name]))
        estimates = multiverse.estimates(family, history)
        tables[name] = multiverse.combinations(family).assign(estimate=estimates)
    return tables


def estimate(found: dict[str, pd.DataFrame], family: str, **labels: str) -> float:
    """The estimate of the one combination with these labels, the row's own ones elsewhere."""
    table = found[family]
    for name, label in (FAMILY[family].own | labels).items():
        table = table[table[name] == label]
    (value,) = table["estimate"]
    return value


# The tables, read and cut without the package ---------------------------------------------------


@lru_cache
def closes_by(day: str) -> pd.DataFrame:
    frame = pd.DataFrame(raw("index_closes")).set_index("date").astype(float)
    frame.index = pd.to_datetime(frame.index, format="%Y-%m-%d")
    return frame.loc[:day]


def monthly(table: str, *columns: str) -> dict[str, tuple[float, ...]]:
    """Month → returns of portfolios, fractions."""
    return {
        row["month"]: tuple(float(row[f"{name}_percent"]) / 100 for name in columns)
        for row in raw(table)
    }


def next_months(month: str, n: int) -> list[str]:
    period = pd.Period(month, "M")
    return [str(period + k) for k in range(1, n + 1)]


def lead_over(months: list[str], table: dict[str, tuple[float, ...]]) -> float | None:
    """Compound small and large over some months; None where one is missing."""
    small = large = 1.0
    for month in months:
        if month not in table:
            return None
        small, large = small * (1 + table[month][0]), large * (1 + table[month][1])
    return 100 * (small - large)


def index_lead(closes: pd.DataFrame, start: int, end: int) -> float:
    small, large = (closes[name].iloc[end] / closes[name].iloc[start] for name in (SMALL, LARGE))
    return 100 * (small - large)


def end_of_window(closes: pd.DataFrame, start: int, calendar: bool) -> int | None:
    """Last row of a window of 252 sessions or 12 calendar months; None if it is not full."""
    if not calendar:
        return start + 252 if start + 252 < len(closes) else None
    day = closes.index[start] + pd.DateOffset(months=12)
    if day > closes.index[-1]:
        return None
    end = start
    while end + 1 < len(closes) and closes.index[end + 1] <= day:
        end += 1
    return end


def index_leads(
    closes: pd.DataFrame, starts: list[int], calendar: bool, apart: bool
) -> list[float]:
    """Leads after some rows, those without a full window left out."""
    leads, free = [], -1
    for start in starts:
        end = end_of_window(closes, start, calendar)
        if apart and start < free:
            continue
        free = len(closes) if end is None else end
        if end is not None:
            leads.append(index_lead(closes, start, end))
    return leads


def month_leads(months: list[str], table: dict[str, tuple[float, ...]], apart: bool) -> list[float]:
    leads, free = [], "0000-00"
    for month in months:
        if apart and month < free:
            continue
        after = next_months(month, 12)
        free = after[-1]
        lead = lead_over(after, table)
        if lead is not None:
            leads.append(lead)
    return leads


# Declared data ----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
class TestDeclared:
    def test_each_option_has_a_reason_of_its_own(self, family):
        for choice in family.choices:
            reasons = [option.reason.strip().lower() for option in choice.options]
            assert all(reasons), choice.name
            assert len(set(reasons)) == len(reasons), choice.name

    def test_labels_values_and_titles_are_told_apart(self, family):
        names, titles = zip(*((c.name, c.title) for c in family.choices), strict=True)
        assert len(set(names)) == len(names)
        assert len(set(titles)) == len(titles)
        for choice in family.choices:
            assert len({option.label for option in choice.options}) == len(choice.options)
            assert len({option.value for option in choice.options}) == len(choice.options)

    def test_choices_are_the_arguments_of_the_sample(self, family):
        chosen = [choice.name for choice in family.choices if choice.name != STATISTIC]
        parameters = list(inspect.signature(family.sample).parameters.values())[1:]
        if parameters[0].kind is inspect.Parameter.VAR_KEYWORD:
            parameters = list(inspect.signature(specifications._cut_rows).parameters.values())[1:]
        assert chosen == [parameter.name for parameter in parameters]

    def test_every_option_takes_part_and_no_combination_comes_twice(self, family):
        table = multiverse.combinations(family)
        assert not table.duplicated().any()
        for choice in family.choices:
            assert set(table[choice.name]) == {option.label for option in choice.options}

    def test_first_combination_is_the_row_s_own(self, family):
        assert multiverse.combinations(family).iloc[0].to_dict() == family.own

    def test_says_what_it_estimates(self, family):
        assert family.question
        assert family.unit
        assert family.name.isidentifier()


def test_large_families_have_some_500_combinations():
    assert 400 <= len(multiverse.combinations(POST_STREAK)) <= 600
    assert 400 <= len(multiverse.combinations(RATE_CUTS)) <= 600


def test_families_answer_for_the_tendencies_and_contested_estimates():
    ainvest, historic = {"AI-10", "AI-12", "AI-13"}, {"HR-13", "HR-20", "HR-42", "HR-67", "HR-70"}
    sausalito, spring = {"SA-11", "SA-12", "SA-13"}, {"CS-21", "CS-22"}
    assert set(BY_CLAIM) == ainvest | historic | sausalito | spring
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_days_of_the_tests_are_those_of_the_rows(loaded_claims):
    for claim_id, family in BY_CLAIM.items():
        day = pd.Timestamp(DAYS[family.name])
        # CS-21 repeats HR-70 on data that end six days earlier, within one month.
        assert loaded_claims.get(claim_id).as_of.to_period("M") == day.to_period("M")


# The row's own reading --------------------------------------------------------------------------


@pytest.mark.parametrize("claim_id", [claim for claim in BY_CLAIM if claim != "AI-13"])
def test_first_combination_is_what_the_claim_measures(found, loaded_claims, claim_id):
    measured = loaded_claims.measure(claim_id).value
    if isinstance(measured, dict):
        measured = next(iter(measured.values()))  # the mean, or the shortest window
    own = found[BY_CLAIM[claim_id].name]["estimate"].iloc[0]
    assert own == pytest.approx(measured, rel=1e-9)


def test_first_combination_of_the_margin_is_against_the_lowest_june(found):
    ratio = {row["june"]: float(row["quintile_2"]) / float(row["quintile_5"]) for row in BOOK}
    lowest = min(ratio[f"{year}-06"] for year in (1998, 1999, 2000))
    expected = 100 * (ratio["2025-06"] / lowest - 1)
    assert found["margin_of_safety"]["estimate"].iloc[0] == pytest.approx(expected, rel=1e-9)


BOOK = raw("size_price_to_book")


# Streaks ----------------------------------------------------------------------------------------


def streaks_by_loop(closes: pd.DataFrame, margin: float, least: int, since: str) -> list[tuple]:
    """First and last winning row of the streaks that ended, begun after the first close."""
    small, large = (closes[name].tolist() for name in (SMALL, LARGE))
    first_close = next(row for row, day in enumerate(closes.index) if day >= pd.Timestamp(since))
    found, begun = [], None
    for row in range(1, len(closes)):
        won = small[row] / small[row - 1] - large[row] / large[row - 1] > margin
        if won and begun is None:
            begun = row
        elif not won and begun is not None:
            if row - begun >= least and begun > first_close:
                found.append((begun, row - 1))
            begun = None
    return found


# labels, then what they mean for the loop: margin, least, since, start, calendar, apart, statistic
STREAK_SPECS = [
    (
        {
            "least": "8 sessions",
            "since": "1988",
            "start": "first loss",
            "overlap": "apart",
            "statistic": "median",
        },
        (0.0, 8, "1987-12-31", "loss", False, True, np.median),
    ),
    (
        {
            "won": "a basis point",
            "least": "10 sessions",
            "since": "1984",
            "start": "length reached",
            "outcome": "index, 12 months",
        },
        (0.0001, 10, "1983-12-30", "reached", True, False, np.mean),
    ),
    (
        {"least": "10 sessions", "outcome": "index, 12 months", "overlap": "apart"},
        (0.0, 10, "1978-12-29", "end", True, True, np.mean),
    ),
    (
        {"won": "a basis point", "least": "8 sessions", "statistic": "median"},
        (0.0001, 8, "1978-12-29", "end", False, False, np.median),
    ),
]


@pytest.mark.parametrize(("labels", "meaning"), STREAK_SPECS)
def test_after_streaks_agrees_with_a_loop(found, labels, meaning):
    margin, least, since, start, calendar, apart, statistic = meaning
    closes = closes_by(DAYS["post_streak"])
    pairs = streaks_by_loop(closes, margin, least, since)
    starts = [{"end": b, "loss": b + 1, "reached": a + least - 1}[start] for a, b in pairs]
    leads = index_leads(closes, starts, calendar, apart)
    assert estimate(found, "post_streak", **labels) == pytest.approx(statistic(leads), rel=1e-9)


@pytest.mark.parametrize("apart", [True, False])
def test_after_streaks_on_portfolios_agrees_with_a_loop(found, apart):
    closes = closes_by(DAYS["post_streak"])
    ends = [str(closes.index[b])[:7] for _, b in streaks_by_loop(closes, 0.0, 8, "1983-12-30")]
    months = [month for month, _ in groupby(ends)]  # two streaks of one month are one event
    table = monthly("size_portfolios_monthly", "small", "large")
    leads = month_leads(months, {m: r for m, r in table.items() if m <= "2025-12"}, apart)
    labels = {"least": "8 sessions", "since": "1984", "outcome": "size portfolios"}
    found_ = estimate(found, "post_streak", **labels, overlap="apart" if apart else "all events")
    assert found_ == pytest.approx(np.mean(leads), rel=1e-9)


def test_streaks_of_eight_days_since_1988_are_as_many_as_published(market):
    history = History(market.until("2025-12-31"))
    rows = specifications._long_runs(history, 0.0, 8, specifications._since(history, "1987-12-31"))
    assert len(rows["end"]) == 19
    assert (rows["end"] >= rows["reached"]).all()


def test_a_streak_that_still_runs_is_no_event(market):
    closes = closes_by("2026-01-20")
    small, large = closes[SMALL].pct_change(), closes[LARGE].pct_change()
    assert (small > large).iloc[-12:].all()  # the streak of January 2026
    _, ends = specifications._runs(History(market.until("2026-01-20")), 0.0)
    assert ends[-1] < len(closes) - 12


# Cuts -------------------------------------------------------------------------------------------


def cuts_by_loop(size: float, quiet: int, after_rise: bool, since: str) -> list[pd.Timestamp]:
    """First cuts, by going through the changes of the target one by one."""
    dates, last_move, last_cut = [], None, None
    for row in raw("fed_target_changes"):
        if not row["change_bp"] or abs(change := float(row["change_bp"])) < size:
            continue
        day = pd.Timestamp(row["announced"])
        if change < 0:
            calm = last_cut is None or last_cut + pd.DateOffset(months=quiet) <= day
            turned = not after_rise or (last_move is not None and last_move > 0)
            if calm and turned and day >= pd.Timestamp(since):
                dates.append(day)
            last_cut = day
        last_move = change
    return dates


CUT_SPECS = [
    (
        {
            "quiet": "24 months",
            "since": "1994",
            "start": "next close",
            "outcome": "index, 12 months",
            "statistic": "median",
        },
        (25, 24, True, "1994-02-04", 1, True, False, np.median),
    ),
    (
        {
            "quiet": "6 months",
            "before": "after any pause",
            "start": "the close before",
            "overlap": "apart",
            "statistic": "median",
        },
        (25, 6, False, "1982-09-27", -1, False, True, np.median),
    ),
    (
        {"size": "any size", "quiet": "6 months"},
        (0.5, 6, True, "1982-09-27", 0, False, False, np.mean),
    ),
]


@pytest.mark.parametrize(("labels", "meaning"), CUT_SPECS)
def test_after_cuts_agrees_with_a_loop(found, labels, meaning):
    *rule, step, calendar, apart, statistic = meaning
    closes = closes_by(DAYS["rate_cuts"])
    starts = []
    for day in cuts_by_loop(*rule):
        starts.append(bisect_right(list(closes.index), day) - 1 + step)
    leads = index_leads(closes, starts, calendar, apart)
    assert estimate(found, "rate_cuts", **labels) == pytest.approx(statistic(leads), rel=1e-9)


@pytest.mark.parametrize(("start", "back"), [("announcement", 0), ("the close before", 1)])
def test_after_cuts_on_portfolios_agrees_with_a_loop(found, start, back):
    days = [row["announced"] for row in raw("discount_rate_first_cuts")]
    days += [str(day) for day in cuts_by_loop(0.5, 6, False, "1982-09-27")]
    months = [str(pd.Period(day[:7], "M") - back) for day in days]
    table = monthly("size_portfolios_monthly", "small", "large")
    leads = month_leads(months, {m: r for m, r in table.items() if m <= "2025-12"}, apart=False)
    value = estimate(
        found,
        "rate_cuts",
        size="any size",
        quiet="6 months",
        before="after any pause",
        start=start,
        outcome="size portfolios",
        older="discount rate too",
    )
    assert value == pytest.approx(np.mean(leads), rel=1e-9)


def test_own_first_cuts_are_the_nine_published(market):
    history = History(market)
    values = {choice.name: choice.options[0].value for choice in RATE_CUTS.choices}
    values.pop(STATISTIC)
    rows, first = specifications._cut_rows(history, *values.values())
    assert [str(day.date()) for day in market.closes.index[rows]] == FIRST_CUTS
    assert str(market.closes.index[first].date()) == "1982-09-27"


def test_older_cuts_open_an_older_history(market):
    values = {choice.name: choice.options[0].value for choice in RATE_CUTS.choices}
    values.pop(STATISTIC)
    values |= {"outcome": specifications.SIZED, "older": True}
    rows, first = specifications._cut_rows(History(market), *values.values())
    months = market.portfolios.index
    assert len(rows) == 8 + 9
    assert (str(months[first]), str(months[rows[0]])) == ("1954-02", "1954-02")


# Leads, breakouts, recessions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "width", "gap", "since", "points"),
    [
        (
            {"points": "as measured", "window": "21 sessions", "gap": "252 sessions"},
            21,
            252,
            "1978-12-29",
            None,
        ),
        (
            {"window": "15 sessions", "gap": "63 sessions", "since": "1984"},
            15,
            63,
            "1983-12-30",
            7.8,
        ),
    ],
)
def test_lead_episodes_agree_with_a_loop(found, labels, width, gap, since, points):
    closes = closes_by(DAYS["lead_episodes"])
    if points is None:
        points = index_lead(closes, len(closes) - 1 - width, len(closes) - 1)
    small, large = (closes[name].tolist() for name in (SMALL, LARGE))
    episodes, last = 0, None
    for row, day in enumerate(closes.index):
        if row < width or not pd.Timestamp(since) <= day <= pd.Timestamp("2025-12-31"):
            continue
        if 100 * (small[row] / small[row - width] - large[row] / large[row - width]) >= points:
            episodes += last is None or row - last > gap
            last = row
    assert estimate(found, "lead_episodes", **labels) == episodes


def test_after_breakouts_agrees_with_a_loop(found):
    level = closes_by(DAYS["breakouts"])[LARGE].tolist()
    top, top_row, starts = -1.0, None, []
    for row, close in enumerate(level):
        if close > top:
            if top_row is not None and row - top_row - 1 >= 252:
                starts.append(row)
            top, top_row = close, row
    change = {row: 100 * (level[row + 63] / level[row] - 1) for row in range(len(level) - 63)}
    kept, free = [], -1
    for row in starts:
        if row >= free:
            free = row + 63
            if row in change:
                kept.append(change[row] - sum(change.values()) / len(change))
    labels = {"index": "S&P 500", "quiet": "252 sessions", "sessions": "63 sessions"}
    value = estimate(found, "breakouts", **labels, overlap="apart")
    assert value == pytest.approx(np.mean(kept), rel=1e-9)


@pytest.mark.parametrize(("quiet", "rows"), [(3, [4, 9]), (4, [9]), (5, [])])
def test_breakouts_end_so_many_sessions_without_a_record(market, quiet, rows):
    closes = closes_of([100, 99, 98, 100, 101, 90, 91, 101, 100, 102, 103])
    sample = specifications._after_breakouts(
        History(replace(market, closes=closes)), SMALL, quiet, 1, specifications.ALL
    )
    assert sample.events.tolist() == rows


def test_in_recessions_on_the_index_agrees_with_a_loop(found):
    closes, leads = closes_by(DAYS["recessions"]), []
    ends = closes.groupby(closes.index.strftime("%Y-%m")).last()
    for row in raw("recessions"):
        year_on = next_months(row["peak"], 12)[-1]
        if row["peak"] >= "1979-01" and year_on in ends.index:
            small, large = (ends.loc[year_on] / ends.loc[row["peak"]])[[SMALL, LARGE]]
            leads.append(100 * (small - large))
    labels = {"instrument": "index", "since": "1979", "window": "a year from the peak"}
    value = estimate(found, "recessions", **labels, statistic="median")
    assert value == pytest.approx(np.median(leads), rel=1e-9)


def test_in_recessions_on_portfolios_agrees_with_a_loop(found):
    table, leads = monthly("size_portfolios_monthly", "small", "large"), []
    for row in raw("recessions"):
        if row["peak"] >= "1945-01":
            start, end = pd.Period(row["peak"], "M") - 6, pd.Period(row["trough"], "M")
            leads.append(lead_over(next_months(str(start), (end - start).n), table))
    value = estimate(found, "recessions", since="1945", window="six months earlier")
    assert value == pytest.approx(np.mean(leads), rel=1e-9)


# Valuation --------------------------------------------------------------------------------------


def multiples(small: str, large: str, gap: str = "ratio", moved: str = "") -> list[float]:
    """The relative multiple of each June, the last one moved by price by the day given."""
    low, high = ([float(row[name]) for row in BOOK] for name in (small, large))
    if moved:
        closes = closes_by(moved)
        now, june = closes.iloc[-1], closes.loc[:"2025-06-30"].iloc[-1]
        low[-1], high[-1] = low[-1] * now[SMALL] / june[SMALL], high[-1] * now[LARGE] / june[LARGE]
    return [a / b if gap == "ratio" else a - b for a, b in zip(low, high, strict=True)]


def test_percentile_agrees_with_a_loop(found):
    last = multiples("quintile_1", "quintile_4", "difference", DAYS["valuation_percentile"])[-40:]
    expected = 100 * sum(value > last[-1] for value in last) / 40
    labels = {"small": "quintile 1", "large": "quintile 4", "gap": "difference"}
    value = estimate(found, "valuation_percentile", **labels, moved="moved by price")
    assert value == pytest.approx(expected)


def test_rank_agrees_with_a_loop(found):
    last = multiples("quintile_3", "quintile_4", "difference", DAYS["valuation_rank"])[-25:]
    expected = 1 + sum(value < last[-1] for value in last)
    labels = {"small": "quintile 3", "large": "quintile 4", "gap": "difference"}
    assert estimate(found, "valuation_rank", **labels, moved="moved by price") == expected


def test_rank_at_any_date_is_among_25_junes(market):
    ratio = multiples("quintile_2", "quintile_5")
    for year in range(1960, 2025):
        last = ratio[year - 1926 - 24 : year - 1926 + 1]
        early = History(market.until(f"{year}-12-31"))
        sample = specifications._rank(early, "quintile_2", "quintile_5", "ratio", False)
        assert sample.outcomes.tolist() == [1 + sum(value < last[-1] for value in last)]


def test_score_agrees_with_a_loop(found):
    logs = np.log(multiples("quintile_3", "quintile_4"))
    later = [value for value, row in zip(logs, BOOK, strict=True) if row["june"] >= "1963"]
    span = [value for value, row in zip(logs, BOOK, strict=True) if row["june"] >= "2020-06"]
    assert len(span) == 6
    mean = sum(later) / len(later)
    deviation = (sum((value - mean) ** 2 for value in later) / (len(later) - 1)) ** 0.5
    value = estimate(
        found,
        "valuation_score",
        small="quintile 3",
        large="quintile 4",
        logs="log ratio",
        since="1963",
        center="mean",
        first="June 2020",
    )
    assert value == pytest.approx((sum(span) / 6 - mean) / deviation, rel=1e-9)


def test_margin_by_its_own_multiple_agrees_with_a_loop(found):
    closes = closes_by(DAYS["margin_of_safety"])[SMALL]
    own = {row["june"]: float(row["quintile_1"]) for row in BOOK}
    now = own["2025-06"] * closes.iloc[-1] / closes.loc[:"2025-06-30"].iloc[-1]
    then = (own["1998-06"] + own["1999-06"] + own["2000-06"]) / 3
    labels = {"small": "quintile 1", "against": "itself", "junes": "their mean"}
    value = estimate(found, "margin_of_safety", **labels, moved="moved by price")
    assert value == pytest.approx(100 * (now / then - 1), rel=1e-9)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("depth", "apart"), [(20, True), (20, False), (10, False), (5, False)])
def test_narrowing_agrees_with_a_loop(found, market, known, depth, apart):
    ratio, years = multiples("quintile_1", "quintile_5"), [int(row["june"][:4]) for row in BOOK]
    table = monthly("size_portfolios_monthly", "small", "large")
    events, came, free = [], [], 0
    for i, value in enumerate(ratio):
        seen = ratio[: i + 1]
        if known:
            low = i >= 19 and 100 * sum(other < value for other in seen) / len(seen) <= depth
        else:
            low = value <= np.quantile(ratio, depth / 100)
        if not low or (apart and years[i] < free):
            continue
        free = years[i] + 3
        events.append(i)
        lead = lead_over(next_months(BOOK[i]["june"], 36), table)
        # June 1926 lies before the portfolios' first month.
        if lead is not None and years[i] > 1926:
            came.append(lead > 0)
    history = History(market.until(DAYS["narrowing"]))
    overlap = specifications.APART if apart else specifications.ALL
    sample = specifications._narrowing(history, "quintile_1", depth, 3, known, "led", overlap)
    assert sample.events.tolist() == events
    value = estimate(
        found,
        "narrowing",
        small="quintile 1",
        depth=f"lowest {depth}%",
        years="3 years",
        known="as known then" if known else "of all Junes",
        outcome="small caps led",
        overlap="apart" if apart else "all events",
    )
    if came:
        assert value == pytest.approx(sum(came) / len(came))
    else:
        assert np.isnan(value)


@pytest.mark.parametrize(
    ("family", "labels", "long", "start", "months"),
    [
        (
            "small_value_after_2000",
            {"start": "December 1999", "months": "60 months"},
            "me2_bm5",
            "1999-12",
            60,
        ),
        (
            "large_caps_before_2000",
            {"long": "micro-cap value", "start": "October 1990", "months": "108 months"},
            "small_hibm",
            "1990-10",
            108,
        ),
    ],
)
def test_annual_leads_agree_with_a_loop(found, family, labels, long, start, months):
    side = monthly("size_value_portfolios_monthly", long)
    large = monthly("size_portfolios_monthly", "large")
    grown = [1.0, 1.0]
    for month in next_months(start, months):
        grown = [grown[0] * (1 + side[month][0]), grown[1] * (1 + large[month][0])]
    expected = 100 * (grown[0] ** (12 / months) - grown[1] ** (12 / months))
    assert estimate(found, family, **labels) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("start", "n"), [("September 2002", 84), ("August 2000", 84)])
def test_windows_beyond_the_data_are_nothing_to_look_at(found, start, n):
    labels = {"start": start, "months": f"{n} months"}
    assert np.isnan(estimate(found, "small_value_after_2000", **labels))


# The analog -------------------------------------------------------------------------------------


def january_streak(closes: pd.DataFrame, year: int) -> tuple[int, int]:
    """Rows before the first and of the last win of the longest streak that ended in January."""
    within = [
        (b - a + 1, a - 1, b)
        for a, b in streaks_by_loop(closes, 0.0, 1, "1978-12-29")
        if (closes.index[b].year, closes.index[b].month) == (year, 1)
    ]
    return max(within)[1:]


def windows_by_loop(closes: pd.DataFrame, zero: int, before: int, after: int) -> dict[int, tuple]:
    """Row of day 0 → distance and correlation of each window that shares no day with zero's."""
    path = 100 * np.log(closes[SMALL] / closes[LARGE]).to_numpy()
    path = path[: zero + after + 1]

    def shape(row: int) -> np.ndarray:
        return path[row - before : row + after + 1] - path[row]

    own, table = shape(zero), {}
    turned = own - own.mean()
    for row in range(max(before, 1), len(path) - after):
        if abs(row - zero) > before + after:
            other = shape(row)
            gap, other = other - own, other - other.sum() / len(other)
            likeness = other @ turned / ((other @ other) * (turned @ turned)) ** 0.5
            table[row] = (gap @ gap / len(gap)) ** 0.5, likeness
    return table


def test_analog_by_distance_agrees_with_a_loop(found):
    closes = closes_by(DAYS["analog_2019"])
    table = windows_by_loop(closes, january_streak(closes, 2026)[0], 63, 14)
    own = table[january_streak(closes, 2019)[0]][0]
    closer = sum(distance < own for distance, _ in table.values())
    expected = 100 * closer / (len(table) - 1)
    assert estimate(found, "analog_2019") == pytest.approx(expected)


def test_analog_by_correlation_among_streaks_agrees_with_a_loop(found):
    closes = closes_by(DAYS["analog_2019"])
    then, now = january_streak(closes, 2019), january_streak(closes, 2026)
    table = windows_by_loop(closes, now[1], 126, 0)
    length = then[1] - then[0]
    pool = {b for _, b in streaks_by_loop(closes, 0.0, length, "1978-12-29")} & set(table)
    own = table[then[1]][1]
    alike = sum(table[row][1] > own for row in pool)
    labels = {"zero": "streak's last close", "before": "126 sessions", "after": "none"}
    value = estimate(
        found, "analog_2019", **labels, distance="correlation", pool="before such streaks"
    )
    assert value == pytest.approx(100 * alike / (len(pool) - 1))


# Parts ------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 40)), max_size=25))
def test_events_apart_agree_with_brute_force(pairs):
    pairs = sorted({row: (row, row + width) for row, width in pairs}.values())
    rows, ends = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    expected = []
    for row, end in pairs:
        if all(row >= other_end for _, other_end in expected):
            expected.append((row, end))
    kept = positions.apart(rows, ends)
    assert kept.tolist() == [row for row, _ in expected]
    assert kept.dtype.kind == "i"


def test_a_window_of_calendar_months_ends_with_its_last_close(market):
    history = History(market)
    ends, dates = specifications._ends(history, specifications.MONTHS), market.closes.index
    row = dates.get_loc("2024-02-29")
    assert str(dates[ends[row]].date()) == "2025-02-28"
    assert ends[-1] == len(dates)  # no full window


@pytest.mark.parametrize(
    ("length", "end"),
    [(specifications.SESSIONS, "2024-12-31"), (specifications.MONTHS, "2024-12-27")],
)
def test_last_full_window_ends_with_the_data(market, length, end):
    history = History(market.until("2024-12-31"))  # a year of 252 sessions
    leads, closes = specifications._index_leads(history, length), history.market.closes
    last = int(np.isfinite(leads).nonzero()[0][-1])
    assert str(closes.index[last].date()) == "2023-12-29"
    assert leads[last] == pytest.approx(index_lead(closes, last, closes.index.get_loc(end)))


@pytest.mark.parametrize("day", ["1979-03-01", "1988-01-15"])
def test_early_dates_leave_estimates_or_nothing(market, day):
    history = History(market.until(day))
    counts = {
        name: np.isfinite(multiverse.estimates(FAMILY[name], history)).sum()
        for name in ("post_streak", "breakouts", "recessions", "margin_of_safety", "analog_2019")
    }
    assert counts["analog_2019"] == counts["margin_of_safety"] == 0
    assert counts["recessions"] > 0
    # By March 1979 no year had passed since any streak or record.
    assert (counts["post_streak"] > 0) == (counts["breakouts"] > 0) == (day > "1979-12")


def test_a_history_that_has_not_begun_is_nothing_to_look_at(market):
    curve = multiverse.curve(POST_STREAK, market.until("1983-06-30"))
    assert set(curve.table["since"]) == {"1979"}
    with pytest.raises(InputError, match="history from 1983-12-30: expected closes from then on"):
        specifications._since(History(market.until("1983-06-30")), "1983-12-30")
