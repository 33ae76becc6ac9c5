from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from helpers import returns
from helpers.errors import InputError
from support.data import closes_of, raw

levels = st.lists(st.floats(1, 1e4), min_size=2, max_size=40)
monthly = hnp.arrays(float, st.integers(1, 40), elements=st.floats(-0.5, 0.5))


def percent(market, start, end, index):
    return 100 * returns.period_return(market.closes[[index]], start, end)[index]


class TestPublishedFigures:
    """Price returns that stand in public tables, to their rounding."""

    @pytest.mark.parametrize(
        ("year", "large"),
        [
            ("2008", -38.49),
            ("2013", 29.60),
            ("2019", 28.88),
            ("2022", -19.44),
            ("2023", 24.23),
            ("2024", 23.31),
        ],
    )
    def test_sp_500_years(self, market, year, large):
        measured = 100 * returns.calendar_returns(market.closes, "Y").loc[year, "sp_500"]
        assert measured == pytest.approx(large, abs=0.006)

    @pytest.mark.parametrize(
        ("year", "small"),
        [
            ("2008", -34.80),
            ("2013", 37.00),
            ("2019", 23.72),
            ("2022", -21.56),
            ("2023", 15.09),
            ("2024", 10.02),
        ],
    )
    def test_russell_2000_years(self, market, year, small):
        measured = 100 * returns.calendar_returns(market.closes, "Y").loc[year, "russell_2000"]
        assert measured == pytest.approx(small, abs=0.006)

    @pytest.mark.parametrize(("month", "large"), [("2018-12", -9.18), ("2019-01", 7.87)])
    def test_sp_500_months(self, market, month, large):
        measured = 100 * returns.calendar_returns(market.closes, "M").loc[month, "sp_500"]
        assert measured == pytest.approx(large, abs=0.006)

    def test_black_monday(self, market):
        daily = 100 * returns.simple_returns(market.closes)["sp_500"]
        assert daily.loc["1987-10-19"] == pytest.approx(-20.47, abs=0.006)
        assert str(daily.idxmin().date()) == "1987-10-19"

    def test_bear_market_of_2007_to_2009(self, market):
        assert percent(market, "2007-10-09", "2009-03-09", "sp_500") == pytest.approx(
            -56.8, abs=0.05
        )


class TestPeriods:
    def test_resolves_to_the_last_close_on_or_before(self, market):
        assert str(returns.resolve(market.closes, "2026-01-19").date()) == "2026-01-16"
        assert str(returns.resolve(market.closes, "2026-01-16").date()) == "2026-01-16"

    def test_a_day_before_the_data_is_refused(self, market):
        with pytest.raises(InputError, match=r"1978-12-28.*first close, 1978-12-29"):
            returns.resolve(market.closes, "1978-12-28")

    def test_a_start_after_the_end_is_refused(self, market):
        with pytest.raises(InputError, match="expected a start before the end"):
            returns.period_return(market.closes, "2026-01-05", "2026-01-02")

    def test_year_to_date_runs_from_the_last_close_of_the_year_before(self, market):
        rows = {row["date"]: float(row["sp_500"]) for row in raw("index_closes")}
        expected = 100 * (rows["2026-01-16"] / rows["2025-12-31"] - 1)
        assert percent(market, "2025-12-31", "2026-01-18", "sp_500") == pytest.approx(expected)

    @pytest.mark.parametrize(
        ("until", "period", "last"),
        [
            ("2026-01-30", "M", "2026-01"),
            ("2026-01-29", "M", "2025-12"),
            ("2025-12-31", "Y", "2025"),
            ("2025-12-30", "Y", "2024"),
            ("2026-01-30", "Y", "2025"),
        ],
    )
    def test_an_unfinished_period_is_left_out(self, market, until, period, last):
        table = returns.calendar_returns(market.until(until).closes, period)
        assert str(table.index[-1]) == last

    def test_months_agree_with_a_plain_loop(self, market):
        last = {}
        for row in raw("index_closes"):
            last[row["date"][:7]] = float(row["russell_2000"])
        months = sorted(last)
        table = returns.calendar_returns(market.closes, "M")["russell_2000"]
        assert list(map(str, table.index)) == months[1:-1]  # August 2026 has sessions to come
        expected = [last[b] / last[a] - 1 for a, b in pairwise(months[:-1])]
        assert table.to_numpy() == pytest.approx(expected)

    def test_months_compound_to_years(self, market):
        months = returns.calendar_returns(market.closes, "M")
        years = returns.calendar_returns(market.closes, "Y")
        grown = (1 + months).groupby(months.index.year).prod() - 1
        assert grown.loc[1980:2025].to_numpy() == pytest.approx(years.loc["1980":"2025"].to_numpy())


class TestLead:
    @pytest.mark.parametrize("names", [("russell_2000", "sp_500"), ("small", "large")])
    def test_is_small_minus_large(self, names):
        frame = pd.DataFrame([[0.03, 0.01], [0.0, np.nan]], columns=list(names))
        assert returns.lead(frame).tolist() == pytest.approx([0.02, np.nan], nan_ok=True)
        assert returns.lead(frame.iloc[0]) == pytest.approx(0.02)

    def test_order_of_columns_does_not_matter(self):
        frame = pd.DataFrame({"sp_500": [0.01], "russell_2000": [0.03]})
        assert returns.lead(frame).iloc[0] == pytest.approx(0.02)

    def test_a_missing_close_is_not_filled(self):
        closes = closes_of([100, np.nan, 102])
        assert returns.simple_returns(closes)["russell_2000"].isna().all()


class TestForwardReturns:
    @given(levels, st.integers(1, 45))
    def test_agree_with_a_plain_loop(self, small, sessions):
        closes = closes_of(small)
        table = returns.forward_returns(closes, closes.index, sessions)
        for i, measured in enumerate(table["russell_2000"]):
            if i + sessions < len(small):
                assert measured == pytest.approx(small[i + sessions] / small[i] - 1)
            else:
                assert np.isnan(measured)

    @given(levels, st.integers(1, 10), st.floats(0.01, 100))
    def test_do_not_depend_on_the_scale(self, small, sessions, factor):
        closes = closes_of(small)
        table = returns.forward_returns(closes, closes.index, sessions)
        scaled = returns.forward_returns(closes * factor, closes.index, sessions)
        assert scaled.to_numpy() == pytest.approx(table.to_numpy(), nan_ok=True, abs=1e-9)

    @given(levels, st.integers(1, 10))
    def test_of_every_session_are_those_with_a_full_window(self, small, sessions):
        closes = closes_of(small)
        every = returns.all_forward_returns(closes, sessions)
        table = returns.forward_returns(closes, closes.index, sessions).dropna()
        pd.testing.assert_frame_equal(every, table, check_freq=False)

    def test_start_at_the_close_of_the_last_session_by_the_date(self):
        closes = closes_of([100, 110, 121, 133.1])  # Wednesday to Monday
        dates = pd.DatetimeIndex(["2019-12-31", "2020-01-01", "2020-01-04", "2020-01-06"])
        measured = returns.forward_returns(closes, dates, 1)["russell_2000"]
        assert measured.tolist() == pytest.approx([np.nan, 0.1, 0.1, np.nan], nan_ok=True)

    @pytest.mark.parametrize("sessions", [0, -1])
    def test_refuse_an_impossible_horizon(self, market, sessions):
        with pytest.raises(InputError, match="expected at least 1 session"):
            returns.forward_returns(market.closes, market.closes.index[:1], sessions)

    @given(levels, st.integers(0, 5), st.integers(0, 5), st.integers(0, 39))
    def test_paths_agree_with_a_plain_loop(self, small, before, after, event):
        event = min(event, len(small) - 1)
        large = [100.0 + i for i in range(len(small))]
        closes = closes_of(small, large)
        path = returns.forward_paths(closes, closes.index[[event]], before, after).iloc[:, 0]
        assert list(path.index) == list(range(-before, after + 1))
        for offset, measured in path.items():
            i = event + offset
            if 0 <= i < len(small):
                expected = small[i] / small[event] - large[i] / large[event]
                assert measured == pytest.approx(expected, abs=1e-9)
            else:
                assert np.isnan(measured)


class TestCompounded:
    @given(monthly, st.integers(1, 15))
    def test_agrees_with_a_plain_loop(self, small, horizon):
        months = pd.period_range("2000-01", periods=len(small), freq="M")
        frame = pd.DataFrame({"small": small, "large": 0.0}, index=months)
        table = returns.compounded(frame, months, horizon)
        for i, measured in enumerate(table["small"]):
            if i + horizon < len(small):
                wealth = 1.0
                for step in small[i + 1 : i + 1 + horizon]:
                    wealth *= 1 + step
                assert measured == pytest.approx(wealth - 1, abs=1e-9)
            else:
                assert np.isnan(measured)

    def test_annualised_is_the_geometric_mean(self):
        months = pd.period_range("2000-01", periods=25, freq="M")
        frame = pd.DataFrame({"small": 0.01, "large": 0.0}, index=months)
        yearly = returns.annualised(frame, "2000-01", 24)
        assert yearly["small"] == pytest.approx(1.01**12 - 1)
        assert returns.annualised(frame, "2000-02", 24).isna().all()


def test_relative_strength_starts_at_100_and_moves_as_the_ratio(market):
    strength = returns.relative_strength(market.closes, "2025-12-31")
    assert strength.loc["2025-12-31"] == pytest.approx(100)
    rows = {row["date"]: row for row in raw("index_closes")}
    ratio = [
        float(rows[d]["russell_2000"]) / float(rows[d]["sp_500"])
        for d in ("2025-12-31", "2026-01-22")
    ]
    assert strength.loc["2026-01-22"] == pytest.approx(100 * ratio[1] / ratio[0])
