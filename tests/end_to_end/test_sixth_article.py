"""A sixth article, added as docs/adding-an-article.md says: one file, nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from helpers.claims import grading, terms
from rotation import cli
from rotation.run import results, runner
from support.article import ARTICLE, CLAIMS, GUIDE, NOTEBOOKS, TOP, Clone
from support.data import raw

VERDICTS = dict(re.findall(r"^\| (MB-\d\d) \|.+\| (.+?: .+?) \|$", GUIDE, flags=re.MULTILINE))


def rotation(*words: str):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": "120"})


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture
def clone(tmp_path, monkeypatch):
    return Clone(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    """What ``rotation run``, ``claims`` and ``show`` say once the guide's file is there."""
    folder = tmp_path_factory.mktemp("clone")
    with pytest.MonkeyPatch.context() as patch:
        clone = Clone(folder, patch)
        before = hashes(clone.notebooks) | hashes(clone.package.folder)
        clone.add()
        after = hashes(clone.notebooks) | hashes(clone.package.folder)
        ran = rotation("run")
        reports = folder / "reports"
        return SimpleNamespace(
            known=clone.known,
            edited={name for name in after if after[name] != before.get(name)},
            ran=ran,
            checks=json.loads((reports / "results.json").read_text("utf-8"))["checks"],
            index=(reports / "index.html").read_text("utf-8"),
            listed=rotation("claims", "--article", "sixth"),
            shown=rotation("show", "MB-05"),
        )


# The guide itself


def test_the_guide_explains_every_key_rule_and_kind():
    prose = re.sub(r"```.+?```", "", GUIDE, flags=re.DOTALL)
    explained = set(re.findall(r"`([^`\n]+)`", prose)) | {"claim"}
    assert set(terms.ARTICLE) | set(terms.CLAIM) <= explained
    assert {name.replace(" ", "_") for name in terms.TESTS} <= explained
    assert {*terms.KINDS, *terms.READINGS, *terms.BASES, *grading.UNTESTED} <= explained


def test_the_guide_shows_every_kind_of_claim():
    assert set(re.findall(r'^kind = "(\w+)"', ARTICLE, re.MULTILINE)) == set(terms.KINDS)
    assert 'reading = "tendency"' in ARTICLE
    assert "rule.rank" in ARTICLE
    assert set(VERDICTS) == set(CLAIMS)


# Adding it


def test_one_file_is_all_that_is_added(added):
    assert added.edited == {"sixth.toml"}


def test_the_run_succeeds_and_counts_the_new_claims(added):
    assert added.ran.exit_code == 0, added.ran.stderr
    assert f"{len(added.known) + len(CLAIMS)} claims: " in added.ran.stdout


def test_every_claim_appears_exactly_once(added):
    ids = [check["claim_id"] for check in added.checks]
    assert len(ids) == len(set(ids))
    assert set(ids) == added.known | set(CLAIMS)


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
    for claim_id, block in CLAIMS.items():
        assert f'family = "{where[claim_id][3:]}"' in block


def test_the_page_of_all_claims_lists_them(added):
    for claim_id in CLAIMS:
        assert added.index.count(f'<tr id="{claim_id}">') == 1, claim_id
    assert "A sixth article" in added.index


def test_the_terminal_lists_and_explains_them(added):
    assert added.listed.exit_code == added.shown.exit_code == 0
    assert set(re.findall(r"MB-\d\d", added.listed.stdout)) == set(VERDICTS)
    assert f"{len(CLAIMS)} claims: " in added.listed.stdout
    assert "contradicted: no reading agrees" in added.shown.stdout
    assert "A sixth article, A made-up paper, 2026-02-02" in added.shown.stdout


# What a user may get wrong


FIRST = f"{TOP}\n{CLAIMS['MB-01']}\n\n{CLAIMS['MB-02']}\n"
SLIPS = [
    ("says =", "say ="),
    ("measure.price_return", "measure.luck"),
    ('measure.price_return = { index = "sp_500", start = 2018-12-31 }', "measure.lead = {}"),
    (
        'measure.price_return = { index = "sp_500", start = 2018-12-31 }',
        "measure.lead = { start = 2020-12-31 }",
    ),
    ("stated = 28.9", 'stated = "a lot"'),
    ("stated = 28.9", "stated = 28.9%"),
    ("claim.MB-01", "claim.HR-42"),
]


@pytest.mark.parametrize(("old", "new"), SLIPS)
def test_a_claim_that_cannot_be_used_is_one_line_of_the_guide(clone, old, new):
    clone.add(FIRST.replace(old, new, 1))
    result = rotation("check", "--article", "sixth")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert f"`{line.removeprefix('rotation: ')}`" in GUIDE
    assert "MB-02" in result.stdout


def test_a_run_leaves_out_a_claim_that_cannot_be_read_and_says_so(tmp_path, monkeypatch):
    clone = Clone(tmp_path, monkeypatch, NOTEBOOKS[1:])
    clone.add(FIRST.replace("says =", "say =", 1))
    result = rotation("run")
    assert result.exit_code == 1
    assert "rotation: articles/sixth.toml:9: MB-01: say: unknown key" in result.stderr
    checks = json.loads((tmp_path / "reports" / "results.json").read_text("utf-8"))["checks"]
    assert {c["claim_id"] for c in checks} == clone.known | {"MB-02"}


def test_a_family_without_a_notebook_stops_a_full_run(clone, monkeypatch):
    clone.add(FIRST.replace("post_streak_outcomes", "luck", 1))
    result = rotation("run")
    assert result.exit_code == 2
    line = "claim MB-01: no notebook answers for family 'luck'"
    assert result.stderr.startswith(f"rotation: {line}; expected one of ")
    assert line in GUIDE
    monkeypatch.setattr(runner, "run", lambda names, *_, **__: pytest.fail(f"ran {names}"))
    with pytest.raises(pytest.fail.Exception, match="ran"):
        CliRunner().invoke(cli.main, ["run", "04"], catch_exceptions=False)
