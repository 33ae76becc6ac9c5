import base64
import hashlib
import io
import re

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from helpers import claims, scorecard
from helpers.claims import grading
from rotation.report import cells, glossary, pages
from support.pages import (
    ARTICLES,
    HOSTILE,
    RUN,
    check,
    check_output,
    executed,
    outside,
    report,
)


@pytest.fixture
def results():
    one, two = check(), check("HR-43", statement=HOSTILE, outcome="contradicted", reason=HOSTILE)
    other = check("AI-01", notebook="01_other", family="other", n=3)
    return {"run": RUN, "checks": [one, two, other]}


def text_of(page, css):
    """Return the words that the first match of a selector shows."""
    return " ".join(BeautifulSoup(page, "html.parser").select_one(css).get_text(" ").split())


def test_no_page_leads_outside_and_only_its_own_script_may_run(results):
    reports = [report("01_other", HOSTILE), report("04_some_family", HOSTILE)]
    site = pages.site(results, reports, ARTICLES)
    names = ["index", "brief", "judging", "01_other", "04_some_family"]
    assert list(site) == [f"{name}.html" for name in names]
    for plain in ("brief.html", "judging.html"):
        assert "<script" not in site[plain]
        assert outside(site.pop(plain)) == []
    for page in site.values():
        assert outside(page) == []
        (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = BeautifulSoup(page, "html.parser").select_one("meta[http-equiv]")["content"]
        assert policy.startswith("default-src 'none'; img-src data:")
        assert f"script-src 'sha256-{digest}';" in policy
        assert page.count("<script") == 1
        assert "<img" not in page


def test_the_scan_for_outside_addresses_sees_them():
    bad = '<a href="https://x.example"> <img src=//x.example> <style>@import "http://x"; '
    good = "<a href='#a'> <a href='01_a.html'> <img src='data:image/png;base64,AA'> https://x"
    assert len(outside(bad + "a { b: url(https://x) }</style>" + good)) == 4


def test_every_page_has_landmarks_language_and_viewport(results):
    for page in pages.site(results, [report("04_some_family")], ARTICLES).values():
        soup = BeautifulSoup(page, "html.parser")
        assert soup.html["lang"] == "en"
        assert soup.select_one("meta[name=viewport]")["content"].startswith("width=device-width")
        for tag in ("header", "main", "footer", "h1"):
            assert len(re.findall(rf"<{tag}[ >]", page)) == 1, tag
        assert "prefers-color-scheme: dark" in page
        assert "@media print {" in page


def test_no_id_is_given_twice(results):
    results["checks"][0]["others"] = [{"reading": "r", "measured": 1, "outcome": "contradicted"}]
    nb = executed(check_output(results["checks"][0], results["checks"][1]))
    body = cells.body(nb, "04_some_family")
    site = pages.site(results, [report("04_some_family", body=body)], ARTICLES)
    del site["brief.html"]
    assert site["04_some_family.html"].count('id="HR-42"') == 1
    for page in site.values():
        ids = re.findall(r"\sid=\"?([^\s\">]+)", page)
        assert len(ids) == len(set(ids)) > 3


def test_the_index_lists_every_claim_and_links_to_where_it_was_measured(results):
    page = pages.index(results, [report("04_some_family", "The streaks")], ARTICLES, [])
    assert '<tr id="HR-42"><th scope="row"><a href="04_some_family.html#HR-42">HR-42</a>' in page
    assert '<tr id="AI-01"><th scope="row">AI-01<' in page  # its notebook has no page here
    assert "01_other.html" not in page
    assert page.index('<tr id="AI-01"') < page.index('<tr id="HR-42"')
    assert "12.5 percent" in page
    assert "0123456789ab" in page
    assert '<strong>2</strong> <b class="supported">' in page
    assert "12 January 2026" in page


def test_the_index_says_what_could_not_be_tested_why_and_what_is_due(results):
    results["checks"] += [
        check("HR-50", outcome="not testable", reason="licensed data", measured=None, needs="X"),
        check("HR-51", outcome="pending", measured=None, as_of="2026-09-30", rule="above"),
    ]
    page = pages.index(results, [], ARTICLES, [])
    assert "Licensed data (1)</h3>" in page
    assert "it would take X" in page
    assert re.search(
        r'<b data-due="2026-09-30">30 September 2026</b>\s*<a href="#HR-51">HR-51</a>', page
    )


def test_the_dot_plot_counts_tolerances():
    checks = [
        check("HR-01", stated=10, measured=10.5, bound=1),
        check("HR-02", stated=10, measured=8, bound=1, outcome="contradicted"),
        check("HR-03", stated=10, measured=110, bound=2, outcome="contradicted"),
        check("HR-04", stated=10, measured=10, bound=0),
        check("HR-05", stated="text", measured="text", rule="equal", bound="text"),
    ]
    found = pages.dots(scorecard.frame(checks))
    rows = {row["claim"]: row["distance"] for row in found["groups"]["paper"]}
    assert rows == {"HR-02": -2, "HR-04": 0, "HR-01": 0.5, "HR-03": 50}
    assert (found["n"], found["within"], found["low"]) == (4, 2, 1)
    assert (found["farthest"], found["distance"]) == ("HR-03", 50)
    drawn = pages.index({"run": RUN, "checks": checks}, [], ARTICLES, [])
    assert "2 of 4 stated numbers lie within their tolerance" in drawn
    assert 'href="#more" x="94.0%"' in drawn  # eight tolerances or more, at the edge
    assert 'href="#cross" x="39.0%"' in drawn  # 50 - 2 * 44 / 8
    assert 'href="#dot" x="52.8%"' in drawn
    assert pages.dots(scorecard.frame(checks[4:])) is None


def test_a_report_tells_its_provenance_and_its_neighbours(results):
    one = report("01_other", "First")
    two = report(
        "04_some_family",
        "Second",
        parameters={"a": 1, "b": "<2>"},
        changed=["b"],
        as_of="2026-01-02",
    )
    first, second = (pages.site(results, [one, two], ARTICLES)[r.file] for r in (one, two))
    assert "<code>a = 1</code>" in second
    assert "<code><bdi>b = &#34;&lt;2&gt;&#34;</bdi></code> (changed)</strong>" in second
    assert "Not the default run." in second
    assert "Not the default run." not in first
    assert "as of 2026-01-02" in second
    assert "0123456789ab" in second
    assert "pandas 3.1" in second
    for file in ("results.json", "manifest.json", "04_some_family.ipynb"):
        assert f'href="{file}"' in second
    assert '<a href="index.html">All claims</a>' in second
    assert '<a href="01_other.html" rel="prev">← First</a>' in second
    assert '<a href="04_some_family.html" rel="next">Second →</a>' in first
    assert "rel=prev" not in first
    assert "<p>body" in second


def test_the_index_marks_a_run_that_is_not_the_default_one(results):
    changed = report("04_some_family", parameters={"tables": "own"}, changed=["tables"])
    assert "Not the default run." in pages.index(results, [changed], ARTICLES, [])
    assert "Not the default run." not in pages.index(results, [report("01_other")], ARTICLES, [])


def test_every_page_says_which_data_are_not_current(results):
    fresh = {"table": "recessions", "state": "fresh", "through": "2026-10-31", "since": ""}
    down = {"table": "index_closes", "state": "carried over", "through": "2026-11-18"}
    down |= {"since": "2026-11-19", "reason": "closes ^RUT: answers 503 <b>"}
    reports = [report("01_other"), report("04_some_family")]
    run = results["run"] | {"status": [fresh | {"reason": ""}, down]}
    run |= {"missing": ["2026-10-29", "2026-11-03"]}
    site = pages.site(results | {"run": run}, reports, ARTICLES)
    assert len(site) == 5
    for page in site.values():
        banners = [one.get_text(" ") for one in BeautifulSoup(page, "html.parser")(class_="banner")]
        assert banners[0].startswith("Not current: index closes , carried over since ")
        assert "answers 503 <b>" in banners[0]
        assert "counts a session too few" in banners[1]
        assert len(banners) == 2
    for page in pages.site(results, reports, ARTICLES).values():
        assert "Not current" not in page


def test_a_failed_notebook_has_its_place_and_says_why(results):
    failed = report("05_third", "Third", body="", failure=f"KeyError: {HOSTILE}", lost=("HR-98",))
    site = pages.site(results, [report("01_other"), failed], ARTICLES)
    for page in (site["index.html"], site["05_third.html"]):
        assert "KeyError: &lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "HR-98" in page
    assert "This notebook failed." in site["05_third.html"]
    assert "05_third.ipynb" not in site["05_third.html"]
    assert '05_third.html" rel="next"' in site["01_other.html"]


def test_every_outcome_has_a_mark_and_a_word(results):
    results["checks"] = [check(f"HR-{n}", outcome=o) for n, o in enumerate(grading.OUTCOMES)]
    page = pages.index(results, [], ARTICLES, [])
    for outcome in grading.OUTCOMES:
        assert f"{claims.MARKS[outcome]}</i> {outcome}</b>" in page


# Cards


def card(results, **other):
    """The page of one notebook whose only output is the check of HR-42."""
    own = check(**other)
    results["checks"] = [own]
    body = cells.body(executed(check_output(own)), "04_some_family")
    page = pages.page(results, report("04_some_family", body=body), ARTICLES)
    return page[page.index("<article") : page.index("</article>")]


def test_a_card_holds_all_that_is_known_of_a_claim(results):
    interval = {"low": 3, "high": 4, "level": 0.95, "method": "t"}
    shown = text_of(
        card(
            results,
            interval=interval,
            n=7,
            robustness=0.834,
            specifications=504,
            note="as of publication; read otherwise the outcome changes: over a week: 2.5",
            others=[{"reading": "over a week", "measured": 2.5, "outcome": "inconclusive"}],
        ),
        "article",
    )
    for part in (
        "HR-42 ✓ supported : within tolerance",
        "Small caps rose",
        "paper, 12 January 2026",
        "12.5 percent",
        "11 percent",
        "3 to 4 (95%, t); n = 7",
        "83% of 504 specifications agree.",
        "Read otherwise: inconclusive.",
        "return over 252 sessions",
        "same data: index closes, as of 12 January 2026",
        "within 1",
        "over a week: 2.5 percent, inconclusive",
        "as of publication",
        "Rotation claims, HR-42, run 0123456789ab, data vintage frozen",
    ):
        assert part in shown, part
    assert "the outcome changes" not in shown  # the readings are listed


def test_a_card_leaves_out_what_is_not_known(results):
    shown = text_of(card(results, note="", beside="", n=None), "article")
    for part in ("specifications", "otherwise", "note", "beside", "n =", "None"):
        assert part not in shown


def test_a_card_stands_in_the_cell_that_measured_it(results):
    own = check()
    body = cells.body(executed(check_output(own)), "04_some_family")
    page = pages.page({"run": RUN, "checks": [own]}, report("04_some_family", body=body), ARTICLES)
    assert 0 < page.index('id="cell-c0"') < page.index('id="HR-42"') < page.index("<footer")


def test_a_missing_result_is_said_to_be_missing(results):
    body = cells.body(executed(check_output(check("HR-99"), check("<i>"))), "04_some_family")
    page = pages.page(results, report("04_some_family", body=body), ARTICLES)
    assert "The result of claim HR-99 is missing from this run." in page
    assert "The result of claim &lt;i&gt; is missing from this run." in page


def test_hostile_text_shows_as_text_everywhere(results):
    others = [{"reading": HOSTILE, "measured": HOSTILE, "outcome": "supported"}]
    hostile = dict.fromkeys(
        ("statement", "reason", "note", "beside", "measure", "needs", "tolerance"), HOSTILE
    )
    results["checks"] = [
        check("HR-42", **hostile, stated=HOSTILE, rule="equal", bound=HOSTILE, others=others),
        check("HR-43", **hostile, outcome="not testable", measured=None, rule="none"),
        check("HR-44", **hostile, outcome="pending", measured=None, stated=HOSTILE, rule="above"),
    ]
    body = cells.body(executed(check_output(*results["checks"])), "04_some_family")
    one = report("04_some_family", HOSTILE, body, {"word": HOSTILE}, ["word"])
    for name, page in pages.site(results, [one], ARTICLES).items():
        assert page.count("<script") == (name not in ("brief.html", "judging.html"))
        assert "<img" not in page
        assert outside(page) == []
        if name != "brief.html":  # it shows nothing of a claim but its id
            shown = page.count("&lt;script&gt;alert(1)&lt;/script&gt;")
            assert shown > (5 if name == "judging.html" else 15)
        soup = BeautifulSoup(page, "html.parser")
        assert not [t for t in soup.find_all(True) if any(a.startswith("on") for a in t.attrs)]


@pytest.mark.parametrize(
    ("own", "others", "turned"),
    [
        ("supported", [], []),
        ("supported", ["supported", "pending"], []),
        ("supported", ["inconclusive", "contradicted"], ["contradicted", "inconclusive"]),
        ("contradicted", ["supported"], ["supported"]),
    ],
)
def test_only_another_verdict_turns_one(own, others, turned):
    others = [{"outcome": outcome} for outcome in others]
    assert pages.turned({"outcome": own, "others": others}) == turned


def test_the_page_on_judging_follows_a_claim_to_its_verdict(results):
    one = check(n=7, others=[{"reading": "by May", "measured": 0.51, "outcome": "contradicted"}])
    page = pages.judging(results | {"checks": [one]}, [report("04_some_family")], ARTICLES)
    shown = text_of(page, ".steps")
    for part in ("HR-42", "Stated: 12.5 percent", "index closes", "11 percent", "within 1",
                 "✓ supported", "By May: 0.51 percent, contradicted"):  # fmt: skip
        assert part in shown, part
    assert '<a href="04_some_family.html#HR-42">' in page
    other = pages.judging(results | {"checks": []}, [], ARTICLES)
    assert "HR-42" not in other
    assert "The six verdicts" in other


def test_a_term_leads_to_its_meaning_once_and_never_inside_code_or_links():
    body = (
        "<p>A Placebo p, a <code>tendency</code>; <a href='#x'>proxy</a> placebo p</p><th>Holm</th>"
    )
    soup = BeautifulSoup(glossary.explain(body), "html.parser")
    links = soup.select("a.term")
    assert [link.get_text() for link in links] == ["Placebo p", "Holm"]
    assert links[0]["href"] == "judging.html#term-placebo-p"
    assert links[0]["title"] == glossary.terms()["placebo p"]
    assert soup.get_text() == BeautifulSoup(body, "html.parser").get_text()


def test_every_term_has_its_entry_where_links_lead(results):
    soup = BeautifulSoup(pages.judging(results, [], ARTICLES), "html.parser")
    assert {soup.find(id=glossary.anchor(term)).dd.get_text() for term in glossary.terms()} == set(
        glossary.terms().values()
    )


def test_a_report_is_known_by_its_first_figure_in_small(results):
    made = io.BytesIO()
    Image.new("RGB", (1760, 880), "red").save(made, "PNG")
    text = base64.b64encode(made.getvalue()).decode()
    small = pages.thumbnail(f'<p><img alt="a" src="data:image/png;base64,{text}">')
    with Image.open(io.BytesIO(base64.b64decode(small.partition(",")[2]))) as picture:
        assert picture.size == (pages.THUMBNAIL, pages.THUMBNAIL // 2)
        assert picture.convert("RGB").getpixel((5, 5)) == (255, 0, 0)
    assert pages.thumbnail("<p>no figure</p>") == ""


def test_an_article_is_linked_where_its_address_is_known(results):
    known = ARTICLES.assign(address="https://example.org/a?b=1&c=2")
    soup = BeautifulSoup(pages.index(results, [], known, []), "html.parser")
    (link,) = soup.select("#articles ~ dl a, .articles a")
    assert link["href"] == "https://example.org/a?b=1&c=2"
    assert not BeautifulSoup(pages.index(results, [], ARTICLES, []), "html.parser").select(
        ".articles a"
    )


def test_a_row_shows_what_its_card_need_not_repeat(results):
    checks = [check(f"HR-4{number}", statement=f"Said {number} in 2019-01") for number in range(5)]
    body = cells.body(executed(check_output(*checks)), "04_some_family")
    page = pages.page({"run": RUN, "checks": checks}, report("04_some_family", body=body), ARTICLES)
    rows = BeautifulSoup(page, "html.parser").select("details.row")
    assert len(rows) == 5
    row = " ".join(rows[2].summary.get_text(" ").split())
    assert row == "HR-42 ✓ supported Said 2 in January 2019 12.5 → 11 percent"
    assert rows[2].article["id"] == "HR-42"
    assert "Said 2" not in rows[2].article.get_text()
