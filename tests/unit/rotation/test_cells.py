import base64
import copy
import struct

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from helpers import claims, notebook
from rotation.report import cells
from support.pages import HOSTILE, check, check_output, display, executed, new, outside

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)).decode()


def soup(page):
    return BeautifulSoup(page, "html.parser")


def figure(content, alt="Two lines", **other):
    return display({"image/png": {"alt": alt}} if alt else None, image__png=content, **other)


# Figures


def test_alt_text_and_size_reach_the_image():
    alt = 'Two lines "cross" in <2019>'
    image = soup(cells.body(executed(figure(f"{PNG[:8]}\n{PNG[8:]}", alt)))).img
    assert image["alt"] == alt
    assert image["src"] == f"data:image/png;base64,{PNG}"
    assert (image["width"], image["height"]) == ("640", "480")


def test_a_figure_can_be_seen_in_full_size_without_a_script():
    page = soup(cells.body(executed(figure(PNG))))
    (place,) = page.select("figure")
    assert page.select_one("a.zoom")["href"] == f"#{place['id']}"
    assert page.select_one("a.close")["href"] == "#cell-c0"


@pytest.mark.parametrize("content", ["", "AAAABBBB", "no base64!", PNG[:20]])
def test_a_missing_or_damaged_figure_is_said_to_be(content):
    page = cells.body(executed(figure(content, "Line of <b>leads")))
    assert "<img" not in page
    assert "A figure is missing here" in page
    assert "Line of &lt;b&gt;leads" in page


def test_a_figure_that_was_never_drawn_is_said_to_be_missing():
    page = cells.body(executed(display(text__plain="<Figure size 880x495 with 1 Axes>")))
    assert "A figure is missing here" in page


def test_a_figure_without_alt_text_says_so():
    assert (
        soup(cells.body(executed(figure(PNG, None)))).img["alt"] == "Figure without a description"
    )


# Tables


def table_output(frame, **options):
    return display(**{
        name.replace("/", "__"): content
        for name, content in notebook.table(frame, **options)._repr_mimebundle_().items()
    })  # fmt: skip


def test_a_table_is_the_same_in_the_notebook_and_on_its_page():
    frame = pd.DataFrame(
        {"day": [pd.Timestamp("2026-01-12")], "lead": [1.25], "word": ["a<b"]},
        index=pd.Index(["x"], name="claim"),
    )
    made = notebook.table(frame, digits=2).data
    page = cells.body(executed(table_output(frame, digits=2)))
    assert made in page
    rows = [[cell.get_text() for cell in row("th") + row("td")] for row in soup(made)("tr")]
    assert rows == [["claim", "day", "lead", "word"], ["x", "12 January 2026", "1.25", "a<b"]]
    (number,) = (cell for cell in soup(made)("td") if cell.get_text() == "1.25")
    assert number["class"] == ["n"]


def test_a_table_can_be_taken_away_as_csv():
    frame = pd.DataFrame({"lead": [1.23456789]}, index=pd.Index(["x"], name="claim"))
    nb = executed(table_output(frame), display(text__html="<table></table>"))
    assert cells.tables(nb, "04_x") == {"04_x-c0.csv": "claim,lead\nx,1.23456789\n"}
    (link,) = soup(cells.body(nb, "04_x")).select("a[download]")
    assert link["href"] == "csv/04_x-c0.csv"


def test_tables_of_one_cell_have_files_of_their_own():
    output = table_output(pd.DataFrame({"a": [1]}))
    nb = executed(output)
    nb.cells[-1].outputs = [output, copy.deepcopy(output)]
    assert list(cells.tables(nb, "04_x")) == ["04_x-c0.csv", "04_x-c0-2.csv"]
    page = soup(cells.body(nb, "04_x"))
    assert [a["href"] for a in page.select("a[download]")] == [
        "csv/04_x-c0.csv",
        "csv/04_x-c0-2.csv",
    ]
    labels = [box["aria-label"] for box in page.select("[role=region]")]
    assert labels == ["Table: c0", "Table: c0 2"]


def test_a_wide_table_says_that_it_can_be_scrolled_by_keyboard_too():
    narrow, wide = (pd.DataFrame([range(n)]) for n in (2, 5))
    page = soup(cells.body(executed(table_output(narrow), table_output(wide))))
    boxes = page.select("[role=region]")
    assert [box["tabindex"] for box in boxes] == ["0", "0"]
    assert ["few" in box["class"] for box in boxes] == [True, False]
    assert len(page.select(".hint")) == 1


def test_the_list_of_claims_gives_way_to_the_cards(registry):
    output = notebook.claims_table(registry, "dotcom_precedent")._repr_mimebundle_()
    nb = executed(new.new_output("execute_result", output, execution_count=1))
    page = cells.body(nb, "08_x")
    assert "<table" not in page
    assert "csv/08_x-c0.csv" in page


# Text, code and headings


def test_code_is_folded_away_escaped_and_marked():
    page = cells.body(executed(display(text__plain="42 < 43")))
    assert page.count('<details class="code">') == 1
    assert "x = <u>'&lt;/script&gt;'</u>  <i># why</i></pre>" in page
    assert "42 &lt; 43</pre>" in page
    assert "In&nbsp;[" not in page


def test_code_keeps_its_lines_and_words():
    source = 'def f(a: int) -> str:\n\n    # why\n    return f"{a} <b>" if a="b" else None'
    nb = executed(display(text__plain="x"))
    nb.cells[-1].source = source
    assert soup(cells.body(nb)).select_one(".code pre").get_text() == source


def test_the_title_is_taken_out_of_the_body():
    nb = executed()
    assert cells.title(nb) == "A title <b>"
    page = cells.body(nb)
    assert "title" not in page
    assert "Some prose with" in page
    assert nb.cells[0].source.startswith("# A")
    assert cells.title(new.new_notebook()) == ""


def test_headings_are_anchors_each_of_its_own():
    nb = executed(display(text__markdown="## Same"))
    nb.cells[0].source += "\n\n## Same\n\n### Below\n\n## What *now*, & why?"
    page = cells.body(nb)
    assert cells.headings(page) == [
        ("at-same", "Same"),
        ("at-what-now-why", "What now, & why?"),
        ("at-same-2", "Same"),
    ]
    assert '<h3 id="at-below">' in page


def test_a_body_has_a_mark_for_each_check_and_not_the_table_of_the_notebook():
    data = {claims.MIMETYPE: [check(), check("HR-43")], "text/html": "<table>verdict</table>"}
    page = cells.body(executed(new.new_output("execute_result", data, execution_count=1)))
    assert "verdict" not in page
    filled = cells.fill(page, lambda claim, folded: "" if folded else f"[{claim}]")
    assert filled.count("[HR-42][HR-43]") == 1
    assert "<!--" not in filled


def test_more_checks_than_a_few_are_rows():
    ids = [f"HR-{number}" for number in range(40, 41 + cells.FEW_CHECKS)]
    page = cells.body(executed(check_output(*map(check, ids))))
    filled = cells.fill(page, lambda claim, folded: f"[{claim}]" if folded else "")
    (rows,) = soup(filled).select(".rows")
    assert rows.get_text() == "".join(f"[{claim}]" for claim in ids)


def test_what_a_run_left_out_is_not_on_its_page():
    md, code = new.new_markdown_cell, new.new_code_cell
    gone = display(text__markdown="*Left out: this cell is about the claims.*")
    nb = new.new_notebook(cells=[
        md("# Title\n\nIntroduction"),
        code("a()", id="a", outputs=[display(text__markdown="Shown.")]),
        md("## Only claims"),
        code("b()", id="b", outputs=[gone]),
        md("## Both"),
        code("c()", id="c", outputs=[gone]),
        code("d()", id="d", outputs=[display(text__markdown="Shown too.")]),
        md("## Words alone"),
    ])  # fmt: skip
    page = cells.body(nb)
    assert [title for _, title in cells.headings(page)] == ["Both", "Words alone"]
    assert "Left out" not in page
    assert [one["id"] for one in soup(page).select(".cell")] == ["cell-a", "cell-d"]


def test_a_subject_that_is_not_in_the_data_is_said_first():
    said = display(text__markdown="**Nothing to show.** No cut by then.")
    nb = new.new_notebook(cells=[
        new.new_markdown_cell("# Title\n\nIntroduction"),
        new.new_code_cell("setup()", id="setup", outputs=[said]),
        new.new_code_cell("a()", id="a", outputs=[display(text__markdown="*Left out: gone.*")]),
    ])  # fmt: skip
    page = cells.body(nb)
    assert page.index("No cut by then.") < page.index("Introduction")
    assert "gone" not in page


def test_no_check_left_is_said_in_words():
    page = cells.body(executed(check_output()))
    assert "No further claims to check here." in page


def test_hostile_text_in_outputs_shows_as_text():
    frame = notebook.table(pd.DataFrame({HOSTILE: [HOSTILE]})).data
    page = cells.body(
        executed(
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
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 6
    assert outside(page) == []


@pytest.mark.parametrize("name", ['"><script>', "--><script>"])
def test_a_hostile_id_cannot_leave_its_mark(name):
    page = cells.body(executed(check_output(check(name))))
    assert "<script" not in page
    seen = []
    cells.fill(page, lambda claim, _: seen.append(claim) or "")
    assert seen == [name]


def test_bodies_are_deterministic_and_leave_the_notebook_alone():
    nb = executed(display(text__html="<table></table>"), display(text__markdown="# a"))
    before = nbformat.writes(nb)
    assert cells.body(nb) == cells.body(nb)
    assert nbformat.writes(nb) == before
