import os
import stat
import threading
import urllib.request

import pytest
from bs4 import BeautifulSoup

from helpers.errors import InputError
from rotation.report import deliver, whole

CALLS = "calls.txt"


@pytest.fixture
def folder(tmp_path):
    """A report of two pages, and what else may lie beside them."""
    path = tmp_path / "reports"
    path.mkdir()
    for name in ("index.html", "01_one.html", "10_ten.html", "brief.html", "other.html"):
        (path / name).write_text(
            f"<html><head><title>{name}</title><style>p {{ color: red }}</style></head>"
            f"<body><p>{name}</p></body></html>"
        )
    return path


@pytest.fixture
def chromium(tmp_path, monkeypatch):
    """Return a function that puts a stand-in for Chromium on the path, alone."""

    def put(script):
        place = tmp_path / "bin"
        place.mkdir()
        command = place / "chromium"
        command.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path / CALLS}\n{script}\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{place}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setattr(deliver, "BROWSERS", ("chromium",))
        return tmp_path / CALLS

    return put


WRITE = 'for a in "$@"; do case $a in --print-to-pdf=*) echo %PDF > "${a#*=}";; esac; done'


def test_pages_are_the_index_and_then_those_of_notebooks(folder):
    names = [path.name for path in deliver.pages(folder)]
    assert names == ["index.html", "01_one.html", "10_ten.html"]


def test_a_folder_without_a_report_is_refused(tmp_path):
    for act in (deliver.pages, deliver.print_pdf, lambda path: deliver.server(path, 0)):
        with pytest.raises(InputError, match="no report there; make one with rotation run"):
            act(tmp_path)


def test_a_missing_browser_is_said_with_how_to_get_it(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(deliver, "BROWSERS", deliver.BROWSERS[:2])
    with pytest.raises(InputError, match="apt install chromium") as error:
        deliver.print_pdf(folder)
    assert len(str(error.value).splitlines()) == 1
    assert list(folder.glob("*.pdf")) == []


def test_the_report_and_the_brief_are_printed_beside_it_and_offline(folder, chromium):
    calls, seen = chromium(WRITE), []
    made = deliver.print_pdf(folder, done=seen.append)
    assert made == seen == [folder / "report.pdf", folder / "brief.pdf"]
    for line in calls.read_text().splitlines():
        assert "--headless" in line
        assert "--disable-background-networking" in line
        assert "--generate-pdf-document-outline" in line
    assert {path.suffix for path in folder.iterdir()} == {".html", ".pdf"}


def test_what_cannot_be_printed_is_named_and_leaves_nothing(folder, chromium):
    chromium(f"case $* in *brief.html*) exit 7;; esac; {WRITE}")
    with pytest.raises(InputError, match=r"brief\.html: .*printed no PDF \(exit code 7\)"):
        deliver.print_pdf(folder)
    assert [path.name for path in folder.glob("*.pdf")] == ["report.pdf"]


def test_a_browser_that_hangs_is_stopped(folder, chromium, monkeypatch):
    chromium("exec sleep 60")
    monkeypatch.setattr(deliver, "TIME_LIMIT", 0.2)
    with pytest.raises(InputError, match=r"report\.html: printing took longer than 0\.2 s"):
        deliver.print_pdf(folder)


# One document


def page(path, body, style="p { color: red }"):
    head = f"<head><title>{path.stem}</title><style>{style}</style></head>"
    path.write_text(f"<html>{head}<body>{body}</body></html>")
    return path


def test_links_lead_from_part_to_part_and_to_no_file(tmp_path):
    index = page(
        tmp_path / "index.html",
        '<h1>All</h1><nav>x</nav><tr id="HR-42"><a href="01_one.html#HR-42">a</a>'
        '<a href="01_one.html">b</a><a href="#HR-42">c</a><a href="results.json">d</a>'
        '<a href="https://example.org/#x">e</a><script>f()</script>',
    )
    one = page(
        tmp_path / "01_one.html",
        '<h1>One</h1><details class="row"><article id="HR-42">g</article></details>'
        '<details class="code">h()</details><svg><use href="#dot"/></svg>',
        "p { color: blue }",
    )
    soup = BeautifulSoup(whole.document([index, one], "Letter"), "html.parser")
    hrefs = [link.get("href") for link in soup("a")]
    assert hrefs == ["#01_one--HR-42", "#01_one", "#index--HR-42", None, "https://example.org/#x"]
    assert [part["id"] for part in soup("section")] == ["index", "01_one"]
    assert soup.find(id="01_one--HR-42").parent.has_attr("open")
    assert soup.find("use")["href"] == "#01_one--dot"
    assert not soup("script") + soup("nav") + soup.select(".code")
    style = "".join(one.get_text() for one in soup("style"))
    assert ".sheet-1 { p { color: blue } }" in style
    assert "size: Letter" in style
    assert "counter(page)" in style


def test_one_sheet_has_no_page_number(tmp_path):
    text = whole.document([page(tmp_path / "brief.html", "<h1>Brief</h1>")], "A4")
    assert "counter(page)" not in text
    assert "size: A4" in text


def test_the_server_shows_the_report_on_this_machine_alone(folder, capsys):
    server = deliver.server(folder, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert server.server_address[0] == "127.0.0.1"
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with plain.open(f"http://127.0.0.1:{server.server_port}/") as answer:
            assert b"<p>index.html</p>" in answer.read()
        with pytest.raises(InputError, match=f"port {server.server_port}: cannot be used"):
            deliver.server(folder, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert capsys.readouterr() == ("", "")
