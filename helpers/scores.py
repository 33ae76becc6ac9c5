"""Scores over articles: how often each was right, whether its figures fit, its forecasts.

Claims that stand or fall together (``rests_on``) count as one: intervals and comparisons draw
whole clusters of them. Claims that no article made count towards none.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from helpers import words
from helpers.claims import grading
from helpers.errors import listing
from helpers.interval import LEVEL
from helpers.scorecard import BETWEEN, decided

DRAWS, SEED = 9_999, 20260112
# Forecasts due below which nothing is said about calibration.
CALIBRATION = 30
_ROWS = ["horizon", "base_rate", "base_low", "base_high", "windows", "drift"]


def clusters(table: pd.DataFrame) -> pd.Series:
    """Return the cluster of each claim: those linked by what they rest on, through any others.

    Parameters
    ----------
    table : DataFrame
        As :func:`helpers.scorecard.frame` gives it.

    Returns
    -------
    Series of int indexed by claim.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    at = {claim: place for place, claim in enumerate(table.index)}
    links = [(at[a], at[b]) for a, on in table["rests_on"].items() for b in on or () if b in at]
    rows, columns = np.array(links, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(links)), (rows, columns)), shape=(len(at), len(at)))
    return pd.Series(connected_components(graph, directed=False)[1], table.index, name="cluster")


def _sums(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return for each article hits and size of its clusters, shape (n_clusters, 2)."""
    own = decided(table)
    hit = own["outcome"].eq(grading.SUPPORTED).rename("hit")
    label = clusters(table).reindex(own.index)
    sums = hit.groupby([own["article"], label], sort=False).agg(["sum", "size"])
    return {
        article: rows.to_numpy(float) for article, rows in sums.groupby(level="article", sort=False)
    }


def by_article(table: pd.DataFrame, level: float = LEVEL) -> pd.DataFrame:
    """Return how often each article was right about the world, best first.

    Parameters
    ----------
    table : DataFrame
        As :func:`helpers.scorecard.frame` gives it; :func:`helpers.scorecard.decided` says which
        claims count.
    level : float
        Of the interval of the share.

    Returns
    -------
    DataFrame indexed by article: ``n``, ``clusters``, ``supported``, ``partly supported``,
    ``share`` supported, its ``low`` and ``high``, and ``first``, how often the article has the
    highest share in the draws (ties are split); shares in percent.

    Notes
    -----
    Percentile bootstrap over clusters (Cameron and Miller, 2015). Where all clusters agree it has
    no width, so the exact interval of that many clusters stands in.
    """
    sums, own = _sums(table), decided(table)
    if not sums:
        columns = ["n", "clusters", "supported", "partly supported", "share", "low", "high"]
        return pd.DataFrame(columns=[*columns, "first"], dtype=float).rename_axis("article")
    drawn = {article: _bootstrap(rows, level) for article, rows in sums.items()}
    shares = np.stack([draws for _, _, draws in drawn.values()])
    partly = own["outcome"].eq(grading.PARTLY).groupby(own["article"]).sum()
    found = pd.DataFrame(
        {
            "n": {article: int(rows[:, 1].sum()) for article, rows in sums.items()},
            "clusters": {article: len(rows) for article, rows in sums.items()},
            "supported": {article: int(rows[:, 0].sum()) for article, rows in sums.items()},
            "partly supported": partly.astype(int),
            "share": {article: 100 * _share(rows) for article, rows in sums.items()},
            "low": {article: 100 * low for article, (low, _, _) in drawn.items()},
            "high": {article: 100 * high for article, (_, high, _) in drawn.items()},
            "first": dict(zip(sums, _first(shares), strict=True)),
        }
    ).rename_axis("article")
    return found.sort_values(["share", "n"], ascending=False, kind="stable")


def _share(rows: np.ndarray) -> float:
    return float(rows[:, 0].sum() / rows[:, 1].sum())


def _bootstrap(rows: np.ndarray, level: float) -> tuple[float, float, np.ndarray]:
    """Return the ends of the interval of a share, and the draws behind it."""
    from helpers.inference import exact_interval

    k, share = len(rows), _share(rows)
    hits, sizes = (_resampled(k) @ rows).T
    draws = hits / sizes
    if share in (0.0, 1.0):
        exact = exact_interval(k if share else 0, k, level)
        return (exact.low, exact.high, draws) if exact else (0.0, 1.0, draws)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high), draws


def _resampled(n: int) -> np.ndarray:
    """Return how often each of n is drawn, n with replacement, shape (DRAWS, n)."""
    return np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=DRAWS)


def _first(scores: np.ndarray) -> np.ndarray:
    """Return in which percent of draws each row has the highest score; ties are split."""
    best = scores == scores.max(axis=0)
    return 100 * (best / best.sum(axis=0)).mean(axis=1)


def pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Test for each two articles whether their shares differ, by permuting whole clusters.

    Returns
    -------
    DataFrame indexed by ``better`` and ``worse`` article, ``difference`` in percentage points,
    ``p`` (two-sided) and ``Holm``, the p-value corrected for the number of pairs; smallest first.
    An article with a single cluster is left out.
    """
    from scipy import stats

    from helpers.inference import holm

    sums, found = {a: rows for a, rows in _sums(table).items() if len(rows) > 1}, {}
    for one, other in combinations(sums, 2):
        rows = np.concatenate([sums[one], sums[other]])
        places = np.arange(len(rows))

        def gap(a: np.ndarray, b: np.ndarray, axis: int, rows: np.ndarray = rows) -> np.ndarray:
            hits, sizes = rows[:, 0], rows[:, 1]
            share = [hits[x].sum(axis) / sizes[x].sum(axis) for x in (a, b)]
            return share[0] - share[1]

        test = stats.permutation_test(
            (places[: len(sums[one])], places[len(sums[one]) :]),
            gap,
            vectorized=True,
            n_resamples=DRAWS,
            rng=np.random.default_rng(SEED),
        )
        pair = (one, other) if test.statistic >= 0 else (other, one)
        found[pair] = {"difference": 100 * abs(test.statistic), "p": float(test.pvalue)}
    index = pd.MultiIndex.from_tuples([*found], names=["better", "worse"])
    frame = pd.DataFrame([*found.values()], index, columns=["difference", "p"], dtype=float)
    return frame.assign(Holm=holm(frame["p"])).sort_values("p", kind="stable")


def ranking_words(ranking: pd.DataFrame, tested: pd.DataFrame) -> str:
    """Return in words what :func:`by_article` and :func:`pairs` allow to be said."""
    if ranking.empty:
        return "No claim of an article could be tested and was due."
    shares = [
        f"{article} {row['share']:.0f}% of {row['n']:.0f} ({row['low']:.0f} to {row['high']:.0f}%)"
        for article, row in ranking.iterrows()
    ]
    text = f"Share of tested claims that are supported: {listing(shares)}."
    if len(ranking) == 1:
        return text
    first = ranking["first"].sort_values(ascending=False, kind="stable")
    text += (
        f" {first.index[0]} comes first in {first.iloc[0]:.0f}% of the draws, {first.index[1]} in "
        f"{first.iloc[1]:.0f}%."
    )
    apart = [f"{a} from {b}" for a, b in tested.index[tested["Holm"] < 1 - LEVEL]]
    verdict = (
        f"Differ by more than chance: {listing(apart)}"
        if apart
        else "No two articles differ by more than chance"
    )
    p = f" (smallest p after Holm {words.fixed(tested['Holm'].min(), 2)})" if len(tested) else ""
    return f"**{verdict}** once claims that stand or fall together count as one{p}. {text}"


def coherence(table: pd.DataFrame) -> pd.DataFrame:
    """Return how often an article's own figures fit together, and whether articles agree.

    Returns
    -------
    DataFrame of int indexed by article, the comparison of articles last: ``n`` sums and
    comparisons that could be made, of which ``add up``, ``contradict``, and ``open``.
    """
    own = table[(table["kind"] == "arithmetic") & (table["outcome"] != grading.NOT_TESTABLE)]
    rows = own.groupby(own["article"], sort=False)["outcome"]
    found = pd.DataFrame(
        {
            "n": rows.size(),
            "add up": rows.agg(lambda one: int((one == grading.SUPPORTED).sum())),
            "contradict": rows.agg(lambda one: int((one == grading.CONTRADICTED).sum())),
        }
    )
    found["open"] = found["n"] - found["add up"] - found["contradict"]
    order = sorted(found.index, key=lambda article: article == BETWEEN)
    return found.loc[order].rename(index={BETWEEN: "between articles"})


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """Return how many claims had a rule, bound, reading or day changed after results were seen.

    Returns
    -------
    DataFrame of int indexed by article: ``claims``, ``changed`` and ``changes``.
    """
    number = table["changes"].map(lambda one: len(one or ()))
    rows = number.groupby(table["article"], sort=False)
    return pd.DataFrame(
        {
            "claims": rows.size(),
            "changed": rows.agg(lambda one: int((one > 0).sum())),
            "changes": rows.sum(),
        }
    )


# Forecasts as probabilities -------------------------------------------------------------------


def forecasts(table: pd.DataFrame) -> pd.DataFrame:
    """Score the forecasts as probabilities, against how often such a forecast comes true.

    Parameters
    ----------
    table : DataFrame
        As :func:`helpers.scorecard.frame` gives it.

    Returns
    -------
    DataFrame indexed by claim, in order of due days: ``article``, ``statement``, ``due``,
    ``outcome``, ``chance_low`` and ``chance_high`` (equal where one probability is stated, 1 for a
    plain assertion), ``horizon`` (sessions), ``base_rate`` with ``base_low``, ``base_high`` and
    ``windows``, ``specificity`` (1 less the base rate), ``measured``, ``drift`` (mean of the same
    quantity over all starts) and ``beyond_drift``, ``came_true``, and for what is due
    ``brier_low``, ``brier_high``, ``brier_base``, ``log_low``, ``log_high`` and ``log_base``.
    What does not apply is missing; the log score of a plain assertion that failed is infinite.

    Notes
    -----
    Brier (1950): squared difference of probability and outcome; log score (Good, 1952): minus the
    natural logarithm of the probability given to what happened. Both are better when lower.
    """
    own = table[table["forecast"].notna()].sort_values("as_of", kind="stable")
    known = pd.DataFrame(list(own["forecast"]), index=own.index, columns=[*_ROWS, "came_true"])
    chance = np.array([np.resize(one, 2) for one in own["chance"]], float).reshape(-1, 2)
    measured = own["measured"].map(lambda x: float(x) if words.is_number(x) else np.nan)
    found = own[["article", "statement", "outcome"]].assign(
        due=own["as_of"],
        chance_low=chance[:, 0],
        chance_high=chance[:, 1],
        **known[_ROWS].astype(float),
        specificity=1 - known["base_rate"].astype(float),
        measured=measured,
        beyond_drift=measured - known["drift"].astype(float),
        came_true=known["came_true"],
    )
    happened = known["came_true"].astype(float)  # None, not due, is NaN
    for name, score in (("brier", _brier), ("log", _log)):
        ends = np.array([score(found[f"chance_{end}"], happened) for end in ("low", "high")])
        found[f"{name}_low"], found[f"{name}_high"] = ends.min(axis=0), ends.max(axis=0)
        found[f"{name}_base"] = score(found["base_rate"], happened)
    return found


def _brier(chance: pd.Series, happened: pd.Series) -> pd.Series:
    return (chance - happened) ** 2


def _log(chance: pd.Series, happened: pd.Series) -> pd.Series:
    with np.errstate(divide="ignore"):
        score = -np.log(chance.where(happened != 0, 1 - chance)) + 0.0  # no minus zero
    return score.where(happened.notna())


def forecast_scores(scored: pd.DataFrame) -> pd.DataFrame:
    """Return the mean Brier score of each article's due forecasts, best first.

    Parameters
    ----------
    scored : DataFrame
        As :func:`forecasts` gives it.

    Returns
    -------
    DataFrame indexed by article: ``due``, ``came true``, ``Brier`` from ``low`` to ``high`` (by
    the chance that a word such as *may* is read as), ``base rate``, that of the base rates, and
    ``first``, percent of draws of forecasts in which the article's score (in the middle of its
    range) is the lowest of those drawn.
    """
    own = scored[scored["brier_low"].notna()]
    middle = (own["brier_low"] + own["brier_high"]) / 2
    rows = own.groupby("article", sort=False)
    found = pd.DataFrame(
        {
            "due": rows.size(),
            "came true": rows["came_true"].agg(lambda one: int(one.astype(bool).sum())),
            "low": rows["brier_low"].mean(),
            "high": rows["brier_high"].mean(),
            "base rate": rows["brier_base"].mean(),
        }
    )
    if found.empty:
        return found.assign(first=pd.Series(dtype=float))
    times = _resampled(len(own))
    member = own["article"].to_numpy()[:, None] == found.index.to_numpy()
    drawn = times @ member
    score = np.full(drawn.shape, np.inf)
    np.divide(times @ (member * middle.to_numpy()[:, None]), drawn, out=score, where=drawn > 0)
    found["first"] = _first(-score.T)
    return found.sort_values("high", kind="stable")


def forecast_words(scored: pd.DataFrame) -> str:
    """Return in words what the scores of the due forecasts can say, and what they cannot."""
    own = scored[scored["brier_low"].notna()]
    if own.empty:
        return "No forecast with a base rate is due yet."
    low, high, base = (own[f"brier_{name}"].mean() for name in ("low", "high", "base"))
    told = f"{low:.2f}" if np.isclose(low, high) else f"{low:.2f} to {high:.2f}"
    side = "better" if high < base else "worse" if low > base else "neither better nor worse"
    return (
        f"Mean Brier score of the {words.count(len(own), 'due forecast')}: {told}, {side} than the "
        f"{base:.2f} of their base rates (0 is perfect, 0.25 a coin). {len(own)} of the "
        f"{CALIBRATION} due forecasts that a look at calibration needs are at hand."
    )
