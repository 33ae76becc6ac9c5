"""General measures against plain Python on the CSV files, and against published facts."""

from __future__ import annotations

import random
import tomllib
from bisect import bisect_left, bisect_right
from datetime import date
from math import prod
from statistics import mean, median

import pandas as pd
import pytest
from scipy import stats

from helpers import measures
from helpers.errors import InputError
from support.data import raw

ROWS = raw("index_closes")
DATES = [row["date"] for row in ROWS]
SMALL, LARGE = ([float(row[name]) for row in ROWS] for name in ("russell_2000", "sp_500"))
END = "2025-12-31"
DAILY = {"period": "sessions", "over": 1, "side": "lowest"}
YEARLY = DAILY | {"over": 252}


def at(day: str) -> int:
    return bisect_right(DATES, day) - 1


def gain(levels, start, end):
    return 100 * (levels[end] / levels[start] - 1)


def led(start, end):
    return gain(SMALL, start, end) - gain(LARGE, start, end)


def month_ends() -> dict[str, int]:
    return {day[:7]: i for i, day in enumerate(DATES)}


@pytest.fixture(scope="module")
def measured(market):
    def one(name, as_of=END, **arguments):
        return measures.measure(market, pd.Timestamp(as_of), {"measure": name} | arguments)

    return one


# Published facts


def test_bear_markets_of_the_sp_500_are_the_known_ones(measured):
    found = measured("after_declines", index="sp_500", percent=20, sessions=1, statistic="excess")
    days = "1982-02-22, 1987-10-19, 2001-03-12, 2008-07-09, 2020-03-12, 2022-06-13"
    assert days in found.beside


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        # The largest fall of one day, and of its year.
        (
            "extreme_change",
            {"period": "sessions", "over": 1, "side": "lowest", "give": "date"},
            "1987-10-19",
        ),
        (
            "extreme_change",
            {"period": "sessions", "over": 1, "side": "lowest", "start": "2020-01-01"},
            -11.98,
        ),
        # S&P 500 record closes of a year.
        ("record_count", {"start": "2023-12-31", "end": "2024-12-31"}, 57),
        ("record_count", {"start": "2020-12-31", "end": "2021-12-31"}, 70),
        ("record_count", {"start": "1994-12-31", "end": "1995-12-31"}, 77),
        ("extreme_close", {"side": "lowest", "start": "2009-01-01", "give": "date"}, "2009-03-09"),
        ("extreme_close", {"side": "lowest", "start": "2009-01-01"}, 676.53),
        ("first_close", {"above": 5000}, "2024-02-09"),
        ("first_close", {"above": 6000}, "2024-11-11"),
        ("first_close", {"below": 1000, "start": "2007-01-01"}, "2008-10-07"),
        ("price_return", {"start": "2018-12-31", "end": "2019-12-31"}, 28.88),
    ],
)
def test_published_facts_about_the_sp_500(measured, name, arguments, expected):
    key = "of" if name == "extreme_change" else "index"
    found = measured(name, **{key: "sp_500"}, **arguments).value
    assert found == (
        pytest.approx(expected, abs=0.005) if isinstance(expected, float) else expected
    )


def test_first_cuts_and_rises_are_the_published_ones(measured):
    cuts = measured("moves_announced", which="first cuts", start="2000-01-01", give="months").value
    assert cuts == ["2001-01", "2007-09", "2019-07", "2024-09"]
    rises = measured(
        "moves_announced", which="first rises", start="2000-01-01", give="months"
    ).value
    assert rises == ["2004-06", "2015-12", "2022-03"]
    assert measured("moves_announced", start="2021-12-31", which="rises").value == 11


# Plain Python


def streaks(shortest, levels=None):
    """(first, last) of every run of sessions in which small caps led, or an index rose."""
    found, first = [], None
    last = at(END)
    for i in range(1, last + 2):
        won = i <= last and (led(i - 1, i) if levels is None else gain(levels, i - 1, i)) > 0
        if won:
            first = i if first is None else first
        elif first is not None:
            found.append((first, i - 1))
            first = None
    return [(a, b) for a, b in found if b - a + 1 >= shortest]


@pytest.mark.parametrize(("window_from", "step"), [("last win", 0), ("first loss", 1)])
def test_after_streaks_by_definition_of_the_article(measured, window_from, step):
    ends = [b + step for _, b in streaks(8) if b < at(END)]
    starts = [i for i in ends if DATES[i] >= "1988-01-04" and i + 126 <= at(END)]
    after = [led(i, i + 126) for i in starts]
    found = measured(
        "after_streaks",
        min_length=8,
        sessions=126,
        since="1988-01-04",
        window_from=window_from,
        statistic=["mean", "median", "hit rate", "worst", "best"],
    )
    hits = sum(x > 0 for x in after)
    assert found.value == pytest.approx(
        {
            "mean": mean(after),
            "median": median(after),
            "hit rate": hits / len(after),
            "worst": min(after),
            "best": max(after),
        }
    )
    assert found.n == len(after)
    low, high = stats.t.interval(0.95, len(after) - 1, mean(after), stats.sem(after))
    assert (found.interval["mean"].low, found.interval["mean"].high) == pytest.approx((low, high))
    exact = stats.binomtest(hits, len(after)).proportion_ci(0.95, "exact")
    shares = found.interval["hit rate"]
    assert (shares.low, shares.high) == pytest.approx((exact.low, exact.high))
    assert found.interval["worst"] is None


def test_runs_of_gains_of_one_index(measured):
    every = streaks(1, LARGE)
    longest = max(every, key=lambda run: (run[1] - run[0], -run[0]))
    length = longest[1] - longest[0] + 1
    assert measured("streak", which="longest", of="sp_500").value == length
    assert measured("streak", which="longest", of="sp_500", give="date").value == DATES[longest[1]]
    assert measured("earlier_streaks", of="sp_500", min_length=9).value == len(streaks(9, LARGE))
    day = "2019-04-05"  # on which the S&P 500 had risen for seven sessions
    assert measured("streak", day, of="sp_500").value == 7
    running = measured("last_streak_as_long", day, of="sp_500", unit="month").value
    known = [(a, b) for a, b in every if DATES[b] < "2019-03-28"]
    as_long = [b for a, b in known if b - a + 1 >= 7][-1]
    assert running["as long"] == DATES[as_long][:7]


def test_rank_and_end_of_the_running_streak(measured):
    # On 20 January 2026 small caps had led on twelve sessions in a row, from 2 January on.
    every = [b - a + 1 for a, b in streaks(1) if DATES[b] <= "2026-01-20"]
    ranked = measured("streak", "2026-01-20", give="rank")
    assert ranked.value == 1 + sum(length > 12 for length in every)
    assert "2026-01-02 to 2026-01-20" in ranked.beside
    assert measured("streak", "2026-01-20", give="month").value == "2026-01"
    lost = next(day for day in DATES if day > "2026-01-20" and led(at(day) - 1, at(day)) <= 0)
    assert measured("streak", lost, give="month").value == "none"


def test_figures_of_an_article_compared(measured):
    two = {"first": 80, "second": 100}
    assert measured("compared", **two).value == -20
    assert measured("compared", **two, how="gain").value == pytest.approx(25)
    assert measured("compared", **two, how="discount").value == pytest.approx(20)


def test_closes_above_a_level_or_the_high_of_a_year(measured):
    high = max(SMALL[i] for i, day in enumerate(DATES) if day[:4] == "2021")
    after = [i for i, day in enumerate(DATES) if "2021-12-31" < day <= END]
    asked = {"index": "russell_2000", "year": 2021}
    above = measured("closes_above", **asked)
    assert above.value == sum(SMALL[i] > high for i in after)
    named = measured("closes_above", **asked, through={"then": "2024-12-31", "now": END})
    assert named.value == {"then": 0, "now": above.value}
    near = measured("closes_above", index="russell_2000", level=2640, percent=2)
    assert near.value == sum(SMALL[i] >= 0.98 * 2640 for i in range(at(END) + 1))
    for wrong in ({}, {"level": 2640, "year": 2021}):
        with pytest.raises(InputError, match="expected either a level or a year"):
            measured("closes_above", index="russell_2000", **wrong)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("compared", {"first": 0, "second": 3, "how": "gain"}, "another number than 0"),
        ("compared", {"first": 3, "second": 0, "how": "discount"}, "another number than 0"),
        ("closes_above", {"index": "sp_500", "year": 1950}, "year 1950: expected a year with"),
        ("closes_above", {"index": "sp_500", "year": 2018, "percent": 5}, "percent with a level"),
        (
            "calendar_months",
            {"month": 1, "ranked": True, "statistic": "worst"},
            "expected the mean",
        ),
        (
            "portfolio_return",
            {"portfolio": "small", "start": "2010-01", "end": "2012-01", "months": [12]},
            "either an end or months",
        ),
        (
            "relative_multiple_standing",
            {"readings": 25, "give": "both ranks"},
            "both ranks: expected a provider",
        ),
        ("streak", {"give": "rank"}, "2025-12-31: expected a streak running on that day"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(measured, name, arguments, message):
    with pytest.raises(InputError, match=message):
        measured(name, **arguments)


def test_months_in_a_row_that_fell(measured):
    ends = month_ends()
    level = {month: LARGE[i] for month, i in ends.items()}
    assert level["2002-07"] < level["2002-06"] < level["2002-05"] < level["2002-04"]
    assert level["2002-04"] < level["2002-03"] > level["2002-02"]
    asked = {"of": "sp_500", "period": "months", "falls": True}
    assert measured("streak", "2002-07-31", **asked).value == 4
    assert measured("streak", "2002-07-31", of="sp_500", period="months").value == 0


def test_after_large_moves_counts_the_first_of_each_group(measured):
    days = [i for i in range(1, at(END) + 1) if gain(SMALL, i - 1, i) <= -4]
    first = [i for k, i in enumerate(days) if k == 0 or i - days[k - 1] > 21]
    after = [gain(SMALL, i, i + 63) for i in first if i + 63 <= at(END)]
    found = measured(
        "after_moves", move_of="russell_2000", percent=-4, sessions=63, gap=21, statistic="median"
    )
    assert found.value == pytest.approx(median(after))
    assert found.n == len(after) < len(days)
    count = measured("move_count", of="russell_2000", percent=-4, start=DATES[0])
    assert count.value == len(days)


def test_after_records_without_a_quiet_time_are_all_records(measured):
    best, days = LARGE[0], []
    for i in range(1, at(END) + 1):
        if LARGE[i] > best:
            best = LARGE[i]
            days.append(i)
    after = [gain(LARGE, i, i + 21) for i in days if i + 21 <= at(END)]
    found = measured("after_records", index="sp_500", sessions=21, statistic="hit rate")
    assert found.value == pytest.approx(mean(x > 0 for x in after))
    assert found.n == len(after)


def test_a_year_follows_its_january(measured):
    """The January barometer: eleven months after an up January, from month end to month end."""
    ends, after = month_ends(), []
    for year in range(1980, 2025):
        december, january = ends[f"{year - 1}-12"], ends[f"{year}-01"]
        if gain(LARGE, december, january) > 0:
            after.append(gain(LARGE, january, ends[f"{year}-12"]))
    found = measured(
        "after_months", "2025-11-28", month=1, months=11, month_of="sp_500",
        statistic=["mean", "hit rate"], since="1980-01-01",
    )  # fmt: skip
    assert found.value["hit rate"] == pytest.approx(mean(x > 0 for x in after))
    assert found.value["mean"] == pytest.approx(mean(after))
    assert found.beside.endswith("1 without a full window")  # that of 2025, in November


def test_any_time_counts_windows_that_do_not_overlap(measured):
    last = at(END)
    first = bisect_left(DATES, "1990-01-02")
    every = [led(i, i + 252) for i in range(first, last - 251)]
    found = measured(
        "at_any_time", sessions=252, since="1990-01-02", statistic=["mean", "hit rate"]
    )
    assert found.value["mean"] == pytest.approx(mean(every))
    assert found.n == len(every)
    apart = len(every) // 252
    assert found.beside == f"{len(every)} windows, of which {apart} fit one after another"
    half = stats.t.ppf(0.975, apart - 1) * stats.tstd(every) / apart**0.5
    assert found.interval["mean"].high - found.value["mean"] == pytest.approx(half)
    share = stats.binomtest(round(found.value["hit rate"] * apart), apart).proportion_ci(
        0.95, "wilson"
    )
    assert found.interval["hit rate"].low == pytest.approx(share.low, abs=0.02)


def january(levels, first=1980):
    ends = month_ends()
    return {y: gain(levels, ends[f"{y - 1}-12"], ends[f"{y}-01"]) for y in range(first, 2026)}


def test_calendar_months(measured):
    small, large = january(SMALL), january(LARGE)
    leads = [small[y] - large[y] for y in small]
    found = measured("calendar_months", month=1, first_year=1980, statistic=["mean", "hit rate"])
    assert found.value == pytest.approx(
        {"mean": mean(leads), "hit rate": mean(x > 0 for x in leads)}
    )
    ends = month_ends()
    months = sorted(m for m in ends if "1979-01" <= m <= "2025-12")
    before = ["1978-12", *months]
    means = {
        number: mean(
            led(ends[a], ends[b]) for a, b in zip(before, months, strict=False) if b[5:] == number
        )
        for number in sorted({m[5:] for m in months})
    }
    rank = 1 + sum(x > means["01"] for x in means.values())
    assert measured("calendar_months", month=1, ranked=True).value == rank
    best = sorted(small.values(), reverse=True).index(small[2019]) + 1
    found = measured("latest_rank", "2019-01-31", period="months", month=1, of="russell_2000")
    assert found.value <= best


def test_a_years_rank_and_the_last_one_as_bad(measured):
    ends = month_ends()
    leads = {y: led(ends[f"{y - 1}-12"], ends[f"{y}-12"]) for y in range(1979, 2026)}
    rank = 1 + sum(x < leads[2025] for x in leads.values())
    found = measured("latest_rank", period="years", side="lowest")
    assert (found.value, found.n) == (rank, len(leads))
    as_bad = [y for y in range(1979, 2025) if leads[y] <= leads[2025]]
    last = measured("last_as_large", period="years", side="lowest").value
    assert last == str(as_bad[-1])


def test_rolling_windows(measured):
    last = at(END)
    every = {i: led(i - 252, i) for i in range(252, last + 1)}
    lowest = min(every, key=every.get)
    assert measured("latest_rank", period="sessions", over=252).value == 1 + sum(
        x > every[last] for x in every.values()
    )
    found = measured("extreme_change", **YEARLY)
    assert found.value == pytest.approx(every[lowest])
    month = measured(
        "extreme_change", period="sessions", over=252, side="lowest", give="month"
    ).value
    assert month == DATES[lowest][:7]
    as_low = [i for i in every if DATES[i][:4] < "2025" and every[i] <= every[last]]
    found = measured("last_as_large", over=252, side="lowest")
    assert found.value == DATES[as_low[-1]][:4]


def test_levels_against_their_history(measured):
    last = at(END)
    ratio = [s / g for s, g in zip(SMALL, LARGE, strict=True)][: last + 1]
    assert measured("from_record", index="ratio").value == pytest.approx(
        100 * (ratio[-1] / max(ratio) - 1)
    )
    year = measured("from_record", index="sp_500", sessions=252).value
    assert year == pytest.approx(100 * (LARGE[last] / max(LARGE[last - 251 : last + 1]) - 1))
    lower = [i for i in range(last) if DATES[i][:4] < "2025" and ratio[i] <= ratio[-1]]
    found = measured("last_level", index="ratio", side="lowest").value
    assert found == (DATES[lower[-1]][:4] if lower else "none")


def test_annual_rates(measured):
    first, last = at("1999-12-31"), at("2009-12-31")
    years = (pd.Timestamp(DATES[last]) - pd.Timestamp(DATES[first])).days / 365.25
    each = [100 * ((x[last] / x[first]) ** (1 / years) - 1) for x in (SMALL, LARGE)]
    span = {"start": "1999-12-31", "end": "2009-12-31"}
    assert measured("annualised_return", of="sp_500", **span).value == pytest.approx(each[1])
    assert measured("annualised_return", of="lead", **span).value == pytest.approx(
        each[0] - each[1]
    )
    wealth, months = 1.0, 0
    for row in raw("size_portfolios_monthly"):
        if "1926-12" < row["month"] <= "2024-12":
            wealth, months = wealth * (1 + float(row["small_percent"]) / 100), months + 1
    found = measured("portfolio_return", portfolio="small", start="1926-12", end="2024-12")
    assert found.value == pytest.approx(100 * (wealth ** (12 / months) - 1))
    assert found.beside.startswith("1176 months to 2024-12")


def test_a_move_says_its_first_and_last_session(measured):
    found = measured("lead", start="2018-12-31", end="2019-01-31")
    assert found.move == ("2019-01-02", "2019-01-31")
    with pytest.raises(InputError, match="start 2025-12-31: expected a close before the last"):
        measured("price_return", index="sp_500", start="2025-12-31")


def test_a_level_above_or_below_is_asked_for(measured):
    with pytest.raises(InputError, match="expected a level either above or below"):
        measured("first_close", index="sp_500")


def test_no_event_is_one_line(measured):
    with pytest.raises(InputError, match="at least one event with a full window"):
        measured("after_moves", move_of="sp_500", percent=30, sessions=21)
    with pytest.raises(InputError, match="at least one event with a full window"):
        measured("calendar_months", month=1, first_year=2190)


@pytest.mark.parametrize(("period", "months"), [("quarters", 3), ("years", 12)])
def test_size_portfolios_by_quarter_and_year(measured, period, months):
    rows = [r for r in raw("size_portfolios_monthly") if r["month"] <= "2025-11"]
    spans: dict[str, list[float]] = {}
    for row in rows:
        span = f"{row['month'][:4]}-{(int(row['month'][5:]) - 1) // months}"
        spans.setdefault(span, []).append(1 + float(row["small_percent"]) / 100)
    whole = {span: 100 * (prod(one) - 1) for span, one in spans.items() if len(one) == months}
    found = measured("extreme_change", "2025-11-28", period=period, of="small", side="lowest")
    assert found.value == pytest.approx(min(whole.values()))
    year = measured("extreme_change", period=period, of="small", side="lowest", give="year").value
    assert year == min(whole, key=whole.get)[:4]


DAYS = ["1800-01-01", "1978-12-29", "1979-01-02", "1987-10-19", "2019-01-31", "2199-12-31"]
NUMBERS = [-3.0, 0, 1, 2, 5, 12, 13, 252, 1979, 2019, 2199, 10**6]
TEXTS = ["2019-01", "1800-01", "2025", "2019Q1", "running", "x"]


def odd(rng: random.Random, value, schema):
    """Something else of the same form, seldom sensible."""
    if isinstance(value, list):
        return [odd(rng, one, {}) for one in value] * rng.choice([1, 2])
    if isinstance(value, dict):
        return {name: odd(rng, one, {}) for name, one in value.items()}
    if isinstance(value, bool):
        return rng.choice([True, False])
    if isinstance(value, date):
        return rng.choice(DAYS)
    return rng.choice(schema.get("enum") or (TEXTS if isinstance(value, str) else NUMBERS))


def outcome(market, day, call):
    try:
        return measures.measure(market, day, call).value
    except InputError as error:
        refused = str(error)
    assert "\n" not in refused
    assert "Error" not in refused
    return refused


@pytest.mark.parametrize("name", measures.MEASURES)
def test_odd_arguments_are_measured_or_refused_in_one_line(market, name):
    rng, measure = random.Random(name), measures.MEASURES[name]
    for _ in range(3):
        call = {"measure": name}
        for argument, one in measure.arguments.items():
            if one.required or rng.random() < 0.5:
                example = tomllib.loads(f"x = {one.kind.example}")["x"]
                call[argument] = odd(rng, example, one.kind.schema)
        found = outcome(market, pd.Timestamp(rng.choice(DAYS[1:-1])), call)
        parts = found.values() if isinstance(found, dict) else [found]
        assert all(isinstance(part, float | int | str | list) for part in parts), call
        assert all(part == part for part in parts), call


# How much one index rose with respect to the other, and how alike they moved


def test_an_index_against_another_is_the_growth_of_their_ratio(measured):
    found = measured("price_return", index="russell_2000", start="1978-12-29", against="sp_500")
    ratio = [small / large for small, large in zip(SMALL, LARGE, strict=True)]
    assert found.value == pytest.approx(100 * (ratio[at(END)] / ratio[at("1978-12-29")] - 1))
    other = measured("price_return", index="sp_500", start="1978-12-29", against="russell_2000")
    assert (1 + found.value / 100) * (1 + other.value / 100) == pytest.approx(1)


@pytest.mark.parametrize("statistic", ["mean", "lowest", "highest", "latest"])
def test_correlation_agrees_with_scipy_window_by_window(measured, statistic):
    last, since = at("2020-04-30"), at("2019-06-28")
    small, large = (
        [one[i] / one[i - 1] - 1 for i in range(since, last + 1)] for one in (SMALL, LARGE)
    )
    every = [
        stats.pearsonr(small[k : k + 63], large[k : k + 63])[0] for k in range(len(small) - 62)
    ]
    want = {"mean": mean(every), "lowest": min(every), "highest": max(every), "latest": every[-1]}
    found = measured(
        "correlation", "2020-04-30", sessions=63, statistic=statistic, since=DATES[since]
    )
    assert found.value == pytest.approx(want[statistic])


def test_a_correlation_without_a_window_is_one_line(measured):
    with pytest.raises(InputError, match="63 sessions: expected a window in the data"):
        measured("correlation", "1979-01-31", sessions=63)
