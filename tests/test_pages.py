import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from helpers import claims, grading, notebook, pages
from helpers.errors import InputError

new = nbformat.v4
HOSTILE = "<script>alert(1)</script> <img src=https://x.example/a.png> | a*b_c & `d`"
ARTICLES = pd.DataFrame(
    {"title": [HOSTILE], "publisher": ["P"], "published": [pd.Timestamp("2026-01-12")]},
    index=pd.Index(["paper"], name="article"),
)


def check(claim_id="HR-42", **other):
    """A check as it stands in results.json."""
    return {
        "claim_id": claim_id,
        "article": "paper",
        "family": "some_family",
        "notebook": "04_some_family",
        "statement": "Small caps rose",
        "stated": 12.5,
        "measured": 11,
        "unit": "percent",
        "interval": None,
        "intervals": None,
        "n": None,
        "outcome": "supported",
        "reason": "within tolerance",
        "as_of": "2026-01-12",
        "beside": HOSTILE,
        "note": "",
        "fidelity": "same data",
        "rule": "within",
        "bound": 1,
    } | other


def executed(*cells):
    """A notebook whose code cells hold the given outputs, one each."""
    made = [new.new_markdown_cell("# A *title* <b>\n\nSome prose with `code`.", id="title")]
    for number, output in enumerate(cells):
        made.append(new.new_code_cell("x = '</script>'  # why", id=f"c{number}", outputs=[output]))
    return new.new_notebook(cells=made, metadata={"language_info": {"name": "python"}})


def display(metadata=None, **data):
    bundle = {name.replace("__", "/"): value for name, value in data.items()}
    return new.new_output("display_data", bundle, metadata=metadata or {})


class _Addresses(HTMLParser):
    """Collect what a page's attributes and styles point to."""

    def __init__(self, page):
        super().__init__()
        self.found, self.style = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.style = tag == "style"
        for name, value in attributes:
            if name in ("src", "srcset", "href", "action", "data", "poster"):
                self.found.append(value)
            if name == "style":
                self.handle_data(value)

    def handle_endtag(self, tag):
        self.style = False

    def handle_data(self, text):
        if self.style:
            pattern = r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)"
            self.found += re.findall(pattern, text)


def outside(page):
    """Return every address in a page that leads out of its folder."""
    return [a for a in _Addresses(page).found if re.match(r"//|(?!data:)[a-z]+:", a or "")]


@pytest.fixture
def results():
    run = {"id": "0123456789ab", "vintage": "frozen"}
    one, two = check(), check("HR-43", statement=HOSTILE, outcome="contradicted", reason=HOSTILE)
    other = check("AI-01", notebook="01_other", family="other", n=3)
    return {"run": run, "checks": [one, two, other]}


def report(name, title="A title", body="<p>body</p>", parameters=None, changed=()):
    return pages.Report(name, title, body, parameters or {}, frozenset(changed))


# Bodies


def test_alt_text_reaches_the_image():
    alt = 'Two lines "cross" in <2019>'
    page = pages.body(executed(display({"image/png": {"alt": alt}}, image__png="AAAA\nBBBB")))
    assert BeautifulSoup(page, "html.parser").img["alt"] == alt
    assert 'src="data:image/png;base64,AAAABBBB"' in page


def test_code_is_folded_away_and_escaped():
    page = pages.body(executed(display(text__plain="42 < 43")))
    assert page.count('<details class="code">') == 1
    assert "</script>" not in page
    assert "<pre>42 &lt; 43</pre>" in page
    assert "In&nbsp;[" not in page


def test_the_title_is_taken_out_of_the_body():
    nb = executed()
    assert pages.title(nb) == "A title <b>"
    page = pages.body(nb)
    assert "title" not in page
    assert "Some prose with" in page
    assert nb.cells[0].source.startswith("# A")
    assert pages.title(new.new_notebook()) == ""


def test_a_check_is_an_anchor_before_its_output():
    data = {claims.MIMETYPE: [check(), check("HR-43")], "text/html": "<table>verdict</table>"}
    page = pages.body(executed(new.new_output("execute_result", data, execution_count=1)))
    places = [page.index(part) for part in ('id="HR-42"', 'id="HR-43"', "<table>verdict")]
    assert places == sorted(places)
    assert page.count("verdict") == 1


def test_hostile_text_in_outputs_shows_as_text():
    shown = [check(statement=HOSTILE, reason=HOSTILE, stated=HOSTILE)]
    table = claims.html_table(shown)
    frame = notebook.table(pd.DataFrame({HOSTILE: [HOSTILE]})).data
    page = pages.body(
        executed(
            new.new_output("display_data", {claims.MIMETYPE: shown, "text/html": table}),
            display(text__html=frame),
            display(text__markdown=HOSTILE + "\n\n[a](javascript:alert(1))"),
            display(text__plain=HOSTILE),
            new.new_output("stream", text=HOSTILE),
            new.new_output("error", ename="E", evalue="", traceback=["\x1b[31m" + HOSTILE]),
        )
    )
    assert "<script" not in page
    assert "<img" not in page
    assert "javascript:" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6
    assert outside(page) == []


def test_a_hostile_id_cannot_leave_its_attribute():
    data = {claims.MIMETYPE: [check('"><script>')], "text/html": ""}
    assert "<script" not in pages.body(executed(new.new_output("display_data", data)))


def test_bodies_are_deterministic():
    nb = executed(display(text__html="<table></table>"), display(text__markdown="# a"))
    assert pages.body(nb) == pages.body(nb)


# Pages


def test_no_page_leads_outside_and_none_runs_a_script(results):
    reports = [report("01_other", HOSTILE), report("04_some_family", HOSTILE)]
    site = pages.site(results, reports, ARTICLES)
    assert list(site) == ["index.html", "01_other.html", "04_some_family.html"]
    for page in site.values():
        assert outside(page) == []
        assert "<script" not in page
        assert "<img" not in page
        assert "default-src 'none'" in page


def test_the_scan_for_outside_addresses_sees_them():
    bad = '<a href="https://x.example"> <img src=//x.example> <style>@import "http://x"; '
    good = "<a href='#a'> <a href='01_a.html'> <img src='data:image/png;base64,AA'> https://x"
    assert len(outside(bad + "a { b: url(https://x) }</style>" + good)) == 4


def test_every_page_has_landmarks_language_and_viewport(results):
    for page in pages.site(results, [report("04_some_family")], ARTICLES).values():
        assert '<html lang="en">' in page
        assert '<meta name="viewport" content="width=device-width' in page
        for tag in ("header", "main", "footer", "h1"):
            assert len(re.findall(rf"<{tag}[ >]", page)) == 1, tag
        assert "prefers-color-scheme: dark" in page


def test_the_index_lists_every_claim_and_links_to_where_it_was_measured(results):
    page = pages.index(results, [report("04_some_family", "The streaks")], ARTICLES)
    assert '<a href="04_some_family.html#HR-42">HR-42</a>' in page
    assert "AI-01" in page
    assert "01_other.html" not in page
    assert page.index("Other</h2>") < page.index("Some family</h2>")
    assert "12.5 percent" in page
    assert "0123456789ab" in page
    assert re.search(r"<b>2</b>\s*<span class=\"outcome supported\">", page)
    assert "2026-01-12" in page


def test_a_report_tells_its_provenance_and_its_neighbours(results):
    one = report("01_other", "First")
    two = report("04_some_family", "Second", parameters={"a": 1, "b": "<2>"}, changed=["b"])
    first, second = (pages.site(results, [one, two], ARTICLES)[r.file] for r in (one, two))
    assert "<code>a = 1</code>" in second
    assert "<strong><code>b = &lt;2&gt;</code> (changed)</strong>" in second
    assert "0123456789ab" in second
    assert '<a href="index.html">All claims</a>' in second
    assert '<a href="01_other.html" rel="prev">← First</a>' in second
    assert '<a href="04_some_family.html" rel="next">Second →</a>' in first
    assert "rel=\"prev\"" not in first  # fmt: skip
    assert "<p>body</p>" in second


def test_every_outcome_has_a_mark_and_a_word(results):
    results["checks"] = [check(f"HR-{n}", outcome=o) for n, o in enumerate(grading.OUTCOMES)]
    page = pages.index(results, [], ARTICLES)
    for outcome in grading.OUTCOMES:
        assert f"{claims.MARKS[outcome]}</span> {outcome}" in page


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.5, "percent", "12.5 percent"),
        (["2019-01", "2020-01"], "month", "2019-01, 2020-01"),
        ({"mean": 1, "median": 2}, "percent", "mean 1; median 2 percent"),
        ("2019-01", "month", "2019-01"),
        ({"a": -1}, "sign", "a −1"),
        ("", "percent", "–"),
        (None, "percent", "–"),
        ([], "month", "none"),
    ],
)
def test_a_unit_follows_numbers_only(value, unit, text):
    assert pages.quantity(value, unit) == text


# README


def test_the_scorecard_counts_then_lists_each_family(results):
    lines = pages.readme_scorecard(results["checks"]).splitlines()
    assert lines[0] == "**3 claims: 2 supported, 1 contradicted.**"
    assert [line for line in lines if line.startswith("#")] == [
        "### [Other](notebooks/01_other.ipynb)",
        "### [Some family](notebooks/04_some_family.ipynb)",
    ]
    head = "| claim | what the article said | stated | measured | verdict |"
    assert lines.count(head) == 2
    row = "| HR-42 | Small caps rose | 12.5 percent | 11 percent | ✓ supported: within tolerance |"
    assert row in lines


def test_the_scorecard_keeps_its_columns_whatever_the_text(results):
    hostile = next(line for line in pages.readme_scorecard(results["checks"]).splitlines()
                   if "HR-43" in line)  # fmt: skip
    assert len(re.findall(r"(?<!\\)\|", hostile)) == 6
    assert "<" not in hostile
    assert r"a\*b\_c & \`d\`" in hostile
    assert pages.markdown_text("a\nb &lt; c") == "a b &amp;lt; c"


def test_only_what_stands_between_the_marks_is_replaced(tmp_path, results):
    path = tmp_path / "README.md"
    path.write_text(f"# Title\n\n{pages.BEGIN}\nold\n{pages.END}\n\nThe rest | stays.\n")
    assert not pages.scorecard_is_current(path, results["checks"])
    pages.update_readme(path, results["checks"])
    text = path.read_text("utf-8")
    assert text.startswith(f"# Title\n\n{pages.BEGIN}\n**3 claims")
    assert text.endswith(f"|\n{pages.END}\n\nThe rest | stays.\n")
    assert pages.scorecard_is_current(path, results["checks"])
    assert not pages.scorecard_is_current(path, results["checks"][1:])
    pages.update_readme(path, results["checks"])
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize("text", ["no marks", f"{pages.END} {pages.BEGIN}", pages.BEGIN])
def test_a_readme_without_its_marks_is_refused(tmp_path, text):
    path = tmp_path / "README.md"
    path.write_text(text)
    with pytest.raises(InputError, match=r"README\.md: expected a line <!-- scorecard:begin -->"):
        pages.update_readme(path, [])
    assert path.read_text() == text


def test_a_missing_readme_is_refused():
    with pytest.raises(InputError, match="cannot be read"):
        pages.scorecard_is_current(Path("/nowhere/README.md"), [])
