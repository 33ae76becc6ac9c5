"""What if: the same numbers as by hand, one line for what cannot be, nothing written."""

import pytest
from IPython.display import Markdown

from helpers import explore
from helpers.errors import InputError


@pytest.fixture(scope="module")
def nine():
    return explore.streaks(min_length=9, horizons="21,252")


def test_streaks_are_those_of_a_plain_count(nine):
    closes = nine.run.market.closes
    returns = closes / closes.shift() - 1
    won = (returns["russell_2000"] > returns["sp_500"]).tolist()
    lengths, length = [], 0
    for day in [*won, False]:
        if not day and length >= 9:
            lengths.append(length)
        length = length + 1 if day else 0
    assert nine.streaks["length"].tolist() == lengths


def test_the_mean_is_that_of_the_leads_of_ended_streaks(nine):
    closes, leads = nine.run.market.closes, []
    for day in nine.streaks["known"].dropna():
        place = closes.index.get_loc(day)
        if place + 252 < len(closes):
            later = closes.iloc[place + 252] / closes.iloc[place] - 1
            leads.append(100 * (later["russell_2000"] - later["sp_500"]))
    assert nine.study.loc[252, "n"] == len(leads) == 18
    assert nine.study.loc[252, "mean"] == pytest.approx(sum(leads) / len(leads))
    assert "18 streaks of 9 or more" in nine.sentence()


def test_no_streak_is_an_answer():
    found = explore.streaks(min_length=60)
    assert found.streaks.empty
    assert found.sentence() == "No streak of 60 or more has a full window after it."


def test_a_pair_of_ones_own(tmp_path):
    days = explore.pd.bdate_range("2024-01-01", periods=400)
    for name, step in (("small", 1.002), ("large", 1.001)):
        rows = "".join(f"{day.date()},{100 * step**n:.6f}\n" for n, day in enumerate(days))
        (tmp_path / f"{name}.csv").write_text(f"Date,Close\n{rows}")
    pair = f"{tmp_path / 'small.csv'}, {tmp_path / 'large.csv'}"
    found = explore.streaks(pair=pair, names="S,L", horizons=21, min_length=9)
    assert found.streaks["running"].tolist() == [True]  # it always leads, so it never ended
    assert found.study.loc[21, "n"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_lenght": 9}, "unknown parameter 'min_lenght': did you mean min_length"),
        ({"min_length": 0}, "min_length = 0: expected a whole number from 1 to 60"),
        ({"as_of": "2030-01-01"}, "as_of = '2030-01-01': expected a date from"),
    ],
)
def test_what_cannot_be_is_one_line(changes, message):
    with pytest.raises(InputError, match=message):
        explore.streaks(**changes)


def test_a_run_lends_its_parameters(nine):
    again = explore.streaks(nine.run, horizons=21)
    assert again.run.parameters.min_length == 9
    assert again.study.index.tolist() == [21]


def test_controls_only_where_somebody_looks(monkeypatch, nine):
    widgets = pytest.importorskip("ipywidgets")
    monkeypatch.delenv("ROTATION_PANEL", raising=False)
    assert isinstance(explore.panel(nine.run), Markdown)
    monkeypatch.setenv("ROTATION_PANEL", "1")
    shown = explore.panel(nine.run)
    assert isinstance(shown, widgets.VBox)
    fields = {one.description: one.value for one in shown.children[0].children}
    assert fields["min length"] == 9
    assert fields["horizons"] == "21,252"
