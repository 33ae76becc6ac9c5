"""A sixth article, added as docs/adding-an-article.md says: rows in two tables, nothing else."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from helpers import data, measures
from helpers.claims import grading
from rotation import cli
from rotation.run import results, runner
from support.article import (
    ARTICLE,
    CLAIMS,
    GUIDE,
    NOTEBOOKS,
    ROWS,
    Clone,
    below_header,
    rows_as_text,
)
from support.data import raw

VERDICTS = dict(re.findall(r"^\| (MB-\d\d) \|.+\| (.+?: .+?) \|$", GUIDE, flags=re.MULTILINE))


def rotation(*words: str):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": "120"})


def hashes(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


@pytest.fixture
def clone(tmp_path, monkeypatch):
    return Clone(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """What ``rotation run``, ``claims`` and ``show`` say once the guide's rows are there."""
    folder = tmp_path_factory.mktemp("clone")
    with pytest.MonkeyPatch.context() as patch:
        clone = Clone(folder, patch)
        before = hashes(clone.notebooks) | hashes(clone.package.folder)
        clone.add(ARTICLE, below_header(CLAIMS))
        after = hashes(clone.notebooks) | hashes(clone.package.folder)
        ran = rotation("run")
        reports = folder / "reports"
        return SimpleNamespace(
            known=clone.known,
            edited={name for name in after if after[name] != before[name]},
            ran=ran,
            checks=json.loads((reports / "results.json").read_text("utf-8"))["checks"],
            index=(reports / "index.html").read_text("utf-8"),
            listed=rotation("claims", "--article", "sixth"),
            shown=rotation("show", "MB-05"),
        )


# The guide itself


def test_the_guides_header_is_that_of_the_tables():
    assert ARTICLE.splitlines()[0].split(",") == list(raw("articles")[0])
    assert list(ROWS[0]) == list(raw("claims")[0])


def test_the_guide_explains_every_column_rule_and_kind():
    prose = re.sub(r"```.+?```", "", GUIDE, flags=re.DOTALL)
    explained = set(re.findall(r"`([^`\n]+)`", prose))
    schemas = {r["name"]: r["schema"]["fields"] for r in data.descriptor()["resources"]}
    fields = {field["name"]: field for field in schemas["claims"]}
    assert set(fields) | {field["name"] for field in schemas["articles"]} <= explained
    for name in ("kind", "basis", "rule", "reading"):
        assert set(fields[name]["constraints"]["enum"]) <= explained, name
    assert set(grading.RULES) <= explained


def test_the_guide_shows_every_kind_of_claim():
    (kinds,) = [f for f in fields_of("claims") if f["name"] == "kind"]
    assert {row["kind"] for row in ROWS} == set(kinds["constraints"]["enum"])
    assert {row["reading"] for row in ROWS} == {"fact", "tendency"}
    assert "rank" in {row["rule"] for row in ROWS}
    assert set(VERDICTS) == {row["claim_id"] for row in ROWS}


def fields_of(table: str) -> list[dict]:
    (found,) = [r for r in data.descriptor()["resources"] if r["name"] == table]
    return found["schema"]["fields"]


def test_measures_in_the_guide_exist_and_have_the_arguments_named():
    section = GUIDE.split("## 3.")[1].split("## 4.")[0]
    lines = re.findall(r"^\| (`.+?) \| .+ \| (.+?) \|$", section, flags=re.MULTILINE)
    assert len(lines) > 15
    for names, arguments in lines:
        functions = [measures.MEASURES[name].function for name in re.findall(r"`(\w+)`", names)]
        taken = {p for f in functions for p in inspect.signature(f).parameters}
        named = set(re.findall(r"`(\w+)`", arguments)) - {"as_of", "month", "year"}
        assert named <= taken, names


# Adding it


def test_two_tables_are_all_that_is_edited(added):
    assert added.edited == {"articles.csv", "claims.csv"}


def test_the_run_succeeds_and_counts_the_new_claims(added):
    assert added.ran.exit_code == 0, added.ran.stderr
    assert f"{len(added.known) + len(ROWS)} claims: " in added.ran.stdout


def test_every_claim_appears_exactly_once(added):
    ids = [check["claim_id"] for check in added.checks]
    assert len(ids) == len(set(ids))
    assert set(ids) == added.known | {row["claim_id"] for row in ROWS}


def test_each_new_claim_gets_the_verdict_the_guide_gives(added):
    found = {
        c["claim_id"]: f"{c['outcome']}: {c['reason']}"
        for c in added.checks
        if c["article"] == "sixth"
    }
    assert found == VERDICTS


def test_the_other_claims_keep_theirs(added):
    committed = {c["claim_id"]: c for c in results.committed_results(NOTEBOOKS)}
    for check in added.checks:
        if check["article"] != "sixth":
            before = committed[check["claim_id"]]
            for name in ("outcome", "reason", "measured"):
                assert check[name] == before[name], check["claim_id"]


def test_what_was_measured_is_right_by_hand(added):
    closes = {row["date"]: row for row in raw("index_closes")}
    first, last = closes["2018-12-31"], closes["2019-12-31"]
    large, small = (
        100 * (float(last[name]) / float(first[name]) - 1) for name in ("sp_500", "russell_2000")
    )
    measured = {c["claim_id"]: c["measured"] for c in added.checks}
    assert measured["MB-01"] == pytest.approx(large)
    assert large == pytest.approx(28.88, abs=0.005)  # 2506.85 to 3230.78
    assert measured["MB-02"] == pytest.approx(small)
    assert small == pytest.approx(23.72, abs=0.005)  # 1348.56 to 1668.47
    assert measured["MB-03"] == pytest.approx(small - large)
    assert measured["MB-08"] == ["2019-07", "2019-09", "2019-10"]
    assert measured["MB-09"] == 6
    assert measured["MB-11"] is None
    assert measured["MB-12"] is None


def test_the_new_claims_are_judged_in_the_notebook_of_their_family(added):
    where = {c["claim_id"]: c["notebook"] for c in added.checks}
    for row in ROWS:
        assert where[row["claim_id"]][3:] == row["family"]


def test_the_page_of_all_claims_lists_them(added):
    for row in ROWS:
        assert added.index.count(f"<tr id={row['claim_id']}>") == 1, row["claim_id"]
    assert "A sixth article" in added.index


def test_the_terminal_lists_and_explains_them(added):
    assert added.listed.exit_code == added.shown.exit_code == 0
    assert set(re.findall(r"MB-\d\d", added.listed.stdout)) == set(VERDICTS)
    assert f"{len(ROWS)} claims: " in added.listed.stdout
    assert "contradicted: no reading agrees" in added.shown.stdout
    assert "A sixth article, A made-up paper, 2026-02-02" in added.shown.stdout


# What a user may get wrong


def refused(clone: Clone, **change: str) -> str:
    """Return the one line of a run with the guide's first claim changed."""
    clone.add(ARTICLE, rows_as_text([ROWS[0] | change]))
    result = rotation("run")
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    assert not (clone.notebooks.parent / "reports").exists()
    return result.stderr.removeprefix("rotation: ").strip()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"call": "{lead}"}, "claims.csv: MB-01: call '{lead}': expected JSON"),
        (
            {"call": '{"measure": "luck"}'},
            'claims.csv: MB-01: call \'{"measure": "luck"}\': expected a known measure',
        ),
        ({"bound": "0,15"}, "claims.csv: MB-01: bound '0,15': expected JSON"),
        (
            {"article": "ghost"},
            "claims.csv: MB-01: article 'ghost': expected one of ainvest, sausalito, "
            "historic-rally, nexymus, coiled-spring, all, sixth",
        ),
        (
            {"family": "luck"},
            "claim MB-01: no notebook answers for family 'luck'; expected one of "
            "post_streak_outcomes, rate_cut_response, or a notebook 10_luck.ipynb",
        ),
    ],
)
def test_a_row_that_cannot_be_used_stops_the_run_with_one_line(clone, change, line):
    assert refused(clone, **change) == line


def test_an_id_used_twice_is_named_with_its_row(clone):
    line = refused(clone, claim_id="HR-42")
    assert re.fullmatch(r"claims\.csv row \d+: claim_id 'HR-42': expected each value once", line)


def test_a_part_of_the_notebooks_may_run_while_a_family_has_none(clone, monkeypatch):
    clone.add(ARTICLE, rows_as_text([ROWS[0] | {"family": "luck"}]))
    monkeypatch.setattr(runner, "run", lambda names, *_: pytest.fail(f"ran {names}"))
    with pytest.raises(pytest.fail.Exception, match="ran"):
        CliRunner().invoke(cli.main, ["run", "04"], catch_exceptions=False)


def test_a_claim_that_cannot_be_measured_or_judged_is_named_by_its_notebook(tmp_path, monkeypatch):
    clone = Clone(tmp_path, monkeypatch, NOTEBOOKS[:1])
    wordy = {row["claim_id"]: row for row in ROWS}["MB-10"] | {
        "as_of": "2026-06-30",
        "rule": "within",
        "bound": "1",
    }
    clone.add(ARTICLE, rows_as_text([wordy]))
    result = rotation("run")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("rotation: ")]
    assert [line.split(" (see ")[0] for line in lines] == [
        "rotation: 02_rate_cut_response failed: ClaimError: claim MB-10: rule 'within': expected "
        "a stated number",
    ]
    assert not (clone.notebooks.parent / "reports" / "index.html").exists()


def test_the_lines_in_the_guide_are_those_a_user_meets():
    for line in (
        "claims.csv: MB-01: call '{lead}': expected JSON",
        'claims.csv: MB-01: call \'{"measure": "luck"}\': expected a known measure',
        "claims.csv: MB-01: measure 'lead': missing a required argument: 'start'",
        "rule 'within': expected a stated number",
        "claims.csv: MB-01: article 'ghost': expected one of ainvest, …",
        "claim MB-01: no notebook answers for family 'luck'; expected one of …",
        "claim_id 'MB-01': expected each value once",
    ):
        assert line in GUIDE
