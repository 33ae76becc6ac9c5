"""A researcher's own tables: made-up ones that decide claims, and wrong ones that are refused."""

from __future__ import annotations

import json
import re
import shutil
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from frictionless import validate

from helpers import claims, data, notebook
from helpers.claims import grading
from helpers.data import DataError
from rotation import cli
from rotation.run import planning, runner
from support.data import DATA, ROOT, claim_rows, copy_notebook, raw

PROVIDER = "Made-up Data"
BASIS = "Made-up Multiples, 12 months"
OWN = {row["claim_id"]: json.loads(row["own"]) for row in claim_rows() if row["own"]}
SECTORS = ("Financials", *(f"Sector {number}" for number in range(1, 9)))
DOC = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## `(\w+)\.csv`\n\n```csv\n(.*?)^```", DOC, re.S | re.M))


# Tables made here, obviously not real: plain steps whose results can be told by hand ------------


def forward_pe(start: str = "1985-01", end: str = "2026-07") -> pd.DataFrame:
    """The S&P 500 at 22; the Russell 2000 at 0.9 of it, 0.7 from June 2021, 0.65 in 2025-12."""
    rows = []
    for month in pd.period_range(start, end, freq="M"):
        ratio = 0.9 if str(month) < "2021-06" else 0.7
        ratio = 0.65 if str(month) == "2025-12" else ratio
        day = month.end_time.date()
        rows.append((day, "Russell 2000", round(22 * ratio, 2), BASIS))
        rows.append((day, "S&P 500", 22, BASIS))
    return pd.DataFrame(rows, columns=["date", "index", "value", "provider_basis"])


def group_closes(end: str = "2026-01-30") -> pd.DataFrame:
    """Flat at 100 but for stated moves: on 20 January by size, of two indexes by 22 January."""
    moves = {
        "Russell Top 50": {"2026-01-20": -3},
        "S&P 400": {"2026-01-20": -1.5},
        "Russell Microcap": {"2026-01-20": -0.2},
        "Nasdaq Composite": {"2026-01-12": -1.3},
        "Russell 2000 Value": {"2026-01-09": 20},
    }
    moves |= {f"Russell 2000 {name}": {"2026-01-09": 5} for name in SECTORS}
    moves["Russell 2000 Financials"] = {"2026-01-09": 9.3}
    rows = []
    for group, steps in moves.items():
        level = 100.0
        for day in data.sessions("2025-12-31", end):
            level += steps.get(str(day.date()), 0)
            rows.append((day.date(), group, level))
    return pd.DataFrame(rows, columns=["date", "group", "close"])


def fund_flows(start: str = "2004-01-07", end: str = "2026-01-28") -> pd.DataFrame:
    """Weekly flows of 0.12 billion but for two records and the last week of one fund."""
    special = {
        ("US small-cap funds", "2021-03-10"): 6.1,
        ("US small-cap funds", "2026-01-21"): 5.9,
        ("VBR", "2008-10-15"): 0.9,
        ("VBR", "2026-01-14"): 1.1,
    }
    rows = [
        (day.date(), fund, special.get((fund, str(day.date())), 0.12))
        for fund in ("US small-cap funds", "VBR", "Broker clients, small caps")
        for day in pd.date_range(start, end, freq="W-WED")
    ]
    return pd.DataFrame(rows, columns=["date", "fund", "flow_usd_billion"])


def total_return_levels(start: str = "2015-12-31") -> pd.DataFrame:
    """Closes of the shipped table, the small caps' 1% higher from 2 January 2026 on."""
    rows = [row for row in raw("index_closes") if row["date"] >= start]
    small = [float(r["russell_2000"]) * (1.01 if r["date"] > "2025-12-31" else 1) for r in rows]
    return pd.DataFrame(
        {
            "date": [row["date"] for row in rows],
            "russell_2000": [round(x, 6) for x in small],
            "sp_500": [row["sp_500"] for row in rows],
        }
    )


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "forward_pe": forward_pe,
    "total_return_levels": total_return_levels,
    "group_closes": group_closes,
    "fund_flows": fund_flows,
}


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    """Write tables into a folder, each made above or given as frame, text or bytes."""

    def write(*names: str, **given: pd.DataFrame | str | bytes) -> Path:
        folder = tmp_path / "licensed"
        folder.mkdir(exist_ok=True)
        for name, content in {**{n: TABLES[n]() for n in names}, **given}.items():
            if isinstance(content, pd.DataFrame):
                content = content.to_csv(index=False)
            content = content.encode() if isinstance(content, str) else content
            (folder / f"{name}.csv").write_bytes(content)
        (folder / "source.txt").write_text(f"{PROVIDER}\n", encoding="utf-8")
        return folder

    return write


@pytest.fixture
def judged(own, market) -> Callable[..., claims.Check]:
    """Check one claim with some tables there, beside the shipped ones that are loaded once."""

    def check(claim_id: str, *names: str, as_of: str = "", **given) -> claims.Check:
        frames, hashes = data.load_own(own(*names, **given))
        both = replace(market, own=frames, hashes=market.hashes | hashes)
        return claims.load(both.until(as_of or both.last)).check(claim_id)

    return check


def refusal(folder: Path | str) -> str:
    with pytest.raises(DataError) as caught:
        data.load_own(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


RATIOS = [0.9] * 437 + [0.7] * 54 + [0.65]  # January 1985 to December 2025, by month
SCORE = (0.7 - 0.9) / statistics.stdev(RATIOS)
CLOSES = {row["date"]: row for row in raw("index_closes")}


def day_return(index: str) -> float:
    """Percent, 16 to 20 January 2026."""
    return 100 * (float(CLOSES["2026-01-20"][index]) / float(CLOSES["2026-01-16"][index]) - 1)


STEPS = [-3, day_return("sp_500"), -1.5, day_return("russell_2000"), -0.2]

# Claim: what the made-up table gives, told by hand, and the outcome.
EXPECTED = {
    "SA-09": (14.3, "contradicted"),
    "HR-21": (14.3, "supported"),
    "NX-07": (14.3, "supported"),
    "CS-06": (14.3, "contradicted"),
    "CS-15": (14.3, "contradicted"),
    "SA-10": (22, "contradicted"),
    "HR-22": (22, "supported"),
    "NX-08": (22, "supported"),
    "CS-07": (22, "contradicted"),
    "CS-16": (22, "supported"),
    "SA-11": (1, "supported"),
    "NX-06": (1, "supported"),
    "CS-05": (1, "supported"),
    # Forty years to 22 January 2026 hold 480 month-ends.
    "HR-20": (100 * 479 / 480, "supported"),
    "AI-12": (SCORE, "supported" if abs(SCORE + 2) <= 0.5 else "contradicted"),
    "AI-13": (dict.fromkeys(("1998", "1999", "2000"), -0.25), "supported"),
    "AI-17": (14.3 / 19.8, "supported"),
    "AI-18": (0, "contradicted"),
    "CS-09": ({"S&P 500": 100 * (1 - statistics.mean(RATIOS))}, "contradicted"),
    "CS-17": ({"whole history": 22 * statistics.mean(RATIOS)}, "supported"),
    "HR-15": (
        {
            "S&P 500 over Russell Top 50": STEPS[1] - STEPS[0],
            "S&P 400 over S&P 500": STEPS[2] - STEPS[1],
            "Russell 2000 over S&P 400": STEPS[3] - STEPS[2],
            "Russell Microcap over Russell 2000": STEPS[4] - STEPS[3],
        },
        "supported" if sorted(STEPS) == STEPS else "contradicted",
    ),
    "HR-49": ({"return": 9.3, "rank": 1}, "supported"),
    "HR-65": ("2021-03", "supported"),
    "CS-12": (1, "supported"),
    "NX-14": (53 * 0.12, "supported"),  # 53 Wednesdays
}


def approx(value):
    return value if isinstance(value, str) else pytest.approx(value)


class TestDecides:
    def test_every_row_with_a_call_on_own_tables_is_tried_here(self):
        assert set(EXPECTED) == set(OWN)

    @pytest.mark.parametrize("claim_id", OWN)
    def test_claim_is_measured_on_the_table(self, judged, registry, claim_id):
        table = OWN[claim_id]["table"]
        check, before = judged(claim_id, table), registry.check(claim_id)
        value, outcome = EXPECTED[claim_id]
        assert check.measured == approx(value)
        assert (check.grade.outcome, check.fidelity) == (outcome, "same data")
        assert before.fidelity in ("none", "proxy", "dated readings")
        provider = BASIS if table == "forward_pe" else PROVIDER
        assert check.beside.startswith(f"measured on {provider} from the user's tables; ")
        payload = check.payload()
        assert payload["rule"] != "none"
        assert payload["measure"]
        assert payload["tolerance"]
        if before.grade.outcome == grading.NOT_TESTABLE:
            assert payload["others"] == []
        else:
            (kept,) = payload["others"]
            assert kept["reading"] == f"on open data ({before.fidelity})"
            assert (kept["measured"], kept["outcome"]) == (
                before.payload()["measured"],
                before.grade.outcome,
            )
            changed = before.grade.outcome != outcome
            assert ("on open data" in payload["note"]) == changed

    def test_open_data_decide_where_there_is_no_table(self, judged, registry):
        check = judged("SA-11", "group_closes")
        assert check.payload() == registry.check("SA-11").payload()

    @pytest.mark.parametrize(
        ("claim_id", "given", "says"),
        [
            ("HR-21", {"forward_pe": forward_pe(end="2025-11")}, "the last is of 2025-11-30"),
            ("SA-11", {"forward_pe": forward_pe("2001-01")}, "since 2000-12-31; the first"),
            ("HR-20", {"forward_pe": forward_pe("1986-02")}, "since 1986-01-22; the first"),
            ("AI-13", {"forward_pe": forward_pe("1999-01")}, "not enough data up to 2025"),
            ("HR-49", {"group_closes": group_closes("2026-01-16")}, "expected"),
            ("CS-12", {"fund_flows": fund_flows("2005-01-05")}, "expected figures since 2004-12"),
            ("HR-65", {"fund_flows": fund_flows(end="2026-01-14")}, "the last is of 2026-01-14"),
            ("NX-14", {"fund_flows": fund_flows("2025-03-05")}, "expected figures since 2025-01"),
        ],
    )
    def test_table_that_does_not_reach_decides_nothing(
        self, judged, registry, claim_id, given, says
    ):
        check, before = judged(claim_id, **given), registry.check(claim_id)
        assert says in check.beside
        assert "the user's tables do not decide it" in check.beside
        assert (check.grade, check.fidelity) == (before.grade, before.fidelity)
        assert check.measured == before.measured

    def test_gap_in_a_history(self, judged):
        table = forward_pe()
        table = table[~table["date"].astype(str).str.startswith("2010")]
        assert (
            "no gap of over 100 days; one ends 2011-01-31"
            in judged("SA-11", forward_pe=table).beside
        )

    def test_two_bases_are_not_set_against_each_other(self, judged):
        table = forward_pe()
        table.loc[table["index"] == "S&P 500", "provider_basis"] = "Another"
        assert f"expected the basis '{BASIS}'" in judged("SA-11", forward_pe=table).beside
        assert judged("HR-22", forward_pe=table).beside.startswith("measured on Another from")

    def test_russell_1000_where_there_is_no_sp_500(self, judged):
        table = forward_pe().replace({"index": {"S&P 500": "Russell 1000"}})
        check = judged("CS-05", forward_pe=table)
        assert (check.measured, check.fidelity) == (1, "same data")
        assert "Russell 2000 over Russell 1000" in check.beside

    def test_a_sector_that_does_not_lead(self, judged):
        table = group_closes()
        later = table["date"].astype(str) >= "2026-01-09"
        table.loc[(table["group"] == "Russell 2000 Sector 3") & later, "close"] = 112.0
        check = judged("HR-49", group_closes=table)
        assert check.measured == {"return": pytest.approx(9.3), "rank": 2}
        assert check.grade.outcome == "contradicted"

    def test_sectors_that_are_too_few(self, judged):
        table = group_closes()
        check = judged("HR-49", group_closes=table[table["group"] != "Russell 2000 Sector 3"])
        assert "at least 9 sectors" in check.beside
        assert check.fidelity == "proxy"  # the shipped funds decide then

    def test_mega_caps_by_another_index(self, judged):
        table = group_closes().replace({"group": {"Russell Top 50": "S&P 100"}})
        assert "S&P 500 over S&P 100" in judged("HR-15", group_closes=table).measured

    def test_nothing_later_than_the_run_is_used(self, judged, own):
        market = data.load(tables=own(*TABLES)).until("2026-01-20")
        for frame in market.own.values():
            assert frame["date"].max() <= pd.Timestamp("2026-01-20")
        assert judged("HR-49", "group_closes", as_of="2026-01-20").fidelity == "proxy"
        later = judged("HR-21", "forward_pe", as_of="2026-01-20")
        assert later.grade.outcome == grading.PENDING

    def test_what_is_decided_is_no_longer_listed_as_undecided(self, own, registry):
        before = notebook.undecided(registry, "economy_and_flows")
        with_own = claims.load(data.load(tables=own("group_closes", "fund_flows")))
        after = notebook.undecided(with_own, "economy_and_flows")
        assert set(before.index) - set(after.index) == {
            "HR-65", "NX-14", "CS-12",
        }  # fmt: skip
        assert "all of" in notebook.claims_table(with_own, "economy_and_flows").data


class TestTotalReturns:
    def test_lead_is_shown_with_dividends_and_judged_on_prices(self, judged, registry):
        check, before = judged("HR-03", "total_return_levels"), registry.check("HR-03")
        first, last = CLOSES["2025-12-31"], CLOSES["2026-01-20"]
        small, large = (float(last[i]) / float(first[i]) for i in ("russell_2000", "sp_500"))
        lead = f"{100 * (1.01 * small - large):.4g}"
        assert f"with dividends {lead}, on {PROVIDER} from the user's tables" in check.beside
        assert (check.measured, check.grade) == (before.measured, before.grade)
        assert check.fidelity == before.fidelity

    def test_named_values(self, judged):
        beside = judged("AI-10", "total_return_levels").beside
        assert "with dividends" not in beside  # its first cuts begin in 1984
        full = total_return_levels("1978-12-29")
        beside = judged("AI-10", total_return_levels=full).beside
        assert re.search(r"with dividends mean -?[\d.]+; median", beside)

    @pytest.mark.parametrize("claim_id", ["SA-04", "HR-25", "HR-16"])
    def test_other_claims_are_as_before(self, judged, registry, claim_id):
        check = judged(claim_id, "total_return_levels")
        assert check.payload() == registry.check(claim_id).payload()


def spoilt(table: str, row: int, text: str) -> str:
    """A made table with one row (1 is the first below the header) replaced."""
    lines = TABLES[table]().to_csv(index=False).split("\n")
    lines[row] = text
    return "\n".join(lines)


def renamed(table: str, old: str, new: str) -> str:
    return TABLES[table]().rename(columns={old: new}).to_csv(index=False)


# Each: table, its content, and what the refusal says.
BAD = {
    "missing column": (
        "forward_pe",
        forward_pe().drop(columns="value").to_csv(index=False),
        "forward_pe.csv: header: expected date, index, value, provider_basis; found 'date'",
    ),
    "wrong column": (
        "fund_flows",
        renamed("fund_flows", "flow_usd_billion", "flow"),
        "fund_flows.csv: header: expected",
    ),
    "word for a number": (
        "forward_pe",
        spoilt("forward_pe", 3, "1985-02-28,Russell 2000,n/a,x"),
        "forward_pe.csv row 3: value 'n/a': expected a number",
    ),
    "comma for a point": (
        "group_closes",
        spoilt("group_closes", 2, '2026-01-02,Russell Top 50,"99,5"'),
        "group_closes.csv row 2: close '99,5': expected a number",
    ),
    "US date": (
        "total_return_levels",
        spoilt("total_return_levels", 1, "12/31/2015,1000,2000"),
        "total_return_levels.csv row 1: date '12/31/2015': expected a date",
    ),
    "negative multiple": (
        "forward_pe",
        spoilt("forward_pe", 3, "1985-02-28,Russell 2000,-5,x"),
        "forward_pe.csv row 3: value '-5': expected at least 0.01",
    ),
    "unknown index": (
        "forward_pe",
        spoilt("forward_pe", 3, "1985-02-28,R2000,18,x"),
        "row 3: index 'R2000': expected one of Russell 2000, S&P 500, Russell 1000",
    ),
    "no provider": (
        "forward_pe",
        spoilt("forward_pe", 3, "1985-02-28,Russell 2000,18,"),
        "forward_pe.csv row 3: provider_basis '': expected a value",
    ),
    "second basis": (
        "forward_pe",
        spoilt("forward_pe", 3, "1985-02-28,Russell 2000,18,Another"),
        f"row 3: provider_basis 'Another': expected '{BASIS}', one basis for all readings of",
    ),
    "index and day twice": (
        "forward_pe",
        spoilt("forward_pe", 3, f'1985-01-31,Russell 2000,18,"{BASIS}"'),
        "forward_pe.csv row 3: expected one row for each date, index",
    ),
    "index out of order": (
        "forward_pe",
        spoilt("forward_pe", 3, f'1984-12-31,Russell 2000,18,"{BASIS}"'),
        "forward_pe.csv row 3: 1984-12-31: dates of 'Russell 2000' must increase",
    ),
    "group and day twice": (
        "group_closes",
        spoilt("group_closes", 2, "2025-12-31,Russell Top 50,100"),
        "group_closes.csv row 2: expected one row for each date, group",
    ),
    "fund and day twice": (
        "fund_flows",
        spoilt("fund_flows", 2, "2004-01-07,US small-cap funds,1"),
        "fund_flows.csv row 2: expected one row for each date, fund",
    ),
    "fund out of order": (
        "fund_flows",
        spoilt("fund_flows", 2, "2003-12-31,US small-cap funds,1"),
        "fund_flows.csv row 2: 2003-12-31: dates of 'US small-cap funds' must increase",
    ),
    "weekend": (
        "total_return_levels",
        spoilt("total_return_levels", 2, "2016-01-02,1136,2044"),
        "total_return_levels.csv row 2: 2016-01-02 is no New York session",
    ),
    "weekend in a group": (
        "group_closes",
        # Row 23 is the third of the second group.
        spoilt("group_closes", 23, "2026-01-03,S&P 400,100"),
        "group_closes.csv row 23: 2026-01-03 is no New York session",
    ),
    "missing session": (
        "total_return_levels",
        total_return_levels().drop(index=4).to_csv(index=False),
        "total_return_levels.csv row 5: the session 2016-01-07 before it is missing",
    ),
    "jump": (
        "total_return_levels",
        spoilt("total_return_levels", 2, "2016-01-04,1136,9999"),
        "total_return_levels.csv row 2: sp_500 moved by",
    ),
    "jump in a group": (
        "group_closes",
        spoilt("group_closes", 2, "2026-01-02,Russell Top 50,200"),
        "group_closes.csv row 2: Russell Top 50 moved by 100.0% on 2026-01-02",
    ),
    "day twice": (
        "total_return_levels",
        spoilt("total_return_levels", 2, "2015-12-31,1136,2044"),
        "total_return_levels.csv row 2: date '2015-12-31': expected each value once",
    ),
    "extra field": (
        "fund_flows",
        spoilt("fund_flows", 2, "2004-01-14,VBR,1,2"),
        "fund_flows.csv row 2: expected 3 fields; got 4",
    ),
    "Latin-1": (
        "fund_flows",
        fund_flows().to_csv(index=False).replace("VBR", "Börse").encode("latin-1"),
        "fund_flows.csv: not UTF-8 text at byte",
    ),
    "empty": ("fund_flows", b"", "fund_flows.csv: header: expected"),
    "header alone": ("fund_flows", b"date,fund,flow_usd_billion\n", "no rows below the header"),
}


class TestRefuses:
    @pytest.mark.parametrize(("table", "content", "says"), BAD.values(), ids=BAD)
    def test_wrong_table_gets_one_line(self, own, table, content, says):
        assert says in refusal(own(**{table: content}))

    @pytest.mark.parametrize("name", ["foward_pe.csv", "notes.txt", "FORWARD_PE.CSV", "more"])
    def test_unknown_file(self, own, name):
        folder = own("fund_flows")
        (folder / name).write_bytes(b"x")
        assert refusal(folder) == (
            f"{name}: no table of your own by that name; known: forward_pe.csv, "
            "total_return_levels.csv, group_closes.csv, fund_flows.csv, source.txt"
        )

    def test_hidden_files_are_let_be(self, own):
        folder = own("fund_flows")
        (folder / ".DS_Store").write_bytes(b"\x00")
        assert list(data.load_own(folder)[0]) == ["fund_flows"]

    def test_missing_folder(self, tmp_path):
        assert "no such folder" in refusal(tmp_path / "nowhere")

    def test_file_in_place_of_a_folder(self, own):
        assert "no such folder" in refusal(own("fund_flows") / "fund_flows.csv")

    def test_empty_folder(self, tmp_path):
        assert "no tables there; expected one or more of forward_pe.csv" in refusal(tmp_path)

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (None, "source.txt: cannot be read"),
            (b"", "source.txt: 0 lines; expected one line that names the provider of fund_flows"),
            (b"One\nTwo\n", "source.txt: 2 lines"),
            (b"B\xf6rse\n", "source.txt: not UTF-8"),
            (b"Bo\0rse\n", "a sign that does not print; expected one line that names"),
        ],
    )
    def test_provider_must_be_named(self, own, content, says):
        folder = own("fund_flows")
        (folder / "source.txt").unlink()
        if content is not None:
            (folder / "source.txt").write_bytes(content)
        assert says in refusal(folder)

    def test_forward_pe_names_its_provider_itself(self, own):
        folder = own("forward_pe")
        (folder / "source.txt").unlink()
        assert list(data.load_own(folder)[0]) == ["forward_pe"]


class TestShapes:
    def test_descriptor_and_code_know_the_same_tables(self):
        described = [r["path"] for r in data.own_descriptor()["resources"]]
        assert (
            described == [f"{name}.csv" for name in data.OWN_TABLES] == [f"{n}.csv" for n in TABLES]
        )

    def test_frictionless_reads_the_descriptor(self, own):
        folder = own(*TABLES)
        shutil.copy(DATA / "own_tables.json", folder)
        report = validate(str(folder / "own_tables.json"))
        assert report.valid, report.flatten(["title", "rowNumber", "fieldName", "note"])

    def test_market_holds_them_with_their_provider_and_hash(self, own, market):
        loaded = data.load(tables=own(*TABLES))
        assert list(loaded.own) == list(TABLES)
        for frame in loaded.own.values():
            assert len(set(frame["provider_basis"])) == 1
        extra = set(loaded.hashes) - set(market.hashes)
        assert extra == {f"own/{name}" for name in (*TABLES, "source")}
        assert market.own == {}


class TestDocument:
    def test_each_table_has_an_example_that_loads(self, own):
        assert set(EXAMPLES) == set(TABLES)
        folder = own(**EXAMPLES)
        source = re.search(r"```text\n(.*?)```", DOC, re.S)[1]
        (folder / "source.txt").write_text(source, encoding="utf-8")
        frames = data.load(tables=folder).own
        for name, text in EXAMPLES.items():
            assert len(frames[name]) == text.count("\n") - 1

    @pytest.mark.parametrize("table", TABLES)
    def test_it_lists_the_claims_that_each_table_decides(self, table):
        section = DOC.split(f"## `{table}.csv`")[1].split("\n## ")[0]
        cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")]
        listed = set(re.findall(r"\b[A-Z]{2}-\d\d\b", " ".join(cells)))
        assert listed == {name for name, own in OWN.items() if own["table"] == table}


# A run ------------------------------------------------------------------------------------------


@pytest.fixture
def notebooks(tmp_path, monkeypatch) -> Path:
    """A notebook of each kind of claim that the tables decide."""
    folder = tmp_path / "home" / "notebooks"
    folder.mkdir(parents=True)
    for name in ("03_valuation_percentiles", "07_economy_and_flows"):
        copy_notebook(name, folder)
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(folder))
    return folder


def test_a_run_with_tables(notebooks, own, monkeypatch):
    folder = own(*TABLES)
    monkeypatch.chdir(folder.parent)  # a kernel works elsewhere
    report = runner.run(["03", "07"], ["tables=licensed"])
    assert not report.failures
    assert report.folder == notebooks.parent / "reports" / report.results["run"]["id"]
    run = report.results["run"]
    assert {n for n in run["hashes"] if n.startswith("own/")} >= {"own/forward_pe", "own/source"}
    for values in run["parameters"].values():
        assert values["tables"] == "licensed"
    checks = {check["claim_id"]: check for check in report.results["checks"]}
    for name, (value, outcome) in EXPECTED.items():
        assert checks[name]["measured"] == approx(value)
        assert (checks[name]["outcome"], checks[name]["fidelity"]) == (outcome, "same data")
    for path in report.folder.glob("*.*"):
        if path.suffix != ".log":
            assert str(folder) not in path.read_text(encoding="utf-8"), path.name
    text = (report.folder / "03_valuation_percentiles.html").read_text(encoding="utf-8")
    assert "your own tables" in text
    assert "Made-up Multiples" in text


def test_run_id_depends_on_the_tables_not_on_their_place(notebooks, own, tmp_path):
    folder = own("fund_flows")
    there = shutil.copytree(folder, tmp_path / "other")
    plain = planning.run_id(planning.plan())
    one = planning.run_id(planning.plan(settings=[f"tables={folder}"]))
    assert plain != one == planning.run_id(planning.plan(settings=[f"tables={there}"]))
    (there / "source.txt").write_text("Another\n", encoding="utf-8")
    assert one != planning.run_id(planning.plan(settings=[f"tables={there}"]))
    assert plain == planning.run_id(planning.plan(settings=["tables="]))


def test_a_wrong_table_stops_the_run_before_it_starts(notebooks, own):
    folder = own(fund_flows=BAD["fund and day twice"][1])
    with pytest.raises(DataError, match=r"fund_flows\.csv row 2: expected one row for each"):
        runner.run(["03", "07"], [f"tables={folder}"])
    assert not (notebooks.parent / "reports").exists()


@pytest.mark.parametrize("words", [("--tables", "nowhere"), ("-p", "tables=nowhere")])
def test_the_command_names_a_wrong_folder_in_one_line(notebooks, monkeypatch, words):
    result = CliRunner().invoke(cli.main, ["run", "03", *words])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "nowhere': no such folder; expected one with your tables" in result.stderr


def test_no_tables_are_the_default_of_the_command(notebooks, monkeypatch):
    asked = []
    monkeypatch.setattr(planning, "plan", lambda names, settings: asked.append(settings) or 1 / 0)
    for words in ((), ("--tables", ""), ("--tables", "some")):
        assert CliRunner().invoke(cli.main, ["run", "03", *words]).exit_code == 1
    assert asked == [(), (), ("tables=some",)]
