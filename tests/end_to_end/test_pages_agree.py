"""What a reader meets on the pages of a full run: no machine words, and one number a quantity."""

import json
import re

import pytest
from bs4 import BeautifulSoup

from helpers import pictures, scorecard, words
from rotation.run import planning

pytestmark = pytest.mark.xdist_group("full run")  # the fixture ``report`` is made once

# What a page shows as code, and what names the run for programs.
CODE = "script, style, code, pre, #made, head"
UNREADABLE = {
    "a machine word": r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b(?! =)",
    "no number": r"\b(?:nan|NaN|NaT|inf|None(?! of))\b",
    "a truth value": r"\b(?:True|False)\b",
    "a wrong plural": r"(?<![\d.,])\b1 (?!is\b|was\b|has\b|as\b)[a-z]+s\b(?<!ss)",
    "a date for machines": r"(?<!= )\b(?:19|20)\d\d-\d\d(?:-\d\d)?\b",
    "an empty bracket": r"\(\s*\)|\?%",
}


@pytest.fixture(scope="module")
def site(report):
    """Every page by its name, parsed, without what it shows as code."""
    found = {}
    for path in sorted(report.folder.glob("*.html")):
        soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for one in soup.select(CODE):
            one.decompose()
        found[path.name] = soup
    assert len(found) == 15
    return found


def flat(text):
    return " ".join(text.split())


@pytest.mark.parametrize("kind", UNREADABLE)
def test_no_page_shows(site, kind):
    found = [
        (name, flat(text)[:120])
        for name, soup in site.items()
        for text in soup.find_all(string=re.compile(UNREADABLE[kind]))
    ]
    assert found == []


@pytest.mark.parametrize("kind", UNREADABLE)
def test_no_figure_says(report, kind):
    found = [
        (path.name, text[:120])
        for path in planning.find()
        for cell in json.loads((report.folder / path.name).read_text("utf-8"))["cells"]
        for output in cell.get("outputs", ())
        if (picture := pictures.read(output.get("data", {})))
        for text in (picture.alt, picture.finding)
        if re.search(UNREADABLE[kind], text)
    ]
    assert found == []


def test_the_whole_site_is_light(report):
    assert sum(path.stat().st_size for path in report.folder.glob("*.html")) < 6e6


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("a machine word", "return of russell_2000"),
        ("no number", "a mean of nan points"),
        ("a truth value", "running False"),
        ("a wrong plural", "after 1 streaks"),
        ("a date for machines", "since 2026-01-12"),
        ("an empty bracket", "in ?% of months"),
    ],
)
def test_the_scan_sees(kind, text):
    assert re.search(UNREADABLE[kind], text)


def test_a_claim_has_one_verdict_and_one_number_on_all_pages(site, report):
    checks = {check["claim_id"]: check for check in report.results["checks"]}
    rows = {row["id"]: row for row in site["index.html"].select("#claims tbody tr")}
    cards = {
        card["id"]: (card.find_parent(class_="row") or card)
        for name, soup in site.items()
        if name[:2].isdigit()
        for card in soup.select("article.card")
    }
    assert rows.keys() == cards.keys() == checks.keys()
    for claim, check in checks.items():
        verdict = {
            flat(one.select_one("b[class]").get_text()) for one in (rows[claim], cards[claim])
        }
        assert len(verdict) == 1, claim
        if check["measured"] is not None:
            for one in (rows[claim], cards[claim]):
                assert words.measured(check) in flat(one.get_text(" ")), claim


def test_counts_agree_on_all_pages(site, report):
    counts = scorecard.counts(report.results["checks"])
    tally = site["index.html"].select(".tally li")
    assert [int(one.strong.get_text()) for one in tally] == list(counts.values())
    columns = zip(*(
        [int(cell.get_text()) for cell in row("td")] for row in site["brief.html"].select("tr")[1:]
    ), strict=True)  # fmt: skip
    assert [sum(column) for column in columns] == [*counts.values(), sum(counts.values())]
    verdicts = {}
    for soup in site.values():
        for one in soup.select("dl.verdicts div"):
            number, name = re.fullmatch(r"(\d+) \W (.+)", flat(one.dt.get_text(" "))).groups()
            assert int(number) == len(one.dd("a")), name
            verdicts[name] = verdicts.get(name, 0) + int(number)
    assert verdicts == {name: number for name, number in counts.items() if number}


def test_a_share_of_stated_numbers_is_one_and_the_same(site):
    pattern = re.compile(r"(\d+) of (\d+) stated numbers")
    found = {
        match.groups()
        for name, soup in site.items()
        if not name.startswith("10_any_article")  # it shows an example
        for text in [flat(soup.get_text(" ")), *(image.get("alt", "") for image in soup("img"))]
        for match in pattern.finditer(text)
    }
    assert len(found) == 1


def test_the_index_and_the_brief_give_the_same_answers(site):
    index = [flat(one.p.get_text()) for one in site["index.html"].select(".answer")]
    brief = [flat(one.get_text()) for one in site["brief.html"].select(".sheet section p:not(.by)")]
    assert index == brief
    assert len(index) == 5
