"""The pages in a real Chromium, from the folder as it lies on disk."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed on this machine")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def names(report):
    return sorted(path.name for path in report.folder.glob("*.html"))


def opened(browser, url, width):
    """Open a page and note what it asks for and what it complains about."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    return page, asked, complaints


@pytest.mark.parametrize("width", [1400, 400])
def test_every_page_loads_alone_and_fits_its_window(browser, report, names, width):
    assert len(names) > 1
    for name in names:
        page, asked, complaints = opened(browser, (report.folder / name).as_uri(), width)
        assert complaints == [], name
        inside = report.folder.as_uri()
        assert [url for url in asked if not url.startswith((inside, "data:"))] == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.close()


def test_every_picture_has_a_text(browser, report, names):
    for name in names:
        page, _, _ = opened(browser, (report.folder / name).as_uri(), 1400)
        texts = page.eval_on_selector_all("img", "all => all.map(one => one.alt)")
        assert all(len(text) > 40 for text in texts), name
        page.close()


def test_the_index_leads_to_the_cell_that_measured_a_claim(browser, report):
    page, _, complaints = opened(browser, (report.folder / "index.html").as_uri(), 1400)
    page.click("a[href$='#HR-42']")
    page.wait_for_url("**/04_post_streak_outcomes.html#HR-42")
    page.wait_for_selector("#HR-42", state="attached")
    assert page.locator("#HR-42").count() == 1
    assert complaints == []
    page.close()
