from __future__ import annotations

import io
import json
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers import notebook, parameters
from helpers.errors import InputError
from helpers.parameters import PARAMETERS, ParameterError

FAMILY = "post_streak_outcomes"
GOOD = {
    "as_of": "last",
    "vintage": "frozen",
    "history_start": "1979-01-02",
    "min_length": 12,
    "horizons": "21,63,252",
    "seed": 7,
}


def refusal(action, *args, **kwargs) -> str:
    with pytest.raises(ParameterError) as caught:
        action(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value._render_traceback_() == [f"ParameterError: {message}"]
    return message


class TestParameters:
    def test_good_values_are_converted(self):
        assert parameters.validated(GOOD | {"first_cut_min_bp": 25}) == {
            "as_of": "last",
            "vintage": "frozen",
            "history_start": "1979-01-02",
            "min_length": 12,
            "horizons": (21, 63, 252),
            "seed": 7,
            "first_cut_min_bp": 25.0,
        }

    @pytest.mark.parametrize(
        ("name", "value", "converted"),
        [
            ("min_length", 8.0, 8),
            ("min_length", "8", 8),
            ("min_length", np.int64(8), 8),
            ("horizons", [21, 63], (21, 63)),
            ("horizons", ("21", 63.0), (21, 63)),
            ("horizons", "21, 63", (21, 63)),
            ("horizons", 21, (21,)),
            ("first_cut_min_bp", "25", 25.0),
            ("as_of", date(2026, 1, 22), "2026-01-22"),
            ("as_of", datetime(2026, 1, 22), "2026-01-22"),
            ("history_start", pd.Timestamp("2026-01-22"), "2026-01-22"),
            ("tables", Path("mine"), "mine"),
        ],
    )
    def test_values_as_people_write_them(self, name, value, converted):
        found = parameters.validated({name: value})[name]
        assert found == converted
        assert type(found) is type(converted)

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("min_length", 0, "a whole number from 1 to 60"),
            ("min_length", 61, "a whole number from 1 to 60"),
            ("min_length", -3, "a whole number from 1 to 60"),
            ("min_length", 8.5, "a whole number"),
            ("min_length", "8.5", "a whole number"),
            ("min_length", "eight", "a whole number"),
            ("min_length", float("inf"), "a whole number"),
            ("min_length", True, "a whole number"),
            ("min_length", None, "a whole number"),
            ("min_length", [8], "a whole number"),
            ("horizons", "21;63", "different whole numbers from 1 to 2520"),
            ("horizons", "21,0", "different whole numbers"),
            ("horizons", "21,21", "different whole numbers"),
            ("horizons", "21,,63", "different whole numbers"),
            ("horizons", "", "different whole numbers"),
            ("horizons", 21.5, "different whole numbers"),
            ("horizons", [21, 63.5], "different whole numbers"),
            ("horizons", [], "different whole numbers"),
            ("horizons", [[21]], "different whole numbers"),
            ("horizons", {21: 63}, "different whole numbers"),
            ("first_cut_min_bp", 0, "a number from 1 to 300"),
            ("first_cut_min_bp", float("nan"), "a number from 1 to 300"),
            ("first_cut_min_bp", "nan", "a number"),
            ("first_cut_min_bp", True, "a number"),
            ("vintage", "newest", "'frozen', 'latest' or a name"),
            ("vintage", ["frozen"], "'frozen', 'latest' or a name"),
            ("as_of", "20260122", "an ISO date like '2026-01-22' or 'last'"),
            ("as_of", "2026-02-30", "an ISO date"),
            ("as_of", "22.01.2026", "an ISO date"),
            ("as_of", "2026-01-22 16:00", "an ISO date"),
            ("as_of", 20260122, "an ISO date"),
            ("as_of", datetime(2026, 1, 22, 16), "an ISO date"),
            ("as_of", None, "an ISO date"),
            ("history_start", "last", "an ISO date like '2026-01-22'"),
            ("seed", -1, "a whole number from 0"),
            ("seed", 2**32, "a whole number from 0"),
        ],
    )
    def test_bad_value_is_one_line(self, name, value, expected):
        message = refusal(parameters.validated, {name: value})
        assert message.startswith(f"{name} = {value!r}: expected {expected}")

    def test_every_rule_says_what_it_expects(self):
        for name, rule in PARAMETERS.items():
            assert rule.expected, name
            assert refusal(parameters.validated, {name: object()}).endswith(rule.expected)

    @pytest.mark.parametrize(
        "name", sorted(set(PARAMETERS) - {"as_of", "article", "results", "tables"})
    )
    def test_last_is_a_date_for_as_of_alone(self, name):
        refusal(parameters.validated, {name: "last"})

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("min_lenght", "did you mean min_length? expected one of"),
            ("horizon", "did you mean horizons? expected one of"),
            ("zebra", "unknown parameter 'zebra': expected one of as_of, vintage"),
        ],
    )
    def test_unknown_name_is_one_line(self, name, hint):
        assert hint in refusal(parameters.unknown, ["seed", name], GOOD)

    def test_a_parameter_without_a_rule_is_one_line(self):
        message = refusal(parameters.validated, {"colour": "red"})
        assert message == "colour: expected a rule for it in helpers.parameters.PARAMETERS"

    def test_known_names_pass(self):
        parameters.unknown(list(GOOD), GOOD)


class TestInjectedCell:
    @pytest.mark.parametrize(
        ("source", "names"),
        [
            ("# Parameters\nmin_length = 8\nseed = 3", ["min_length", "seed"]),
            ("a = b = 1", ["a", "b"]),
            ("x['k'] = 1\ny.z = 2\nprint('q = 1')", []),
            ("if True:\n    hidden = 1", []),
            ('text = """\nnot_a_name = 1\n"""', ["text"]),
            ("", []),
        ],
    )
    def test_assigned_names(self, source, names):
        assert parameters.assigned(source) == names

    @pytest.mark.parametrize(
        ("cells", "names"),
        [
            ([], []),
            (["min_length = 8"], ["min_length"]),
            (["", "min_length = 12", "# Parameters\nmin_lenght = 8"], ["min_length", "min_lenght"]),
            (["# Injected parameters by hand\nzebra = 1"], ["zebra"]),
            (["# Parameters\nzebra = 1\nseed = 2", "# Parameters\nseed = 1"], ["seed"]),
            # Typed into the notebook's own cell, in a kernel that has the old value still.
            (["seed = 1", "x = 1", "seed = 1\nmin_lnght = 9"], ["seed", "min_lnght"]),
            (["seed = 1\nmin_lenght = 9", "seed = 1\nmin_length = 9"], ["seed", "min_length"]),
            (["seed = 1", "min_lengths = 9"], ["seed", "min_lengths"]),
            # What a notebook or somebody at it assigns besides is no parameter.
            (["seed = 1", "n = 3\nyears = 21", "seeds = rng.integers(3)", "seed ="], ["seed"]),
            (["seed = 1", "for seed_ in (1,):\n    pass", "print(seed)"], ["seed"]),
            (["# Parametersx\nzebra = 1", "y = 1\n# Parameters"], []),
        ],
    )  # fmt: skip
    def test_the_last_cell_of_parameters_counts(self, monkeypatch, cells, names):
        shell = SimpleNamespace(user_ns={"In": cells})
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        assert parameters.given_names(GOOD) == names

    def test_outside_ipython_nothing_is_given(self, monkeypatch):
        monkeypatch.setattr("IPython.get_ipython", lambda: None)
        assert parameters.given_names(GOOD) == []

    def test_a_stranger_stops_the_run(self, monkeypatch):
        shell = SimpleNamespace(user_ns={"In": ["# Parameters\nmin_lenght = 8"]})
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)
        assert "did you mean min_length?" in refusal(notebook.start, FAMILY, **GOOD)

    def test_ipython_prints_the_one_line(self, capsys):
        shell = InteractiveShell.instance()
        try:
            shell.run_cell(
                "from helpers import notebook, parameters\nparameters.validated({'min_length': 0})",
                store_history=False,
            )
        finally:
            InteractiveShell.clear_instance()
        printed = capsys.readouterr()
        told = (printed.out + printed.err).strip().splitlines()
        assert told == ["ParameterError: min_length = 0: expected a whole number from 1 to 60"]


class TestStart:
    @pytest.fixture
    def run(self, monkeypatch, market):
        monkeypatch.setattr(notebook.data, "load", lambda **_: market)
        return lambda **changes: notebook.start(FAMILY, **(GOOD | changes))

    @pytest.mark.parametrize(
        ("as_of", "close"),
        [
            ("last", "2026-10-07"),
            ("2026-01-22", "2026-01-22"),
            ("2026-01-19", "2026-01-16"),  # a holiday
            ("2026-01-18", "2026-01-16"),  # a Sunday
            ("2026-08-21", "2026-08-21"),
            ("1980-01-01", "1979-12-31"),
        ],
    )
    def test_as_of_resolves_to_the_last_close(self, run, as_of, close):
        assert str(run(as_of=as_of).market.last.date()) == close

    @pytest.mark.parametrize("as_of", ["1978-12-28", "2026-10-08", "1492-10-12", "2199-01-01"])
    def test_as_of_outside_the_data_is_one_line(self, run, as_of):
        message = refusal(run, as_of=as_of)
        assert message == f"as_of = '{as_of}': expected a date from 1978-12-29 to 2026-10-07"

    @pytest.mark.parametrize("start", ["1978-12-01", "2026-01-22", "2026-03-02"])
    def test_history_must_start_within_the_data(self, run, start):
        message = refusal(run, as_of="2026-01-22", history_start=start)
        assert "expected from 1978-12-29 to before 2026-01-22" in message

    def test_an_unknown_family_is_one_line(self, monkeypatch, market):
        monkeypatch.setattr(notebook.data, "load", lambda **_: market)
        with pytest.raises(InputError, match="family 'luck' is not known; expected one of"):
            notebook.start("luck", **GOOD)

    def test_parameters_are_attributes(self, run):
        values = run(min_length=8).parameters
        assert (values.min_length, values.horizons) == (8, (21, 63, 252))

    def test_the_market_knows_nothing_later(self, run):
        known = run(as_of="2025-12-31")
        assert known.market.closes.index[-1] == pd.Timestamp("2025-12-31")
        assert known.claims.market is known.market

    def test_a_day_without_a_session_keeps_what_was_known_that_day(self, run):
        sunday = run(as_of="2020-03-15").market  # the Fed cut on that Sunday
        assert str(sunday.target.index[-1].date()) == "2020-03-15"
        assert (str(sunday.last.date()), str(sunday.day.date())) == ("2020-03-13", "2020-03-15")
        assert str(run(as_of="2020-03-13").market.target.index[-1].date()) == "2020-03-03"
        # CS-18's day is a Saturday: it is due, though the library came out later.
        due = run(as_of="2026-01-31").claims.check("CS-18")
        assert due.grade.reason == "not measured"
        assert run(as_of="2026-01-30").claims.check("CS-18").grade.outcome == "pending"

    def test_own_tables_are_loaded_and_shown(self, tmp_path):
        rows = "date,fund,flow_usd_billion\n2026-01-14,VBR,1\n2026-01-21,VBR,2\n"
        (tmp_path / "fund_flows.csv").write_text(rows)
        (tmp_path / "source.txt").write_text("Made-up Data\n")
        shown = {"": "your own tables", "2026-01-21": "2 rows, 2026-01-14 to 2026-01-21, by Made"}
        shown |= {"2026-01-20": "1 row, 2026-01-14 to 2026-01-14", "2026-01-02": "no rows by then"}
        for as_of, text in shown.items():
            run = notebook.start(FAMILY, as_of=as_of or "last", tables=str(tmp_path))
            assert text in run._repr_mimebundle_()["text/csv"]
        shown = notebook.start(FAMILY, as_of="last", tables="")._repr_mimebundle_()
        assert "tables" not in shown["text/csv"]

    def test_shows_which_close_the_date_resolved_to(self, run):
        shown = run(as_of="2026-01-18")._repr_mimebundle_()
        assert "18 January 2026: the close of 16 January 2026" in shown["text/html"]
        assert "min_length = 12; horizons = 21,63,252; seed = 7" in shown["text/html"]
        assert "vintage frozen" in shown["text/csv"]


class TestTable:
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2026-01-02", None]),
            "lead": [-1234.567, np.nan],
            "n": [4, 5],
            "note": ["<b>&</b>", None],
        },
        index=pd.Index(["one", "<two>"], name="<claim>"),
    )

    def bundle(self, **options) -> dict[str, str]:
        return notebook.table(self.frame, **options)._repr_mimebundle_()

    def test_html_escapes_rounds_and_marks_what_is_missing(self):
        html = self.bundle()["text/html"]
        for text in (
            "−1,234.6",
            "2 January 2026",
            "&lt;b&gt;&amp;&lt;/b&gt;",
            "&lt;two&gt;",
            "&lt;claim&gt;",
        ):
            assert text in html
        assert "<b>" not in html
        assert html.count(">–<") == 3
        assert 'style="' in html
        assert "<style" not in html
        assert " id=" not in html

    def test_travels_twice_and_can_be_printed(self):
        table = notebook.table(self.frame)
        rows, columns = self.frame.shape
        assert table._repr_mimebundle_()["text/plain"].startswith(f"table of {rows} by {columns}")
        assert "-1234.57" in str(table)

    def test_headers_say_what_they_head(self):
        html = self.bundle()["text/html"]
        assert html.count('scope="col"') == 5
        assert html.count('scope="row"') == 2
        assert 'scope="col"' not in self.bundle(header=False)["text/html"]

    @pytest.mark.parametrize(
        ("digits", "text"),
        [(0, "−1,235"), (2, "−1,234.57"), ({"lead": 3}, "−1,234.567"), ({}, "−1,234.6")],
    )
    def test_digits(self, digits, text):
        assert f">{text}<" in self.bundle(digits=digits)["text/html"]

    def test_csv_reads_back_to_the_frame(self):
        text = self.bundle()["text/csv"]
        back = pd.read_csv(io.StringIO(text), index_col=0, parse_dates=["when"])
        pd.testing.assert_frame_equal(back, self.frame, check_dtype=False)

    def test_any_column_names_will_do(self):
        frame = pd.DataFrame({21: [1.0], pd.Timestamp("2026-01-02"): ["x"]})
        html = notebook.table(frame.rename_axis(7))._repr_mimebundle_()["text/html"]
        assert all(f">{name}<" in html for name in ("21", "2 January 2026", "7"))

    def test_same_frame_same_bytes(self):
        assert json.dumps(self.bundle()) == json.dumps(self.bundle())


def test_claims_table_lists_the_family_and_how_it_is_judged(registry):
    html = notebook.claims_table(registry, "rate_cut_response")._repr_mimebundle_()["text/html"]
    for claim in registry.family("rate_cut_response"):
        assert f">{claim.claim_id}</th>" in html
    assert "not testable: licensed data" in html
    assert "within 0" in html


def test_text_is_markdown():
    assert notebook.text("**4.2** points").data == "**4.2** points"
