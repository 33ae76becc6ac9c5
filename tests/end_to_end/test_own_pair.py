"""Another pair of price series, run from the command line: London's calendar, no verdicts."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from helpers import pairs, pictures
from rotation import cli
from support import price_files as made
from support.data import ROOT, copy_notebook

NOTEBOOKS = ("01_analog_2019", "02_rate_cut_response", "04_post_streak_outcomes")
OWN = re.compile(r"Russell 2000|S&P 500|russell_2000|sp_500|[Ss]mall[ -]caps?|[Ll]arge[ -]caps?")


def rotation(*words: str):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run of three notebooks on two made-up London series that begin in 2012."""
    home = tmp_path_factory.mktemp("pair")
    (home / "notebooks").mkdir()
    for name in NOTEBOOKS:
        copy_notebook(name, home / "notebooks")
    mid, top = (made.closes("XLON", "2012-01-03", "2026-06-30", seed) for seed in (13, 14))
    made.plain(home / "mid.csv", mid)
    made.yahoo(home / "top.csv", top)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTATION_NOTEBOOKS", str(home / "notebooks"))
        pair = f"{home / 'mid.csv'},{home / 'top.csv'}"
        result = rotation("run", "--pair", pair, "--names", "Mid 250,Top 100")
    (folder,) = (path for path in (home / "reports").iterdir() if (path / "results.json").exists())
    executed = {
        name: json.loads((folder / f"{name}.ipynb").read_text("utf-8")) for name in NOTEBOOKS
    }
    results = json.loads((folder / "results.json").read_text("utf-8"))
    return SimpleNamespace(
        result=result, folder=folder, executed=executed, results=results, mid=mid
    )


def shown(notebook) -> dict[str, str]:
    """Return what readers see of each cell's outputs: tables, texts, titles, labels."""
    found = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            texts = ["".join(data.get(kind, "")) for kind in ("text/html", "text/markdown")]
            if picture := pictures.read(data):
                texts = ["".join(data["text/plain"]), picture.alt]
            found[cell["id"]] = found.get(cell["id"], "") + "\n".join(texts)
    return found


def test_the_run_succeeds_and_judges_nothing(ran):
    assert ran.result.exit_code == 0, ran.result.stderr
    assert ran.results["checks"] == []
    assert "no claims" in ran.result.stdout


def test_readers_see_the_pairs_own_names_alone(ran):
    for notebook in ran.executed.values():
        for cell, text in shown(notebook).items():
            if "Left out: this cell" not in text:
                assert not OWN.search(text), (cell, OWN.search(text))


def test_figures_name_pair_kind_and_last_day(ran):
    texts = shown(ran.executed["04_post_streak_outcomes"])
    assert "Mid 250 minus Top 100" in texts["after-figure"]
    assert "Mid 250 over Top 100" in texts["ratio"]
    assert "Mid 250 and Top 100, prices without dividends" in texts["setup"]


def test_marked_cells_are_left_out_and_say_so(ran):
    for notebook in ran.executed.values():
        texts = shown(notebook)
        marked = [
            cell["id"]
            for cell in notebook["cells"]
            if "".join(cell["source"]).startswith(pairs.MARK)
        ]
        assert len(marked) > 4
        assert all("Left out: this cell" in texts[cell] for cell in marked)


def test_streaks_are_those_of_the_pair(ran):
    """The longest streak, counted from the files by a plain loop on London's days."""
    top = made.closes("XLON", "2012-01-03", "2026-06-30", 14)
    mid = ran.mid.round(2)
    won = "".join(
        "x" if a2 / a1 > b2 / b1 else " "
        for a1, a2, b1, b2 in zip(mid, mid.iloc[1:], top, top.iloc[1:], strict=False)
    )
    longest = max(map(len, won.split()))
    cells = {c["id"]: c for c in ran.executed["04_post_streak_outcomes"]["cells"]}
    observed = "".join(cells["chance-table"]["outputs"][0]["data"]["text/csv"]).splitlines()[1]
    assert f",{longest}," in observed.replace(".0", "")


def test_cuts_before_the_first_close_are_dropped_and_counted(ran):
    (cell,) = (c for c in ran.executed["02_rate_cut_response"]["cells"] if c["id"] == "event-table")
    (output,) = cell["outputs"]
    rows = "".join(output["data"]["text/csv"]).splitlines()[1:]
    assert [row[:10] for row in rows] == ["2019-07-31", "2024-09-18"]


def test_results_record_the_files_by_hash_and_name_never_by_path(ran):
    hashes = ran.results["run"]["hashes"]
    assert {"pair/mid.csv", "pair/top.csv"} <= set(hashes)
    recorded = ran.results["run"]["parameters"]["04_post_streak_outcomes"]
    assert recorded["pair"] == "mid.csv, top.csv"
    for path in ran.folder.glob("*.*"):
        assert str(ran.folder.parents[1]) not in path.read_text("utf-8", errors="ignore"), path.name


def test_a_wrong_file_stops_the_run_before_it_starts(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    copy_notebook(NOTEBOOKS[2], tmp_path / "notebooks")
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(tmp_path / "notebooks"))
    result = rotation("run", "04", "--pair", f"{tmp_path}/none.csv,{tmp_path}/none.csv")
    assert result.exit_code == 2
    assert "none.csv: cannot be read" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "reports").exists()


def test_the_notebooks_that_take_a_pair():
    taking = {
        path.name[:2]
        for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")
        if '"pair = \\"\\"' in path.read_text("utf-8")
    }
    assert taking == {"01", "02", "04", "08", "20"}


@pytest.mark.parametrize("name", ["01", "02", "04", "08"])
def test_cells_about_claims_are_marked(name):
    (path,) = (ROOT / "notebooks").glob(f"{name}_*.ipynb")
    cells = [c for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]
    sources = {cell["id"]: "".join(cell["source"]) for cell in cells}
    about = {i for i, source in sources.items() if "run.claims" in source}
    known = {i for i in about if pairs.MARK in sources[i] or "run.pair" in sources[i]}
    assert about == known
