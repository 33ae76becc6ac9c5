from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from helpers import events, predictive, regressions, returns, valuation
from helpers.errors import InputError
from support.data import FIRST_CUTS, raw


def made_up(n: int = 90, seed: int = 3, start: str = "1990-01") -> pd.DataFrame:
    """Monthly returns of two portfolios."""
    rng = np.random.default_rng(seed)
    months = pd.period_range(start, periods=n, freq="M", name="month")
    return pd.DataFrame(rng.normal(0.01, 0.05, (n, 2)), months, ["small", "large"])


def leads_after(frame: pd.DataFrame, horizon: int) -> np.ndarray:
    """Lead in points over the months after each one, window by window."""
    values = frame.to_numpy()
    windows = [values[i + 1 : i + 1 + horizon] for i in range(len(values) - horizon)]
    grown = np.array([np.prod(1 + window, axis=0) for window in windows])
    return 100 * (grown[:, 0] - grown[:, 1])


def newey_west(y: np.ndarray, x: np.ndarray, maxlags: int) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and covariance as the paper writes them, with n / (n - k)."""
    n, k = x.shape
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    scores = [x[i] * (y[i] - x[i] @ beta) for i in range(n)]
    middle = np.zeros((k, k))
    for i in range(n):
        for j in range(n):
            if abs(i - j) <= maxlags:
                middle += (1 - abs(i - j) / (maxlags + 1)) * np.outer(scores[i], scores[j])
    return beta, n / (n - k) * inverse @ middle @ inverse


def june_series(values: np.ndarray, first: int = 1926) -> pd.Series:
    junes = [f"{first + i}-06" for i in range(len(values))]
    return pd.Series(values, pd.PeriodIndex(junes, freq="M", name="june"))


def history(slope: float, n: int = 99, rho: float = 0.9, seed: int = 5) -> tuple:
    """A persistent multiple and yearly returns that move with it, with a planted slope."""
    rng = np.random.default_rng(seed)
    shocks, noise = rng.normal(size=(2, n))
    x = np.zeros(n + 1)
    for year in range(n):
        x[year + 1] = rho * x[year] + 0.12 * shocks[year]
    yearly = slope * x[:-1] + 0.1 * (0.8 * shocks + 0.6 * noise)
    return june_series(np.exp(x)), june_series(yearly)


MADE_UP_EVENTS = pd.PeriodIndex(["1991-03", "1992-10", "1993-01", "1995-05"], freq="M")


@pytest.mark.parametrize("lags", [0, 2])
@pytest.mark.parametrize("horizon", [1, 6, 12])
def test_local_projection_is_the_regression_written_out(horizon, lags):
    frame = made_up()
    y = leads_after(frame, horizon)
    dummy = np.isin(frame.index, MADE_UP_EVENTS).astype(float)
    own = 100 * (frame["small"] - frame["large"]).to_numpy()
    columns = [np.ones(len(frame)), dummy]
    columns += [np.concatenate([np.full(k, np.nan), own[:-k]]) for k in range(1, lags + 1)]
    x = np.column_stack(columns)[lags : len(y)]
    y = y[lags:]
    found = regressions.local_projections(frame, MADE_UP_EVENTS, (horizon,), lags).loc[horizon]
    beta, covariance = newey_west(y, x, horizon)
    error = np.sqrt(covariance[1, 1])
    half = stats.t.ppf(0.975, 3) * error
    numbers = ["effect", "se", "low", "high"]
    assert list(found[numbers]) == pytest.approx(
        [beta[1], error, beta[1] - half, beta[1] + half], rel=1e-9
    )
    fit = sm.OLS(y, x).fit(cov_type="HAC", cov_kwds={"maxlags": horizon, "use_correction": True})
    assert (found["effect"], found["se"]) == pytest.approx((fit.params[1], fit.bse[1]))
    t = beta[1] / error
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(t), 3))
    assert found["p_hac"] == pytest.approx(2 * stats.t.sf(abs(t), len(y) - x.shape[1]))
    assert list(found[["n", "events", "dropped", "maxlags", "reason"]]) == [
        len(y), 4, 0, horizon, ""
    ]  # fmt: skip


def test_newey_west_error_of_a_series_small_enough_for_paper():
    # Leads 2, 0, 0, 4, 0, 0 points; one-month windows, events at the second and fourth start:
    # y = 0, 0, 4, 0, 0 with dummies 0, 1, 0, 1, 0. Constant 4/3, effect -4/3; residuals
    # -4/3, 0, 8/3, 0, -4/3. The scores of the effect vanish at events, so only the constant's
    # count: x'u = -4/3, 0, 8/3, 0, -4/3; one lag adds nothing, as neighbours are events.
    # Variance of the constant: (16 + 64 + 16) / 9 / 3^2 = 32/27, the same for the effect as its
    # own part is zero; times 5 / (5 - 2).
    frame = made_up(6).assign(small=[0.02, 0, 0, 0.04, 0, 0], large=0.0)
    found = regressions.local_projections(frame, frame.index[[1, 3]], (1,)).loc[1]
    assert found["effect"] == pytest.approx(-4 / 3)
    assert found["se"] == pytest.approx(np.sqrt(32 / 27 * 5 / 3))


@given(st.sets(st.integers(0, 70), min_size=2, max_size=12), st.integers(1, 12))
def test_effect_is_the_mean_after_events_less_the_mean_after_other_months(where, horizon):
    frame = made_up()
    found = regressions.local_projections(frame, frame.index[sorted(where)], (horizon,))
    after = leads_after(frame, horizon)
    chosen = np.isin(np.arange(len(after)), list(where))
    expected = after[chosen].mean() - after[~chosen].mean()
    assert found.loc[horizon, "effect"] == pytest.approx(expected, abs=1e-9)
    assert found.loc[horizon, "low"] <= expected <= found.loc[horizon, "high"]


def test_a_planted_effect_is_found():
    frame = made_up(600, start="1960-01")
    where = frame.index[20:580:40]
    frame.loc[where + 1, "small"] += 0.08
    frame.loc[where + 2, "small"] += 0.08
    found = regressions.local_projections(frame, where, (2, 12))
    assert (found["low"] < 16.5).all()
    assert (found["high"] > 16).all()
    assert found.loc[2, "p"] < 0.001


def test_events_on_sessions_count_from_the_last_close_by_their_day(market):
    closes = market.closes.loc["1990":"1999"]
    daily = returns.simple_returns(closes)
    saturdays = pd.DatetimeIndex(["1992-07-04", "1995-07-08", "1998-10-17"])
    fridays = [day - pd.Timedelta(days=1) for day in saturdays]
    fridays[0] = pd.Timestamp("1992-07-02")  # the Friday was a holiday
    found = regressions.local_projections(daily, saturdays, (21, 63))
    for horizon in found.index:
        after = 100 * events.forward_leads(closes, pd.DatetimeIndex(fridays), horizon)["lead"]
        others = 100 * returns.lead(returns.all_forward_returns(closes, horizon))
        # The first close has no return of its own, so no row.
        others = others.iloc[1:].drop(fridays)
        assert found.loc[horizon, "effect"] == pytest.approx(after.mean() - others.mean())


def test_local_projections_of_the_shipped_portfolios_agree_with_the_event_study(market):
    cuts = pd.DatetimeIndex(FIRST_CUTS)
    found = regressions.local_projections(market.portfolios, cuts, (12, 24))
    after = returns.lead(
        returns.compounded(market.portfolios, cuts.to_period("M"), 12)
    )  # the windows of the notebook
    every = returns.lead(returns.compounded(market.portfolios, market.portfolios.index, 12))
    others = every.dropna().drop(after.index)
    assert found.loc[12, "effect"] == pytest.approx(100 * (after.mean() - others.mean()))
    # The cut of September 2024 has no 24 months after it.
    assert list(found["events"]) == [9, 8]
    assert list(found["dropped"]) == [0, 1]


def test_a_single_event_has_no_error_and_the_row_says_so():
    frame = made_up()
    found = regressions.local_projections(frame, frame.index[[5, 80]], (3, 12))
    assert found.loc[3, "reason"] == ""
    assert found.loc[12, "reason"] == "1 with a full window; expected at least 2 events"
    assert found.loc[12, ["effect", "se", "low", "high", "p", "p_hac"]].isna().all()
    assert list(found.loc[12, ["events", "dropped"]]) == [1, 1]


def test_what_cannot_be_regressed_is_told_in_one_line(market):
    frame = made_up()
    with pytest.raises(InputError, match="horizon 0: expected at least 1"):
        regressions.local_projections(frame, MADE_UP_EVENTS, (12, 0))
    with pytest.raises(InputError, match="lags -1: expected at least 0"):
        regressions.local_projections(frame, MADE_UP_EVENTS, (12,), -1)
    with pytest.raises(InputError, match="none of 0 events from 1990-01 on: expected at least one"):
        regressions.local_projections(frame, MADE_UP_EVENTS[:0], (12,))
    with pytest.raises(InputError, match="none of 1 events from 1990-01 on: expected at least one"):
        regressions.local_projections(frame, pd.PeriodIndex(["1989-12"], freq="M"), (12,))
    frame.iloc[7, 0] = np.nan
    with pytest.raises(InputError, match="returns of 1990-08: expected a figure"):
        regressions.local_projections(frame, MADE_UP_EVENTS, (12,))


@pytest.fixture(scope="module")
def groups(market) -> tuple[pd.PeriodIndex, pd.PeriodIndex]:
    early = pd.PeriodIndex([row["announced"] for row in raw("discount_rate_first_cuts")], freq="M")
    return early, pd.PeriodIndex(FIRST_CUTS, freq="M")


@pytest.fixture(scope="module")
def change(market, groups) -> pd.DataFrame:
    return regressions.response_change(market.portfolios, *groups)


def months_of_the_change(market, groups) -> pd.DataFrame:
    """The regression's table from the shipped text, without the package's returns."""
    rows = raw("size_portfolios_monthly")
    months = pd.PeriodIndex([row["month"] for row in rows], freq="M")
    sides = [[float(row["small_percent"]), float(row["large_percent"])] for row in rows]
    frame = pd.DataFrame(np.array(sides) / 100, months, ["small", "large"])
    after = pd.Series(leads_after(frame, 12), frame.index[:-12]).loc["1954-02":]
    early, late = (np.isin(after.index, group).astype(float) for group in groups)
    era = (after.index >= groups[1][0]).astype(float)
    return pd.DataFrame({"y": after, "one": 1.0, "early": early, "late": late, "era": era})


def test_change_of_the_lead_is_the_regression_written_out(market, groups, change):
    table = months_of_the_change(market, groups)
    beta, covariance = newey_west(
        table["y"].to_numpy(), table[["one", "early", "late"]].to_numpy(), 12
    )
    found, pick = change.loc["lead"], np.array([0, -1, 1])
    error = np.sqrt(pick @ covariance @ pick)
    half = stats.t.ppf(0.975, 15) * error
    assert list(found[["difference", "se", "low", "high"]].astype(float)) == pytest.approx(
        [pick @ beta, error, pick @ beta - half, pick @ beta + half]
    )
    assert found["early"] == pytest.approx(table.loc[table["early"] == 1, "y"].mean())
    assert found["late"] == pytest.approx(table.loc[table["late"] == 1, "y"].mean())
    assert list(found[["n", "n_early", "n_late", "dropped", "maxlags", "reason"]]) == [
        len(table), 8, 9, 0, 12, ""
    ]  # fmt: skip


def test_change_over_other_months_is_the_interaction(market, groups, change):
    table = months_of_the_change(market, groups)
    table["event"] = table["early"] + table["late"]
    table["both"] = table["event"] * table["era"]
    fit = sm.OLS(table["y"], table[["one", "era", "event", "both"]]).fit(
        cov_type="HAC", cov_kwds={"maxlags": 12, "use_correction": True}, use_t=True
    )
    found = change.loc["lead over other months"]
    assert list(found[["difference", "se", "p_hac"]].astype(float)) == pytest.approx(
        [fit.params["both"], fit.bse["both"], fit.pvalues["both"]]
    )
    assert found["early"] == pytest.approx(fit.params["event"])
    assert found["late"] == pytest.approx(fit.params["event"] + fit.params["both"])
    t = fit.params["both"] / fit.bse["both"]
    assert found["p"] == pytest.approx(2 * stats.t.sf(abs(t), 15))


@pytest.mark.parametrize("measure", ["lead", "lead over other months"])
def test_permutation_is_the_count_of_all_labellings(market, groups, change, measure):
    table = months_of_the_change(market, groups)
    values = table["y"].copy()
    if measure != "lead":
        plain = table[table["early"] + table["late"] == 0]
        values -= table["era"].map(plain.groupby("era")["y"].mean())
    pooled = np.concatenate([values[table[side] == 1] for side in ("early", "late")])
    ways = np.array(list(combinations(range(17), 8)))
    early = pooled[ways].sum(axis=1)
    differences = (pooled.sum() - early) / 9 - early / 8
    own = differences[0]  # the first way takes the first eight, the early ones
    assert own == pytest.approx(change.loc[measure, "difference"])
    shares = [(differences <= own + 1e-9).mean(), (differences >= own - 1e-9).mean()]
    assert len(ways) == change.loc[measure, "labellings"] == 24_310
    assert change.loc[measure, "p_permutation"] == pytest.approx(2 * min(shares))


def test_smallest_change_is_that_of_the_noncentral_t(market, groups, change):
    table = months_of_the_change(market, groups)
    early, late = (table.loc[table[side] == 1, "y"] for side in ("early", "late"))
    spread = np.sqrt((7 * early.var() + 8 * late.var()) / 15)
    edge = stats.t.ppf(0.975, 15)

    def missed(effect: float) -> float:
        shift = effect / (spread * np.sqrt(1 / 8 + 1 / 9))
        return stats.nct.cdf(edge, 15, shift) - stats.nct.cdf(-edge, 15, shift) - 0.2

    expected = optimize.brentq(missed, 1, 50)
    assert change["smallest_effect"].astype(float).to_list() == pytest.approx([expected] * 2)


def test_a_planted_change_is_found_and_a_drift_of_the_era_is_not_one():
    frame = made_up(480, start="1960-01")
    early, late = frame.index[10:200:20], frame.index[250:460:20]
    drifted = frame.copy()
    drifted.loc[late[0] :, "small"] += 0.03
    found = regressions.response_change(drifted, early, late, 6)
    assert found.loc["lead", "p_permutation"] < 0.01
    assert found.loc["lead over other months", "p_permutation"] > 0.1
    assert found.loc["lead over other months", "p"] > 0.1
    planted = frame.copy()
    for months in range(1, 7):
        planted.loc[late + months, "small"] += 0.05
    found = regressions.response_change(planted, early, late, 6)
    assert (found["p"] < 0.01).all()
    assert (found["p_permutation"] < 0.01).all()


def test_too_few_of_one_group_are_told_in_their_row(market, groups):
    early, late = groups
    found = regressions.response_change(market.portfolios.loc[:"1987-06"], early, late[:2])
    why = "8 early and 1 late events with a full window; expected at least 2 of each"
    assert list(found["reason"]) == [why] * 2
    assert list(found["dropped"]) == [1, 1]
    assert found[["difference", "p", "p_permutation", "smallest_effect"]].isna().all(axis=None)


def test_groups_that_overlap_or_lie_outside_are_refused(market, groups):
    early, late = groups
    with pytest.raises(InputError, match="late events: expected each after the last early one"):
        regressions.response_change(market.portfolios, late, early)
    with pytest.raises(InputError, match="none of 0 events from 1926-07 on"):
        regressions.response_change(market.portfolios, early, late[:0])
    with pytest.raises(InputError, match="horizon -12: expected at least 1"):
        regressions.response_change(market.portfolios, early, late, -12)


def test_june_returns_of_the_shipped_portfolios(market):
    found = predictive.june_returns(market.portfolios)
    rows = {row["month"]: row for row in raw("size_portfolios_monthly")}
    months = [f"1932-{m:02d}" for m in range(7, 13)] + [f"1933-{m:02d}" for m in range(1, 7)]
    small, large = (
        np.prod([1 + float(rows[month][side]) / 100 for month in months])
        for side in ("small_percent", "large_percent")
    )
    assert found["1932-06"] == pytest.approx(np.log(small / large))
    # From July 1926 on, and the twelve months after June 2025 are not over.
    assert list(map(str, found.index[[0, -1]])) == ["1926-06", "2024-06"]
    assert len(found) == 99


def test_years_without_twelve_months_are_left_out():
    # August 1989 to May 1993: eleven months before and after the two full years.
    found = predictive.june_returns(made_up(46, start="1989-08"))
    assert list(map(str, found.index)) == ["1990-06", "1991-06"]


@pytest.mark.parametrize("span", [1, 3, 5, 10])
def test_predictive_regression_is_the_regression_written_out(market, span):
    ratio = valuation.relative_multiple(market.price_to_book)
    annual = predictive.june_returns(market.portfolios)
    found = predictive.predictive_regression(ratio, annual, (span,), draws=10).loc[span]
    logs = np.log(ratio.to_numpy())
    n = 99 - span + 1
    y = np.array([100 * annual.iloc[i : i + span].sum() / span for i in range(n)])
    x = np.column_stack([np.ones(n), logs[:n]])
    maxlags = {1: 0, 3: 3, 5: 6, 10: 14}[span]
    beta, covariance = newey_west(y, x, maxlags)
    t = beta[1] / np.sqrt(covariance[1, 1])
    assert list(found[["slope", "se", "t"]].astype(float)) == pytest.approx(
        [beta[1], np.sqrt(covariance[1, 1]), t]
    )
    fit = sm.OLS(y, x).fit(
        cov_type="HAC", cov_kwds={"maxlags": maxlags, "use_correction": True}, use_t=True
    )
    assert found["p_hac"] == pytest.approx(fit.pvalues[1])
    assert found["p_hac"] == pytest.approx(2 * stats.t.sf(abs(t), n - 2))
    assert found["r2"] == pytest.approx(np.corrcoef(x[:, 1], y)[0, 1] ** 2)
    assert list(found[["n", "windows", "maxlags"]]) == [n, 99 // span, maxlags]


def test_many_histories_at_once_give_the_same_statistics_as_one_by_one():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 6, 40)).cumsum(axis=2)
    for maxlags in (0, 3, 14):
        slopes, ts = predictive._hac_slopes(x, y, maxlags)
        for one in range(6):
            fit = sm.OLS(y[one], sm.add_constant(x[one])).fit(
                cov_type="HAC", cov_kwds={"maxlags": maxlags, "use_correction": True}
            )
            assert (slopes[one], ts[one]) == pytest.approx((fit.params[1], fit.tvalues[1]))


def test_drawn_histories_persist_and_move_as_asked_but_say_nothing_of_returns():
    ratio, annual = history(slope=-0.3, n=60)
    logs, yearly = np.log(ratio.to_numpy()), 100 * annual.to_numpy()
    x, r = predictive._drawn_histories(logs, yearly, 0.9, 4000, np.random.default_rng(2))
    assert x.shape == r.shape == (4000, 60)
    moves = x[:, 1:] - 0.9 * x[:, :-1]
    own = logs[1:] - 0.9 * logs[:-1]
    own, centred = own - own.mean(), yearly - yearly.mean()
    # Each step of the multiple is one of the past, with the return of the same year.
    nearest = np.abs(moves[:50, :, None] - own).argmin(axis=2)
    assert moves[:50] == pytest.approx(own[nearest])
    assert r[:50, :-1] == pytest.approx(centred[nearest])
    assert np.isin(np.round(x[:, 0], 9), np.round(logs - logs.mean(), 9)).all()
    # Over many draws the return of a year has nothing to do with the multiple before it.
    assert abs(np.corrcoef(x.ravel(), r.ravel())[0, 1]) < 0.02


def test_bootstrap_p_value_counts_drawn_statistics_as_far_from_zero():
    ratio, annual = history(slope=-0.3, n=60)
    logs, yearly = np.log(ratio.to_numpy()), 100 * annual.to_numpy()
    found = predictive.predictive_regression(ratio, annual, (1, 5), draws=40, seed=9)
    rho = predictive.persistence(ratio, annual)["rho_adjusted"]
    x, r = predictive._drawn_histories(logs, yearly, rho, 40, np.random.default_rng(9))
    for span in (1, 5):
        n, maxlags = 60 - span + 1, {1: 0, 5: 6}[span]
        ts, slopes = [], []
        for one in range(40):
            y = np.array([r[one, i : i + span].mean() for i in range(n)])
            beta, covariance = newey_west(y, np.column_stack([np.ones(n), x[one, :n]]), maxlags)
            slopes.append(beta[1])
            ts.append(beta[1] / np.sqrt(covariance[1, 1]))
        own = found.loc[span]
        assert own["p_bootstrap"] == (1 + sum(np.abs(ts) >= abs(own["t"]))) / 41
        assert own["bias"] == pytest.approx(np.mean(slopes))
        assert own["slope_adjusted"] == pytest.approx(own["slope"] - np.mean(slopes))


def test_a_planted_slope_is_found_and_no_slope_is_not():
    found = predictive.predictive_regression(*history(slope=-0.4), (1, 3, 5))
    assert (found["p_bootstrap"] < 0.01).all()
    assert found.loc[1, "slope"] == pytest.approx(-40, abs=10)
    nothing = predictive.predictive_regression(*history(slope=0.0), (1, 3, 5))
    assert (nothing["p_bootstrap"] > 0.05).all()


def test_same_seed_same_figures():
    one, again, other = (
        predictive.predictive_regression(*history(-0.1), draws=99, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, again)
    assert (one["bias"] != other["bias"]).all()


def test_persistence_is_that_of_lines_fitted_by_statsmodels(market):
    ratio = valuation.relative_multiple(market.price_to_book)
    annual = predictive.june_returns(market.portfolios)
    logs = np.log(ratio.to_numpy())
    x = sm.add_constant(logs[:-1])
    multiple, yearly = sm.OLS(logs[1:], x).fit(), sm.OLS(100 * annual.to_numpy(), x).fit()
    found = predictive.persistence(ratio, annual)
    assert found[["n", "rho", "slope"]].to_list() == pytest.approx(
        [99, multiple.params[1], yearly.params[1]]
    )
    assert found["correlation"] == pytest.approx(np.corrcoef(multiple.resid, yearly.resid)[0, 1])
    rho = found["rho_adjusted"]
    assert rho - (1 + 3 * rho) / 99 == pytest.approx(found["rho"])
    passed_on = sm.OLS(yearly.resid, multiple.resid).fit().params[0]
    assert found["bias"] == pytest.approx(-(1 + 3 * rho) / 99 * passed_on)
    assert found["slope_adjusted"] == pytest.approx(found["slope"] - found["bias"])


def test_closed_form_of_the_bias_is_what_simulated_histories_show():
    # Yearly slope 0, rho 0.9, both innovations tied by 0.1 x 0.8 / 0.12: Stambaugh's formula.
    rng = np.random.default_rng(4)
    draws, n = 20_000, 99
    shocks, noise = rng.normal(size=(2, draws, n))
    x = np.zeros((draws, n + 1))
    x[:, 0] = 0.12 / np.sqrt(1 - 0.9**2) * rng.normal(size=draws)
    for year in range(n):
        x[:, year + 1] = 0.9 * x[:, year] + 0.12 * shocks[:, year]
    r = 10 * (0.8 * shocks + 0.6 * noise)
    slopes, _ = predictive._hac_slopes(x[:, :-1], r, 0)
    closed = -(1 + 3 * 0.9) / n * (10 * 0.8 / 0.12)
    assert slopes.mean() == pytest.approx(closed, rel=0.1)
    # The package's own estimate of it, from one such history.
    ratio, annual = history(slope=0.0)
    found = predictive.persistence(ratio, annual)
    assert found["bias"] == pytest.approx(closed, rel=0.2)
    bootstrapped = predictive.predictive_regression(ratio, annual, (1,)).loc[1, "bias"]
    assert bootstrapped == pytest.approx(found["bias"], rel=0.2)


def test_persistence_of_a_near_random_walk_stays_below_one():
    ratio = june_series(np.exp(0.05 * np.arange(40) + 0.001 * np.sin(np.arange(40))))
    annual = june_series(np.cos(np.arange(40)))
    assert predictive.persistence(ratio, annual)["rho_adjusted"] == 0.999


def test_a_reading_at_the_end_of_the_last_window_is_not_needed():
    ratio, annual = history(-0.1)
    found = predictive.predictive_regression(ratio.iloc[:-1], annual, (1, 10), draws=20)
    assert list(found["n"]) == [99, 90]
    assert predictive.persistence(ratio.iloc[:-1], annual)["n"] == 98
    later = predictive.predictive_regression(ratio.iloc[7:], annual, (1,), draws=20)
    assert later.loc[1, "n"] == 92


def test_windows_that_do_not_fit_are_told_in_their_row():
    ratio, annual = history(-0.1, n=25)
    found = predictive.predictive_regression(ratio, annual, (1, 10), draws=20)
    assert found.loc[1, "reason"] == ""
    assert found.loc[10, "reason"] == "2 windows of 10 years; expected at least 3"
    assert found.loc[10, ["slope", "t", "p_bootstrap", "bias"]].isna().all()


def test_bad_readings_are_told_in_one_line():
    ratio, annual = history(-0.1, n=25)
    fit = predictive.predictive_regression
    with pytest.raises(InputError, match="ratio of 1930-06: expected a positive figure, not nan"):
        fit(ratio.where(ratio.index != ratio.index[4]), annual)
    with pytest.raises(InputError, match="expected every June once"):
        fit(ratio.drop(ratio.index[4]), annual)
    with pytest.raises(InputError, match="expected every June once"):
        fit(ratio, annual.drop(annual.index[4]))
    with pytest.raises(InputError, match="9 Junes with a return: expected at least 10"):
        fit(ratio, annual.iloc[:9])
    with pytest.raises(InputError, match="in every June: expected readings that differ"):
        fit(0 * ratio + 0.5, annual)
    with pytest.raises(InputError, match=r"years \(0,\), draws 2000: expected at least 1"):
        fit(ratio, annual, (0,))
    with pytest.raises(InputError, match="draws 0: expected at least 1"):
        fit(ratio, annual, draws=0)
