import os
import stat
import threading
import urllib.request

import pytest

from helpers.errors import InputError
from rotation.report import deliver

CALLS = "calls.txt"


@pytest.fixture
def folder(tmp_path):
    """A report of two pages, and what else may lie beside them."""
    path = tmp_path / "reports"
    path.mkdir()
    for name in ("index.html", "01_one.html", "10_ten.html", "other.html"):
        (path / name).write_text(f"<p>{name}</p>")
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


def test_each_page_is_printed_beside_itself_and_offline(folder, chromium):
    calls, seen = chromium(WRITE), []
    made = deliver.print_pdf(folder, seen.append)
    assert made == seen == [folder / f"{n}.pdf" for n in ("index", "01_one", "10_ten")]
    lines = calls.read_text().splitlines()
    assert [line.split()[-1] for line in lines] == [p.as_uri() for p in deliver.pages(folder)]
    for line in lines:
        assert "--headless" in line
        assert "--disable-background-networking" in line
    assert {path.suffix for path in folder.iterdir()} == {".html", ".pdf"}


def test_a_page_that_cannot_be_printed_is_named_and_leaves_nothing(folder, chromium):
    chromium(f"case $* in *01_one*) exit 7;; esac; {WRITE}")
    with pytest.raises(InputError, match=r"01_one\.html: .*printed no PDF \(exit code 7\)"):
        deliver.print_pdf(folder)
    assert [path.name for path in folder.glob("*.pdf")] == ["index.pdf"]


def test_a_browser_that_hangs_is_stopped(folder, chromium, monkeypatch):
    chromium("exec sleep 60")
    monkeypatch.setattr(deliver, "TIME_LIMIT", 0.2)
    with pytest.raises(InputError, match=r"index\.html: printing took longer than 0\.2 s"):
        deliver.print_pdf(folder)


def test_the_server_shows_the_report_on_this_machine_alone(folder, capsys):
    server = deliver.server(folder, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert server.server_address[0] == "127.0.0.1"
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with plain.open(f"http://127.0.0.1:{server.server_port}/") as answer:
            assert answer.read() == b"<p>index.html</p>"
        with pytest.raises(InputError, match=f"port {server.server_port}: cannot be used"):
            deliver.server(folder, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert capsys.readouterr() == ("", "")
