"""An article of 2016, of no story that a notebook is about: it disturbs nothing and is answered."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from helpers import executed
from rotation import cli
from rotation.run import planning
from support import article
from support.data import ROOT, Package, copy_notebook

NOTEBOOKS = ("09_since_publication", "10_any_article")


def rotation(*words: str):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A full run before the article is there and one after."""
    home = tmp_path_factory.mktemp("clone")
    (home / "notebooks").mkdir()
    for name in NOTEBOOKS:
        copy_notebook(name, home / "notebooks")
    package = Package(home)
    families = {"since_publication", "index_levels"}  # notebook 09 quotes one of the other's
    for file in (package.folder / "articles").glob("*.toml"):
        article.keep_families(file, families)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTATION_NOTEBOOKS", str(home / "notebooks"))
        patch.setenv("ROTATION_DATA", str(package.folder))
        before = rotation("run", "--out", str(home / "before"))
        (package.folder / "articles" / "winter.toml").write_text(article.WINTER, encoding="utf-8")
        after = rotation("run", "--out", str(home / "after"))
        one = rotation("run", "10", "-p", "article=winter", "--out", str(home / "one"))
        homeless = executed.homeless(planning.registry.read())
    assert [r.exit_code for r in (before, after, one)] == [0, 0, 0], after.stderr + one.stderr
    return SimpleNamespace(home=home, homeless=homeless)


def results(ran, folder: str) -> dict[str, dict]:
    found = json.loads((ran.home / folder / "results.json").read_text("utf-8"))
    return {check["claim_id"]: check for check in found["checks"]}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_other_notebook_keeps_its_bytes(ran, name):
    before, after = (ran.home / one / f"{name}.ipynb" for one in ("before", "after"))
    assert before.read_bytes() == after.read_bytes()


def test_the_other_claims_keep_their_checks(ran):
    before, after = results(ran, "before"), results(ran, "after")
    assert {key: one for key, one in after.items() if key in before} == before
    assert set(after) - set(before) == {"WV-01", "WV-02", "WV-03"}


def test_the_neutral_notebook_answers_what_no_other_does(ran):
    assert ran.homeless["winter"] == ["WV-01", "WV-02", "WV-03"]
    checks = results(ran, "after")
    for claim_id in ("WV-01", "WV-02", "WV-03"):
        assert checks[claim_id]["notebook"] == "10_any_article-winter"
    # Closes by hand: 1191.39 before November 2016, 1322.34 after it, 1535.51 at the end of 2017.
    assert checks["WV-01"]["measured"] == pytest.approx(1535.51, abs=0.01)
    assert checks["WV-01"]["outcome"] == "supported"
    assert checks["WV-02"]["measured"] == pytest.approx(100 * (1322.34 / 1191.39 - 1), abs=0.01)
    assert checks["WV-03"]["outcome"] == "supported"


def test_the_index_leads_to_the_report_of_the_article(ran):
    index = (ran.home / "after" / "index.html").read_text("utf-8")
    assert "10_any_article-winter.html#WV-01" in index
    assert (ran.home / "after" / "10_any_article-winter.html").is_file()


def test_one_article_is_one_report(ran):
    assert set(results(ran, "one")) == {"WV-01", "WV-02", "WV-03"}


def test_the_committed_copy_shows_the_example_of_the_guide_and_counts_nowhere():
    example = (ROOT / "examples" / f"{executed.EXAMPLE}.toml").read_text(encoding="utf-8")
    assert example.split("\n", 1)[1] == article.ARTICLE.split("\n", 1)[1].replace("MB-", "EX-")
    nb = json.loads((ROOT / "notebooks" / "10_any_article.ipynb").read_text("utf-8"))
    assert list(executed.payloads(nb)) == []
