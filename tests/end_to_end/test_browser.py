"""The pages in a real Chromium, from the folder as it lies on disk and from a local server."""

import re
import shutil
import threading

import pandas as pd
import pytest
from PIL import Image

from helpers.claims.grading import OUTCOMES
from rotation.report import cells, deliver, pages, whole
from support.pages import check, check_output, display, executed
from support.pages import report as made

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed on this machine"),
    pytest.mark.xdist_group("full run"),  # the fixture ``report`` is made once
]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A4 less its margins, in pixels of print.
PAPER = 695
# Marks one element of each kind that shows text: the same colours need no second look.
MARK_TEXTS = """() => {
  const seen = new Set();
  for (const one of document.querySelectorAll("body *")) {
    delete one.dataset.axe;
    const words = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!words || !one.checkVisibility()) continue;
    let under = one, ground;
    do {
      ground = getComputedStyle(under).backgroundColor;
      under = under.parentElement;
    } while (under && ground === "rgba(0, 0, 0, 0)");
    const style = getComputedStyle(one);
    const kind = [style.color, ground, style.fontSize, style.fontWeight].join();
    if (!seen.has(kind)) one.dataset.axe = "";
    seen.add(kind);
  }
  return seen.size;
}"""
CONTRAST = "axe.run({include: [['[data-axe]']]}, {runOnly: ['color-contrast']})"
THE_REST = "axe.run({rules: {'color-contrast': {enabled: false}}, resultTypes: ['violations']})"
# What keyboard focus rests on, as a person would name it.
FOCUSED = """() => {
  const one = document.activeElement;
  return one === document.body ? "" : one.name || one.textContent.trim();
}"""


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def names(report):
    found = [path.name for path in deliver.pages(report.folder)]
    assert len(found) == 14
    return found


@pytest.fixture(scope="module")
def address(report):
    """Address of a local server of the report."""
    with deliver.server(report.folder, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Opened:
    """A page, with what it asked for and what it complained about."""

    def __init__(self, browser, url, width=1400, **options):
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.page = self.context.new_page()
        self.asked, self.complaints = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()


def opened(browser, report, name, width=1400, **options):
    return Opened(
        browser, (report.folder / name.split("#")[0]).as_uri() + _hash(name), width, **options
    )


def _hash(name):
    return "#" + name.partition("#")[2] if "#" in name else ""


def shown(page):
    """Ids of the claims that the index shows, in their order."""
    return page.eval_on_selector_all("#claims tbody tr:not([hidden])", "all => all.map(e => e.id)")


def tabbed(page, until, limit):
    """Names of what the tab key reaches, up to the last of the given ones."""
    found = []
    while len(found) < limit and not set(until) <= set(found):
        page.keyboard.press("Tab")
        found.append(page.evaluate(FOCUSED))
    return found


# Every page


@pytest.fixture(scope="module")
def loaded(browser, report, names):
    """Every page from the disk, in a wide window."""
    found = {name: opened(browser, report, name) for name in names}
    yield found
    for one in found.values():
        one.context.close()


def assert_alone(one, inside, width):
    """Check that a page complains of nothing, asks for nothing outside and fits its window."""
    assert one.complaints == [], one.page.url
    assert [u for u in one.asked if not u.startswith((f"{inside}/", "data:"))] == []
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width, one.page.url


def test_every_page_loads_alone_from_the_disk(loaded, report):
    for one in loaded.values():
        assert_alone(one, report.folder.as_uri(), 1400)


def test_every_page_loads_alone_from_a_server_and_fits_a_telephone(browser, address, names):
    for name in names:
        with Opened(browser, f"{address}/{name}", 400) as one:
            assert_alone(one, address, 400)


def test_every_picture_has_a_text(loaded):
    for name, one in loaded.items():
        # A thumbnail stands beside the name of its report and says nothing of its own.
        texts = one.page.eval_on_selector_all("img:not([alt=''])", "all => all.map(one => one.alt)")
        assert all(len(text) > 40 for text in texts), name


def test_no_page_has_a_barrier_that_axe_can_find(loaded):
    from axe_playwright_python.base import AXE_SCRIPT

    for name, one in loaded.items():
        one.page.evaluate(AXE_SCRIPT)
        found = one.page.evaluate(THE_REST)["violations"]
        for scheme in ("light", "dark"):
            one.page.emulate_media(color_scheme=scheme)
            assert one.page.evaluate(MARK_TEXTS) > 10
            found += one.page.evaluate(CONTRAST)["violations"]
        one.page.emulate_media(color_scheme="light")
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], name


def test_no_table_is_cut_off_in_print(loaded):
    for name, one in loaded.items():
        one.page.set_viewport_size({"width": PAPER, "height": 900})
        one.page.emulate_media(media="print")
        edges = one.page.eval_on_selector_all(
            "table, figure, pre:not(.code pre), dl",
            "all => all.map(one => one.getBoundingClientRect().right)",
        )
        assert max(edges) <= PAPER, name
        assert one.page.locator("nav:visible, .code:visible, form:visible").count() == 0, name
        one.page.emulate_media(media="screen")
        one.page.set_viewport_size({"width": 1400, "height": 900})


# The index


@pytest.fixture
def index(browser, report):
    with opened(browser, report, "index.html") as one:
        yield one.page
        assert one.complaints == []


def test_filters_and_search_show_the_claims_they_name(index, report):
    checks = report.results["checks"]
    assert len(shown(index)) == len(checks)
    index.select_option("[name=outcome]", "contradicted")
    index.select_option("[name=article]", "sausalito")
    expected = {
        c["claim_id"]
        for c in checks
        if (c["outcome"], c["article"]) == ("contradicted", "sausalito")
    }
    assert set(shown(index)) == expected
    assert index.inner_text("#shown") == f"{len(expected)} of {len(checks)} claims shown"
    index.fill("[name=q]", "FORWARD earnings")
    assert set(shown(index)) == {"SA-09", "SA-10"}
    index.click("text=Clear")
    index.wait_for_selector("tbody tr[hidden]", state="detached")
    index.select_option("[name=family]", "dotcom_precedent")
    assert len(shown(index)) == 2
    index.click("text=Clear")
    index.select_option("[name=fidelity]", "none")
    expected = {c["claim_id"] for c in checks if c["fidelity"] == "none"}
    assert set(shown(index)) == expected


def test_a_view_has_an_address(browser, index, report):
    index.select_option("[name=outcome]", "inconclusive")
    index.click("#claims thead button >> text=Claim")
    index.click("#claims thead button >> text=Claim")
    assert index.url.endswith("#outcome=inconclusive&sort=1-")
    with opened(browser, report, "index.html#outcome=inconclusive&sort=1-") as one:
        assert shown(one.page) == shown(index)
        assert shown(one.page) == sorted(shown(one.page), reverse=True)
        assert one.page.get_attribute("#claims th", "aria-sort") == "descending"


def test_columns_can_be_sorted_by_keyboard(index, report):
    before = shown(index)
    head = index.locator("#claims thead th", has_text="Measured")
    head.locator("button").focus()
    index.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    by_id = {c["claim_id"]: c["measured"] for c in report.results["checks"]}
    numbers = [n for n in map(by_id.get, shown(index)) if isinstance(n, int | float)]
    assert len(numbers) > 80
    assert numbers == sorted(numbers)
    index.keyboard.press("Enter")
    numbers = [n for n in map(by_id.get, shown(index)) if isinstance(n, int | float)]
    assert numbers == sorted(numbers, reverse=True)
    index.keyboard.press("Enter")
    assert shown(index) == before
    index.click("#claims thead button >> text=Verdict")
    outcome = {c["claim_id"]: OUTCOMES.index(c["outcome"]) for c in report.results["checks"]}
    order = [outcome[claim] for claim in shown(index)]
    assert order == sorted(order)


def test_a_link_to_a_claim_shows_it_whatever_is_filtered(browser, report):
    with opened(browser, report, "index.html#HR-42") as one:
        assert one.page.locator("tr:target").get_attribute("id") == "HR-42"
        one.page.select_option("[name=outcome]", "supported")
        assert "HR-42" not in shown(one.page)
        one.page.evaluate("location.hash = 'HR-42'")
        one.page.wait_for_selector("tr#HR-42:target")
        assert "HR-42" in shown(one.page)
        assert one.page.eval_on_selector("tr#HR-42", "e => e.getBoundingClientRect().top") < 900


def test_the_index_leads_to_the_cell_that_measured_a_claim(index):
    index.click("a[href$='outcomes.html#HR-42']")
    index.wait_for_url("**/04_post_streak_outcomes.html#HR-42")
    card = index.locator(".cell#cell-after-checks article#HR-42:target")
    assert card.count() == 1
    card.locator("summary").click()
    assert "Rotation claims, HR-42, run" in card.inner_text()


def test_the_keyboard_reaches_every_control_of_the_index(index):
    controls = ["q", "article", "family", "outcome", "fidelity", "Clear"]
    controls += ["Claim", "Statement", "Stated", "Measured", "Verdict"]
    found = tabbed(index, controls, 120)
    assert found[0] == "Skip to the content"
    assert set(controls) <= set(found)


def test_without_scripts_all_claims_are_there_and_nothing_is_that_would_not_work(browser, report):
    with opened(browser, report, "index.html", java_script_enabled=False) as one:
        assert one.page.locator("#claims tbody tr").count() == len(report.results["checks"])
        assert not one.page.locator("#filters").is_visible()
        assert one.page.locator("#claims button").count() == 0
    with opened(browser, report, "04_post_streak_outcomes.html", java_script_enabled=False) as one:
        assert not one.page.locator("#all-code").is_visible()
        code = one.page.locator("details.code").first
        assert not code.locator("pre").is_visible()
        code.locator("summary").click()
        assert code.locator("pre").is_visible()
        one.page.locator("a.zoom").first.click()
        assert one.page.locator("figure:target a.close").is_visible()


# A report


@pytest.fixture
def streaks(browser, report):
    with opened(browser, report, "04_post_streak_outcomes.html", 400) as one:
        yield one.page
        assert one.complaints == []


def test_code_has_a_switch_for_each_cell_and_one_for_all(streaks):
    codes, every = streaks.locator("details.code"), streaks.locator("#all-code")
    open_ones = streaks.locator("details.code[open]")
    assert codes.count() > 15
    assert open_ones.count() == 0
    codes.nth(3).locator("summary").click()
    assert open_ones.count() == 1
    every.click()
    assert open_ones.count() == codes.count()
    streaks.wait_for_selector("#all-code[aria-pressed=true]")
    every.click()
    streaks.wait_for_selector("#all-code[aria-pressed=false]")
    assert open_ones.count() == 0


def test_a_figure_fills_the_window_and_escape_closes_it(streaks):
    figure = streaks.locator("figure").first
    small = figure.locator("img").bounding_box()["width"]
    figure.locator("a.zoom").click()
    streaks.wait_for_selector("figure:target")
    assert figure.locator("img").bounding_box()["width"] >= 880 > small
    streaks.keyboard.press("Escape")
    streaks.wait_for_selector("figure:target", state="detached")
    assert figure.locator("img").bounding_box()["width"] == small


def test_a_wide_table_scrolls_in_its_own_box_by_keyboard_and_says_so(streaks):
    box = streaks.locator("[aria-label='Table: streak table']")
    assert streaks.locator("#cell-streak-table .hint").is_visible()
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    box.focus()
    for _ in range(50):  # a busy machine may lose a press before the box is drawn
        streaks.keyboard.press("ArrowRight")
        streaks.wait_for_timeout(20)
        if box.evaluate("e => e.scrollLeft") > 0:
            break
    assert box.evaluate("e => e.scrollLeft") > 0


def test_a_table_can_be_taken_away(streaks, report):
    with streaks.expect_download() as found:
        streaks.click("#cell-streak-table a[download]")
    text = found.value.path().read_text("utf-8")
    assert text.splitlines()[0].startswith("end,start,length")
    assert text == (report.folder / "csv/04_post_streak_outcomes-streak-table.csv").read_text()


def test_a_figure_can_be_taken_away(streaks):
    with streaks.expect_download() as found:
        streaks.locator("a.take").first.click()
    assert found.value.suggested_filename.startswith("04_post_streak_outcomes-figure-")
    with Image.open(found.value.path()) as picture:
        assert picture.width >= 1760


def test_the_words_in_a_figure_can_be_read_on_a_telephone(streaks):
    # 220 dots an inch, 8 points the smallest text: its height in pixels as shown.
    for figure in streaks.locator("figure img").all():
        shown = figure.bounding_box()["width"] / int(figure.get_attribute("width"))
        assert 8 / 72 * 220 * shown >= 9.5


def test_a_link_to_a_claim_unfolds_its_row(browser, report):
    for scripts in (True, False):
        name = "04_post_streak_outcomes.html#HR-32"
        with opened(browser, report, name, java_script_enabled=scripts) as one:
            row = one.page.locator("details.row:has(#HR-32)")
            row.locator(".card").wait_for(state="visible")
            top = row.locator("> summary").bounding_box()["y"]
            assert 0 <= top < 450, scripts
            assert one.page.locator("details.row[open]").count() == 1


def test_a_row_unfolds_by_keyboard(streaks):
    row = streaks.locator("details.row").first
    row.locator("summary").first.focus()
    streaks.keyboard.press("Enter")
    row.locator(".card").wait_for(state="visible")


def test_a_term_leads_to_its_meaning(streaks):
    term = streaks.locator("a.term").first
    word, says = term.inner_text(), term.get_attribute("title")
    term.click()
    entry = streaks.locator("div:target")
    assert word.lower() in entry.inner_text().lower()
    assert says in entry.inner_text()


def test_the_keyboard_reaches_every_control_of_a_report(streaks):
    wanted = ["Show all code", "Code", "How it was judged", "Full size", "CSV"]
    found = tabbed(streaks, wanted, 120)
    assert set(wanted) <= set(found)


# On paper


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_report_is_printed_whole_and_its_brief_on_one_sheet(report, tmp_path, paper):
    folder = shutil.copytree(report.folder, tmp_path / "report")
    whole, brief = (path.read_bytes() for path in deliver.print_pdf(folder, paper))
    assert brief.count(b"/Type /Page\n") == 1
    number = whole.count(b"/Type /Page\n")
    assert number > 50
    outline = len(re.findall(rb"/Title \(", whole))
    headings = sum(path.read_text().count("<h2") + 1 for path in deliver.pages(folder))
    assert outline >= headings * 0.9
    size = {"A4": b"/MediaBox [0 0 594.95", "Letter": b"/MediaBox [0 0 612 792"}[paper]
    assert size in whole
    assert size in brief


def test_what_is_printed_whole_is_not_cut_off(browser, report, tmp_path):
    (tmp_path / "whole.html").write_text(whole.document(deliver.pages(report.folder), "A4"))
    with Opened(browser, (tmp_path / "whole.html").as_uri(), PAPER) as one:
        one.page.emulate_media(media="print")
        edges = one.page.eval_on_selector_all(
            "table, figure, pre, dl, .row, .dots text",
            "all => all.filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect())"
            ".map(e => [e.left, e.right])",
        )
        assert min(left for left, _ in edges) >= 0
        assert max(right for _, right in edges) <= PAPER
        assert one.complaints == []


# Bad input

WORD = "w" * 300
HOSTILE = (
    f"<script>window.hacked = 1</script><img src=x onerror='hacked = 1'>\"'`&lt; \u202e abc {WORD}"
)


def test_hostile_rows_show_as_text_and_break_nothing(browser, tmp_path):
    texts = dict.fromkeys(
        ("statement", "note", "beside", "measure", "needs", "tolerance", "reason"), HOSTILE
    )
    rows = [check(f"ZZ-{n}", **texts, outcome=o) for n, o in enumerate(OUTCOMES)]
    rows[0] |= {"stated": HOSTILE, "measured": HOSTILE, "rule": "equal", "bound": HOSTILE}
    nb = executed(
        check_output(*rows), display(text__plain=HOSTILE), display(text__markdown=HOSTILE)
    )
    one = made(
        "04_some_family", HOSTILE, cells.body(nb, "04_some_family"), {"word": HOSTILE}, ["word"]
    )
    failed = made("05_other", HOSTILE, "", failure=HOSTILE, lost=("ZZ-99",))
    run = {"id": "0123456789ab", "vintage": HOSTILE, "versions": {}, "status": [], "missing": []}
    articles = pd.DataFrame(
        {"title": [HOSTILE], "publisher": [HOSTILE], "published": [pd.NaT]},
        index=pd.Index(["paper"], name="article"),
    )
    for name, text in pages.site({"run": run, "checks": rows}, [one, failed], articles).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        for width in (1400, 400):
            with Opened(browser, (tmp_path / name).as_uri(), width) as shown_page:
                page = shown_page.page
                assert shown_page.complaints == [], name
                assert page.evaluate("window.hacked") is None
                assert page.evaluate("document.documentElement.scrollWidth") <= width, name
                assert "<script>window.hacked = 1</script>" in page.inner_text("body")
