"""What somebody is told of unattended runs, once, and how it gets to them."""

from __future__ import annotations

import json
import sys
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from helpers.errors import Exit
from rotation.unattended import config, notices

QUIET = config.Notices()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ROTATION_HOME", str(tmp_path))
    monkeypatch.delenv("ROTATION_NOTICE_URLS", raising=False)
    return tmp_path


def summary(code=0, message="published", stale=(), failures=None):
    return {
        "exit": code,
        "message": message,
        "stale": list(stale),
        "failures": failures or {},
        "last_close": "2026-11-20",
    }


def told(*args, changes=None, overdue=(), **options):
    """Return what is told of a run, which is remembered then."""
    made = summary(*args, **options)
    news = notices.gather(made, changes, overdue)
    notices.remember(made, overdue)
    return [(one.kind, one.text) for one in news]


def verdict(claim="HR-42", **more):
    return {
        "claim_id": claim,
        "statement": "Small caps lead",
        "old": {"outcome": "supported"},
        "new": {"outcome": "contradicted"},
        **more,
    }


REFUSED = "index_closes: refused since 2026-11-18, data to 2026-11-{}: the source changed"


class TestNews:
    def test_of_a_run_without_any(self):
        assert told() == []

    def test_of_verdicts(self):
        changes = {"flipped": [verdict(revised=True)], "due": [verdict("NX-03", revised=False)]}
        assert told(10, changes=changes) == [
            ("verdict", "HR-42 supported → contradicted (its data were revised): Small caps lead"),
            ("due", "NX-03 supported → contradicted: Small caps lead"),
        ]

    def test_a_state_is_told_once_and_when_it_ends(self):
        assert told(20, stale=[REFUSED.format(18)]) == [("source", REFUSED.format(18))]
        assert told(20, stale=[REFUSED.format(19)]) == []  # one evening later it is the same
        other = "macro_readings: carried over since 2026-11-19, data to 2026-10-31: no network"
        assert told(20, stale=[REFUSED.format(20), other]) == [("source", other)]
        assert told(0) == [
            ("recovered", "No longer so: index_closes: refused since 2026-11-18"),
            ("recovered", "No longer so: macro_readings: carried over since 2026-11-19"),
        ]
        assert told(0) == []

    def test_a_failure_is_told_once_until_it_is_another(self):
        failures = {"04_streaks": "ValueError: no"}
        assert told(1, "failed: 04", failures=failures) == [
            ("failed", "The run failed: failed: 04"),
            ("failed", "04_streaks: ValueError: no"),
        ]
        assert told(1, "failed: 04", failures=failures) == []
        assert told(4, "took longer") == [("failed", "The run failed: took longer")]
        assert told(0) == [("recovered", "Runs succeed again.")]

    def test_a_failure_says_nothing_of_the_sources(self):
        told(20, stale=[REFUSED.format(18)])
        assert told(1, "no disk") == [("failed", "The run failed: no disk")]
        assert told(20, stale=[REFUSED.format(20)]) == [("recovered", "Runs succeed again.")]

    def test_an_overdue_claim_is_told_once(self):
        late = {"claim_id": "HR-51", "due": "2026-06-30", "statement": "It reaches 2,850"}
        line = ("due", "HR-51 fell due on 2026-06-30 and is still open: It reaches 2,850")
        assert told(overdue=[late]) == [line]
        assert told(overdue=[late]) == []
        assert told(overdue=[]) == []  # it was settled, and is open again after a revision
        assert told(overdue=[late]) == [line]

    def test_a_memory_of_an_earlier_version(self, home):
        told(20, stale=[REFUSED.format(18)])
        file = home / "state" / "notices.json"
        kept = json.loads(file.read_text("utf-8"))
        del kept["overdue"]
        file.write_text(json.dumps(kept))
        assert told(20, stale=[REFUSED.format(19)]) == []

    def test_a_spoilt_memory_tells_again(self, home):
        told(20, stale=[REFUSED.format(18)])
        (home / "state" / "notices.json").write_text("{")
        assert len(told(20, stale=[REFUSED.format(18)])) == 1

    def test_a_digest_is_one_text(self):
        news = [notices.News("source", "a"), notices.News("failed", "b"), notices.News("due", "c")]
        subject, text = notices.digest(news, summary())
        assert subject == (
            "Rotation claims: run failed, forecasts due or settled: 1, sources to look at: 1"
        )
        assert text == "b\nc\na\n\ndata to 2026-11-20"


class TestSending:
    def command(self, tmp_path, code):
        script = tmp_path / "tell.py"
        script.write_text(code)
        return config.Notices(command=f"{sys.executable} {script}")

    def test_by_a_command(self, tmp_path):
        code = (
            "import os, sys, pathlib\n"
            f"pathlib.Path(r'{tmp_path}/told').write_text("
            "os.environ['ROTATION_SUBJECT'] + '|' + sys.stdin.read())"
        )
        assert notices.send("Subject", "Text → here", self.command(tmp_path, code)) == []
        assert (tmp_path / "told").read_text("utf-8") == "Subject|Text → here"

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (f"{sys.executable} -c 'import sys; sys.exit(\"no mail\")'", "exit code 1 no mail"),
            ("/nowhere/mail me", "No such file"),
            ("mail 'me", "No closing quotation"),
        ],
    )
    def test_what_goes_wrong_is_one_line(self, command, said):
        (problem,) = notices.send("Subject", "Text", config.Notices(command=command))
        assert problem.startswith("notices.command: ")
        assert said in problem
        assert "\n" not in problem

    def test_a_command_that_hangs_is_left(self, tmp_path, monkeypatch):
        monkeypatch.setattr(notices, "_PATIENCE", 0.5)
        settings = self.command(tmp_path, "import time; time.sleep(60)")
        assert "timed out" in notices.send("Subject", "Text", settings)[0]

    def test_by_apprise(self, monkeypatch):
        pytest.importorskip("apprise", reason="Apprise comes with the extra 'notices'")
        asked = []

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self):
                asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            monkeypatch.setenv("ROTATION_NOTICE_URLS", f"json://127.0.0.1:{server.server_port}")
            assert notices.send("Subject", "Text", QUIET) == []
            server.shutdown()
        assert [(one["title"], one["message"]) for one in asked] == [("Subject", "Text")]

    def test_mail_keeps_its_lines(self, monkeypatch):
        pytest.importorskip("apprise", reason="Apprise comes with the extra 'notices'")
        mails = []

        class Post(StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 here\r\n")
                while (line := self.rfile.readline().upper()) not in (b"", b"QUIT\r\n"):
                    self.wfile.write(b"354 go on\r\n" if line == b"DATA\r\n" else b"250 yes\r\n")
                    if line == b"DATA\r\n":
                        mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                        self.wfile.write(b"250 taken\r\n")
                self.wfile.write(b"221 bye\r\n")

        with ThreadingTCPServer(("127.0.0.1", 0), Post) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            host = f"127.0.0.1:{server.server_address[1]}"
            address = f"mailto://{host}?from=a@example.org&to=b@example.org&mode=insecure"
            monkeypatch.setenv("ROTATION_NOTICE_URLS", address)
            assert notices.send("Subject", "one\ntwo\n\nthree", QUIET) == []
            server.shutdown()
        mail = message_from_bytes(mails[0])
        parts = [part for part in mail.walk() if part.get_content_type() == "text/plain"]
        assert parts[0].get_payload(decode=True).splitlines() == [b"one", b"two", b"", b"three"]

    def test_an_address_is_never_told(self, monkeypatch):
        address = "nonsense://user:s3cr3t-t0ken@host"
        monkeypatch.setenv("ROTATION_NOTICE_URLS", f"{address} {address}2")
        (problem,) = notices.send("Subject", "Text", QUIET)
        assert problem.startswith("[ROTATION_NOTICE_URLS]") or "ROTATION_NOTICE_URLS" in problem
        assert "s3cr3t" not in problem
        assert "s3cr3t" not in config.redacted(f"could not reach {address}")

    def test_a_test_says_what_is_missing(self, monkeypatch):
        with pytest.raises(notices.NoticeError, match=r"expected notices\.command") as caught:
            notices.test(QUIET)
        assert caught.value.code == Exit.FAILED
        with pytest.raises(notices.NoticeError, match="exit code 1"):
            notices.test(config.Notices(command="false"))
        notices.test(config.Notices(command="true"))
