import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import psutil
import pytest
from click.testing import CliRunner

from helpers import claims, data
from helpers.errors import InputError
from rotation import cli
from rotation.report import deliver
from rotation.run import planning, pool, results, runner
from support.blocks import is_current


@pytest.fixture(scope="module")
def payloads():
    """Every check of one family, as a notebook carries them."""
    registry = claims.load(data.load())
    return [check.payload() for check in registry.rest("analog_2019")]


@pytest.fixture
def home(tmp_path, monkeypatch, payloads):
    """A clone with one committed notebook."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(folder))
    monkeypatch.setattr(planning, "require_notebooks", lambda: None)  # one is not all
    output = nbformat.v4.new_output("display_data", {claims.MIMETYPE: payloads})
    write(folder, "01_analog_2019", outputs=[output])
    return tmp_path


def write(folder, name, source="pass", outputs=()):
    new = nbformat.v4
    tags = {"tags": ["parameters"]}
    cells = [
        new.new_code_cell("n = 1", id="parameters", metadata=tags),
        new.new_code_cell(source, id="code", outputs=list(outputs)),
    ]
    nbformat.write(new.new_notebook(cells=cells), folder / f"{name}.ipynb")


def rotation(*words, columns=100):
    return CliRunner().invoke(cli.main, words, env={"COLUMNS": str(columns)})


def outcome(name, message=""):
    return pool.Outcome(name, message, 1.25, 100.0)


def test_help_and_version_name_the_commands():
    assert rotation("--version").output == "rotation, version 0.2.0\n"
    for name in ("run", "notebooks", "claims", "show", "report", "serve"):
        assert name in rotation("--help").output
        assert rotation(name, "--help").exit_code == 0


def test_the_package_is_the_command():
    for words, code in ((["--help"], 0), (["show", "AI-99"], 2)):
        commands = [sys.executable, "-m", "rotation"], [Path(sys.executable).with_name("rotation")]
        by_package, by_name = (
            subprocess.run([*command, *words], capture_output=True, text=True, check=False)
            for command in commands
        )
        assert by_package.returncode == by_name.returncode == code
        assert by_package.stdout == by_name.stdout
        assert by_package.stderr == by_name.stderr


LOADED = """import sys
from click.testing import CliRunner
from rotation import cli
assert CliRunner().invoke(cli.main, sys.argv[1:]).exit_code == 0
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("words", [("claims",), ("show", "AI-02")])
def test_to_list_and_to_show_claims_loads_no_statistics(home, words):
    asked = subprocess.run(
        [sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True
    )
    heavy = {"scipy", "statsmodels", "arch", "matplotlib", "papermill", "nbconvert"}
    assert heavy & set(asked.stdout.split()) == set()


# rotation claims


def test_claims_lists_the_committed_notebooks_if_nothing_ran(home):
    result = rotation("claims")
    assert result.exit_code == 0
    assert "AI-02  ✓ supported" in result.output
    assert result.output.endswith(f"from the notebooks in {home / 'notebooks'}\n")


@pytest.mark.parametrize("columns", [40, 79, 80, 120])
def test_no_line_of_the_table_is_wider_than_the_terminal(home, columns):
    lines = rotation("claims", columns=columns).output.splitlines()
    table = lines[: lines.index("")]
    assert len(table) == 10
    assert max(map(len, table)) <= columns
    assert ("stated" in table[0]) == (columns >= 80)


def test_claims_reads_the_last_full_run(home, payloads):
    reports = home / "reports"
    reports.mkdir()
    checks = [payloads[0] | {"notebook": "01_analog_2019"}]
    found = {"run": {"id": "0123456789ab"}, "checks": checks}
    (reports / "results.json").write_text(json.dumps(found))
    output = rotation("claims").output
    assert "1 claims: 1 supported" in output
    assert f"from run 0123456789ab in {reports / 'results.json'}" in output
    (reports / "results.json").write_text("{")
    broken = rotation("claims")
    assert broken.exit_code == 2
    assert "not the results of a run" in broken.stderr


def test_an_article_edited_since_the_run_is_named(home, payloads):
    (home / "reports").mkdir()
    for sha, told in ((results._registry_hashes(), False), ({"articles/ainvest": "0" * 64}, True)):
        checks = [one | {"notebook": "01_analog_2019"} for one in payloads]
        found = {"run": {"id": "0123456789ab", "hashes": sha}, "checks": checks}
        (home / "reports" / "results.json").write_text(json.dumps(found))
        output = " ".join(rotation("show", "AI-02").output.split())
        assert "run 0123456789ab" in output
        assert ("changed since then: articles/ainvest" in output) == told


def test_claims_can_be_filtered(home, payloads):
    assert "1 claims: 1 not testable" in rotation("claims", "--outcome", "not testable").output
    both = rotation("claims", "--family", "analog_2019", "--article", "ainvest").output
    assert f"{len(payloads)} claims" in both


@pytest.mark.parametrize("name", ["family", "article", "outcome"])
def test_an_unknown_filter_lists_the_known_ones(home, name):
    result = rotation("claims", f"--{name}", "nonsense")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"rotation: {name} 'nonsense': expected one of ")
    assert result.stderr.count("\n") == 1


# rotation show


def test_show_explains_one_claim(home, payloads):
    result = rotation("show", "ai-02", columns=90)
    assert result.exit_code == 0
    for part in (
        "AI-02  In December 2018 the S&P 500 lost 9.2%",
        "✓ The claim is supported: within tolerance.",
        "New Era?, AInvest, 2026-01-12",
        "stated       −9.2 percent",
        "measured     −9.178 percent",
        "judged by    within 0.15, read as a fact",
        "notebook     01_analog_2019",
    ):
        assert " ".join(part.split()) in " ".join(result.output.split())
    assert max(map(len, result.output.split("\n\nfrom")[0].splitlines())) <= 90


@pytest.mark.parametrize(
    ("claim_id", "line"),
    [
        ("AI-99", "rotation: claim 'AI-99' is in no article; expected one of AI-01 to"),
        ("HR-42", "rotation: claim HR-42: no notebook checks it yet"),
    ],
)
def test_show_refuses_what_it_cannot_explain(home, claim_id, line):
    result = rotation("show", claim_id)
    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


# rotation run and rotation notebooks: what they say and return


def test_a_mistake_is_one_line_and_exit_code_2(home):
    for words in (
        ("run", "07"),
        ("run", "-p", "m=1"),
        ("run", "-p", "n=x"),
        ("run", "-p", "n"),
        ("run", "--out", __file__),
        ("run", "--out", ""),
        ("notebooks", "07"),
    ):
        result = rotation(*words)
        assert result.exit_code == 2, words
        assert result.stderr.startswith("rotation: ")
        assert result.stderr.count("\n") == 1
    assert rotation("run", "--jobs", "0").exit_code == 2
    assert rotation("run", "--timeout", "0").exit_code == 2


def test_run_passes_its_options_on_and_says_where_the_report_is(home, monkeypatch, payloads):
    asked = []

    def run(names, settings, out, jobs, timeout, done, fresh):
        asked.extend((names, settings, out, jobs, timeout, fresh))
        done(outcome("01_analog_2019"))
        return runner.Report(home / "out", home / "failed", {"checks": payloads}, [])

    monkeypatch.setattr(runner, "run", run)
    options = ("--out", "out", "--jobs", "3", "--timeout", "60", "--fresh")
    result = rotation("run", "01", "-p", "a=1", "-p", "b=2", *options)
    assert result.exit_code == 0
    assert asked == [("01",), ("a=1", "b=2"), "out", 3, 60.0, True]
    assert result.stderr == "01_analog_2019: done in 1.2 s\n"
    assert result.stdout.startswith("9 claims: 8 supported, 1 not testable\n")
    assert result.stdout.endswith(f"{home / 'out' / 'index.html'}\n")


@pytest.mark.parametrize("command", ["run", "notebooks"])
def test_a_failed_notebook_is_named_and_gives_exit_code_1(home, monkeypatch, command):
    failed = [outcome("01_analog_2019"), outcome("02_bad", "InputError: n = 0: expected 1")]
    report = runner.Report(None, home / "failed", {"checks": []}, failed)
    monkeypatch.setattr(runner, "run", lambda *_, **__: report)
    monkeypatch.setattr(runner, "rewrite", lambda *_: report)
    (home / "README.md").write_text("untouched")
    result = rotation(command)
    assert result.exit_code == 1
    assert result.stderr == "rotation: 02_bad failed: InputError: n = 0: expected 1\n"
    assert (home / "README.md").read_text() == "untouched"


@pytest.mark.parametrize(("error", "code"), [(InputError("no"), 2), (KeyboardInterrupt(), 130)])
def test_what_ends_a_run_early_leaves_no_traceback(home, monkeypatch, error, code):
    def run(*_, **__):
        raise error

    monkeypatch.setattr(runner, "run", run)
    result = rotation("run")
    assert result.exit_code == code
    assert result.stderr == ("rotation: no\n" if code == 2 else "")


def test_notebooks_brings_the_scorecard_up_to_date(home, monkeypatch, payloads):
    report = runner.Report(home / "notebooks", home / "failed", {"checks": payloads}, [])
    monkeypatch.setattr(runner, "rewrite", lambda *_: report)
    readme = home / "README.md"
    assert rotation("notebooks").exit_code == 0
    marks = [f"<!-- {name}:{end} -->" for name in ("found", "counts") for end in ("begin", "end")]
    readme.write_text("\n".join(marks))
    assert rotation("notebooks").exit_code == 0
    assert is_current(home, results.committed_results())
    readme.write_text("no marks")
    result = rotation("notebooks")
    assert result.exit_code == 2
    assert "expected a line <!-- counts:begin -->" in result.stderr


# Without stand-ins


def test_a_run_with_a_failure_is_told_as_it_was(home):
    refuse = "from helpers.errors import InputError\nraise InputError('n = 5: expected 2')"
    write(home / "notebooks", "02_fine", "n + 1")
    write(home / "notebooks", "03_bad", refuse)
    result = rotation("run", "02", "03", "-p", "n=5")
    assert result.exit_code == 1
    *progress, last = result.stderr.splitlines()
    kept = home / "reports" / "failed" / "03_bad.ipynb"
    assert last == f"rotation: 03_bad failed: InputError: n = 5: expected 2 (see {kept})"
    said = sorted(line.split(" in ")[0] for line in progress)
    assert said == ["02_fine: done", "03_bad: failed"]
    index = Path(result.stdout.splitlines()[-1])
    assert index.name == "index.html"
    assert "n = 5" in index.with_name("02_fine.html").read_text("utf-8")


def test_a_request_to_terminate_ends_a_run_as_an_exit():
    with pytest.raises(SystemExit) as ended, cli._progress(1):
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_an_interrupted_run_leaves_no_process_and_no_report(home):
    note = home / "pid"
    write(
        home / "notebooks",
        "02_sleeps",
        f"import os, pathlib, time\nnote = pathlib.Path({str(note)!r})\n"
        "note.with_suffix('.new').write_text(f'{os.getpid()} {os.getppid()}')\n"
        "note.with_suffix('.new').rename(note)\ntime.sleep(600)",
    )
    command = subprocess.Popen(
        [Path(sys.executable).with_name("rotation"), "run", "02"],
        env=os.environ | {"ROTATION_NOTEBOOKS": str(home / "notebooks")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    limit = time.monotonic() + 60
    while not note.exists() and time.monotonic() < limit and command.poll() is None:
        time.sleep(0.05)
    kernel, worker = (psutil.Process(int(pid)) for pid in note.read_text().split())
    command.send_signal(signal.SIGINT)
    assert command.communicate(timeout=30) == ("", "")
    assert command.returncode == 130
    assert psutil.wait_procs([kernel, worker], timeout=5)[1] == []
    assert not (home / "reports").exists()


# rotation report, rotation serve


@pytest.fixture
def made(home):
    """A report of one page, in the place of the full one."""
    folder = home / "reports"
    folder.mkdir()
    page = "<title>A</title><style>p {}</style><body><p>A report</p></body>"
    (folder / "index.html").write_text(page)
    return folder


@pytest.mark.parametrize("words", [("report",), ("report", "--pdf"), ("serve",)])
def test_without_a_report_one_line_says_how_to_make_one(home, words):
    result = rotation(*words)
    assert result.exit_code == 2
    line = f"rotation: {home / 'reports'}: no report there; make one with rotation run\n"
    assert result.stderr == line


def test_report_says_where_it_lies(made):
    result = rotation("report")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == str(made / "index.html")
    assert rotation("report", "--folder", str(made)).stdout == result.stdout


def test_report_names_each_pdf(made, monkeypatch):
    monkeypatch.setattr(deliver, "_print", lambda _command, _source, to, _profile: to.touch())
    monkeypatch.setattr(deliver, "browser", lambda: "chromium")
    assert rotation("report", "--pdf").stdout == f"{made / 'report.pdf'}\n"
    assert (made / "report.pdf").exists()


def test_a_paper_is_for_print(made):
    result = rotation("report", "--paper", "Letter")
    assert result.exit_code == 2
    assert "--paper: expected --pdf beside it" in result.stderr
    assert "'A5' is not one of 'A4', 'Letter'" in rotation("report", "--paper", "A5").stderr


def test_report_says_how_to_get_a_browser(made, monkeypatch):
    monkeypatch.setattr(deliver, "BROWSERS", ("no-such-browser",))
    result = rotation("report", "--pdf")
    assert result.exit_code == 2
    assert result.stderr.startswith("rotation: no Chromium found to print with; install it")
    assert len(result.stderr.splitlines()) == 1


def test_serve_says_where_and_ends_quietly_on_ctrl_c(made):
    code = "import sys; from rotation.cli import main; main(sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", code, "serve", "--port", "0", "--folder", str(made)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        address = process.stdout.readline().split()[0]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with plain.open(address) as answer:
            assert answer.read() == (made / "index.html").read_bytes()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_one_line(made):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = rotation("serve", "--port", str(port))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"rotation: port {port}: cannot be used")
    assert len(result.stderr.splitlines()) == 1
