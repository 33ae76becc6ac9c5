"""What authors of articles type: rotation check, new-article, measures, convert, claims --csv."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner

from helpers import measures
from helpers.claims import registry
from rotation import cli
from support.data import DATA, ROOT, SHIPPED, Package, claim_rows

# Two rows as 0.1.0 held them; the second calls a measure by the name it had then.
ARTICLES = """article,title,publisher,published,note
old,An old article,A paper,2026-02-02,
"""
CLAIMS = """claim_id,article,family,statement,kind,stated,unit,as_of,measure,tolerance,basis,needs,note,call,rule,bound,reading,others,own
OL-01,old,index_levels,"It ""rose"" 28.9%",value,28.90,percent,2019-12-31,return,0.15,open,index_closes,,"{""measure"": ""price_return"", ""index"": ""sp_500"", ""start"": ""2018-12-31""}",within,0.15,fact,"{""half"": {""as_of"": ""2019-06-28""}}",
OL-02,old,index_levels,Highest close above 2900,direction,2900,index level,2018-12-31,extreme,at least 2900,open,index_closes,,"{""measure"": ""highest_close"", ""index"": ""sp_500"", ""start"": ""2018-01-02""}",at least,2900,fact,,
"""  # noqa: E501


@pytest.fixture
def folder(tmp_path, monkeypatch):
    package = Package(tmp_path)
    monkeypatch.setenv("ROTATION_DATA", str(package.folder))
    return package.folder


def rotation(*words: str):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": "100"})


def test_check_measures_without_a_notebook_and_shows_first_and_last_session(folder):
    shown = rotation("check", "AI-02")
    assert shown.exit_code == 0
    assert "supported: within tolerance" in shown.stdout
    # The first session of December 2018, a Monday, not the close it starts from.
    assert "sessions     2018-12-03 to 2018-12-31" in shown.stdout
    (found,) = json.loads(rotation("check", "ai-02", "--json").stdout)
    assert (found["claim_id"], found["outcome"]) == ("AI-02", "supported")


def test_check_names_what_is_not_there(folder):
    missing = rotation("check", "AI-99")
    assert missing.exit_code == 2
    assert missing.stderr.startswith("rotation: claim 'AI-99' is in no article; expected one of AI")
    near = rotation("check", "--article", "nexymous")
    assert near.exit_code == 2
    assert "article 'nexymous' is not known; did you mean 'nexymus'?" in near.stderr


def test_a_new_article_is_written_commented_and_checks_at_once(folder):
    made = rotation("new-article", "mybank")
    assert made.exit_code == 0
    assert made.stdout.splitlines()[0] == str(folder / "articles" / "mybank.toml")
    checked = rotation("check", "--article", "mybank")
    assert checked.exit_code == 0, checked.stderr
    assert "MY-01" in checked.stdout
    assert "supported" in checked.stdout
    again = rotation("new-article", "mybank")
    assert (again.exit_code, again.stderr.count("\n")) == (2, 1)
    assert rotation("new-article", "My Bank").exit_code == 2


def test_a_new_article_takes_letters_that_no_other_uses(folder):
    rotation("new-article", "hr-news")
    text = (folder / "articles" / "hr-news.toml").read_text(encoding="utf-8")
    assert "[claim.HR-01]" not in text
    assert rotation("check", "--article", "hr-news").exit_code == 0


def test_a_file_anywhere_is_checked(folder, tmp_path):
    rotation("new-article", "mybank")
    file = (folder / "articles" / "mybank.toml").rename(tmp_path / "elsewhere.toml")
    file.write_text(file.read_text("utf-8").replace("rule.within", "rule.withn"), "utf-8")
    refused = rotation("check", "--file", str(file))
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"rotation: {file}:")
    assert "rule 'withn' is not known; did you mean 'within'?" in refused.stderr


def test_the_worked_example_gets_the_verdicts_of_the_guide():
    guide = (ROOT / "docs" / "adding-an-article.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| (CN-\d\d) \|.+\| (.+?: .+?) \|$", guide, flags=re.MULTILINE))
    done = rotation("check", "--file", str(ROOT / "examples" / "cnbc-2019.toml"), "--json")
    assert done.exit_code == 0, done.stderr
    found = {
        one["claim_id"]: f"{one['outcome']}: {one['reason']}" for one in json.loads(done.stdout)
    }
    assert found == told
    assert len(told) == 10


def test_measures_are_listed_and_each_example_can_be_pasted(folder):
    listed = rotation("measures").stdout
    for name in measures.MEASURES:
        assert f"  {name} " in listed
    shown = rotation("measures", "price_return").stdout
    assert 'measure.price_return = { index = "russell_2000", start = 2018-12-31 }' in shown
    assert "percent" in shown
    assert rotation("measures", "price_retrun").exit_code == 2


def test_the_flat_table_has_every_claim():
    table = list(csv.DictReader(io.StringIO(rotation("claims", "--csv").stdout)))
    assert [row for row in table if row["article"] in SHIPPED] == claim_rows()
    assert json.loads(table[1]["call"])["measure"] == "price_return"


def test_rows_of_the_old_form_are_converted(tmp_path, monkeypatch):
    monkeypatch.setenv("ROTATION_DATA", str(DATA))
    (tmp_path / "articles.csv").write_text(ARTICLES, "utf-8")
    (tmp_path / "claims.csv").write_text(CLAIMS, "utf-8")
    done = rotation("convert", str(tmp_path), "--story", "then")
    assert done.exit_code == 0, done.stderr
    file = tmp_path / "articles" / "old.toml"
    known = registry.read(file=file)
    assert not known.refused
    one, two = known.get("OL-01"), known.get("OL-02")
    assert (one.statement, one.stated, one.bound) == ('It "rose" 28.9%', "28.90", 0.15)
    assert one.others == {"half": {"as_of": "2019-06-28"}}
    assert (one.family, one.story, one.tolerance) == ("index_levels", "then", "0.15")
    assert two.call["measure"] == "extreme_close"
    assert two.tolerance == "at least 2900"
    assert rotation("convert", str(tmp_path)).exit_code == 2  # nothing is written over


def test_what_needs_no_conversion_is_said(tmp_path):
    assert "is read as it is" in rotation("convert", str(DATA)).stdout
    empty = rotation("convert", str(tmp_path))
    assert (empty.exit_code, empty.stderr.count("\n")) == (2, 1)
