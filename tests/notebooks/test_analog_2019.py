"""What notebook 01 adds to the helpers: episodes, thinned windows, ranks, rebased paths."""

import numpy as np
import pandas as pd
import pytest

from helpers import analogs, events, returns
from helpers.errors import InputError

SESSIONS = pd.bdate_range("2019-01-01", periods=40)


def _leads(signs: str) -> pd.Series:
    values = [0.01 if sign == "+" else -0.01 for sign in signs]
    return pd.Series(values, index=SESSIONS[: len(signs)])


def _windows(distances: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"distance": distances, "correlation": np.linspace(-1, 1, len(distances))},
        index=SESSIONS[: len(distances)],
    )


def test_an_episode_is_the_longest_streak_of_its_month_with_the_session_before():
    #                 |January: 23 sessions  |February
    leads = _leads("-++-+++--------------------++++-")
    found = events.episodes(leads, {"one": "2019-01", "two": "2019-02"})
    assert found.loc["one", ["start", "end", "before"]].tolist() == [
        SESSIONS[4],
        SESSIONS[6],
        SESSIONS[3],
    ]
    assert found["length"].tolist() == [3, 4]
    assert found["running"].tolist() == [False, False]
    assert found.loc["two", "before"] == SESSIONS[26]


def test_an_episode_that_still_runs_is_cut_at_the_last_session():
    found = events.episodes(_leads("--+++"), {"one": "2019-01"})
    assert found["length"].tolist() == [3]
    assert found["running"].tolist() == [True]


@pytest.mark.parametrize(
    ("signs", "month", "message"),
    [
        ("-++-", "2019-02", "2019-02 or later"),
        ("----", "2019-01", "month in which a streak ended"),
        ("++--", "2019-01", "a session before its streak"),
    ],
)
def test_an_episode_that_cannot_be_found_is_refused_in_one_line(signs, month, message):
    with pytest.raises(InputError, match=message) as caught:
        events.episodes(_leads(signs), {"one": month})
    assert "\n" not in str(caught.value)


def test_thinning_takes_the_closest_first_and_leaves_no_overlap():
    # 0.1 at 3 rules out 1 to 5; 0.2 at 6 rules out 4 to 8; 0.5 at 0 is left.
    table = _windows([0.5, 0.4, 0.3, 0.1, 0.15, 0.6, 0.2, 0.9])
    assert analogs.closest_apart(table, SESSIONS, 2)["distance"].tolist() == [0.1, 0.2, 0.5]
    assert analogs.closest_apart(table, SESSIONS, 2, n=2)["distance"].tolist() == [0.1, 0.2]


def test_thinning_takes_the_kept_window_before_all_others():
    table = _windows([0.5, 0.4, 0.3, 0.1, 0.15, 0.6, 0.2, 0.9])
    kept = analogs.closest_apart(table, SESSIONS, 2, keep=SESSIONS[5])
    assert kept["distance"].tolist() == [0.3, 0.6]  # 0.1, 0.15, 0.2, 0.9 overlap it
    assert analogs.closest_apart(table, SESSIONS, 2, n=1, keep=SESSIONS[5]).index == [SESSIONS[5]]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width", [0, 1, 4])
def test_thinning_agrees_with_a_plain_loop_and_counts_sessions_not_rows(seed, width):
    rng = np.random.default_rng(seed)
    held = np.sort(rng.choice(len(SESSIONS), 25, replace=False))
    table = pd.DataFrame(
        {"distance": rng.integers(1, 12, 25).astype(float), "correlation": 0.0},
        index=SESSIONS[held],
    )
    chosen: list[int] = []
    for row in sorted(range(25), key=lambda k: (table["distance"].iloc[k], k)):
        if all(abs(held[row] - held[other]) > width for other in chosen):
            chosen.append(row)
    expected = table.index[chosen]
    pd.testing.assert_index_equal(
        analogs.closest_apart(table, SESSIONS, width).index, expected, exact="equiv"
    )


def test_a_window_is_ranked_by_what_stands_before_it_and_ties_share_the_better_rank():
    table = _windows([0.5, 0.2, 0.5, 0.1, 0.9])  # correlations -1, -0.5, 0, 0.5, 1
    assert analogs.rank(table, SESSIONS[2]) == {
        "candidates": 5,
        "distance": 0.5,
        "rank": 3,
        "closer": 0.5,
        "correlation": 0.0,
        "rank_correlation": 3,
        "more_alike": 0.5,
    }
    assert analogs.rank(table, SESSIONS[0])["rank"] == 3
    assert analogs.rank(table, SESSIONS[3])["rank"] == 1


def test_a_window_alone_has_a_rank_but_no_share():
    alone = analogs.rank(_windows([0.5]), SESSIONS[0])
    assert (alone["candidates"], alone["rank"]) == (1, 1)
    assert np.isnan(alone["closer"])
    assert np.isnan(alone["more_alike"])


@pytest.mark.parametrize("table", [_windows([0.5, 0.2]), _windows([])])
def test_a_window_that_is_no_candidate_is_refused(table):
    with pytest.raises(InputError, match=r"2019-01-07: expected the anchor of a candidate"):
        analogs.rank(table, SESSIONS[4])
    with pytest.raises(InputError, match="candidate"):
        analogs.closest_apart(table, SESSIONS, 1, keep=SESSIONS[4])


def test_windows_wider_than_the_data_are_refused_in_one_line():
    with pytest.raises(InputError, match="30 before it and 30 after it"):
        analogs.windows(_leads("+-" * 20), SESSIONS[20], 30, 30)


def test_rebased_paths_start_at_100_and_end_with_the_data():
    closes = pd.DataFrame(
        {"russell_2000": [50.0, 100.0, 110.0, 99.0], "sp_500": [200.0, 200.0, 210.0, 220.0]},
        index=SESSIONS[:4],
    )
    paths = returns.rebased_paths(closes, SESSIONS[1], 2, 3)
    assert paths.index.tolist() == [-2, -1, 0, 1, 2, 3]
    assert paths.index.name == "session"
    nan = np.nan
    np.testing.assert_allclose(paths["russell_2000"], [nan, 50, 100, 110, 99, nan])
    np.testing.assert_allclose(paths["sp_500"], [nan, 100, 100, 105, 110, nan])


def test_rebased_paths_resolve_a_day_off_the_calendar_to_the_close_before():
    closes = pd.DataFrame({"russell_2000": [1.0, 2.0], "sp_500": [1.0, 1.0]}, index=SESSIONS[7:9])
    saturday = SESSIONS[8] + pd.Timedelta(days=1)
    assert returns.rebased_paths(closes, saturday, 1, 0)["russell_2000"].tolist() == [50.0, 100.0]
    with pytest.raises(InputError, match="first close"):
        returns.rebased_paths(closes, SESSIONS[0], 1, 0)
