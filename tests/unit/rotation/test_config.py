import os

import pytest

from helpers.errors import InputError
from rotation.unattended import config


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config.toml"


def refused(file, text):
    """The one line that a configuration is refused with, without the file's path."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        config.load(file)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{file}: ")
    return line.removeprefix(f"{file}: ")


def test_every_setting_can_be_set(file):
    file.write_text(
        '[refresh]\nenabled = false\noff = ["size"]\nsecond_closes = "~/closes"\n'
        "tolerance = { closes = 0.05 }\nlate_after = 4\n"
        'accept_revisions = ["index_closes:2026-06-10"]\n'
        'accept_closures = ["2026-10-29"]\naccept_moves = ["2026-10-30"]\n'
        '[run]\njobs = 2\nnotebook_time_limit = 60\nretries = 0\ntables = "~/mine"\n'
        "[schedule]\nmax_time = 90.5\nkeep_runs = 5\nkeep_vintages = 6\n"
        '[notices]\non = ["failed"]\ncommand = "mail me"\n'
        '[log]\nlevel = "debug"\nkeep = 7\n'
    )
    assert config.load(file) == config.Config(
        config.Refresh(
            False,
            ("size",),
            "~/closes",
            {"closes": 0.05},
            4,
            ("index_closes:2026-06-10",),
            ("2026-10-29",),
            ("2026-10-30",),
        ),
        config.Run(2, 60, 0, "~/mine"),
        config.Schedule(90.5, 5, 6),
        config.Notices(("failed",), "mail me"),
        config.Log("debug", 7),
    )


def test_what_is_left_out_has_its_default(file):
    file.write_text("[run]\njobs = 2\n")
    assert config.load(file) == config.Config(run=config.Run(jobs=2))


def test_defaults_fit_their_own_rules():
    for section in config.dataclasses.fields(config.Config):
        for one in config.dataclasses.fields(section.default):
            assert one.metadata["fits"](getattr(section.default, one.name)), one.name


def test_the_file_is_that_named_else_of_the_environment_else_of_the_user(
    file, tmp_path, monkeypatch
):
    monkeypatch.setattr(config, "default_path", lambda: tmp_path / "none.toml")
    monkeypatch.delenv("ROTATION_CONFIG", raising=False)
    assert config.load() == config.Config()
    file.write_text("[run]\njobs = 2\n")
    monkeypatch.setenv("ROTATION_CONFIG", str(file))
    assert config.load().run.jobs == 2
    other = tmp_path / "other.toml"
    other.write_text("[run]\njobs = 3\n")
    assert config.load(other).run.jobs == 3
    with pytest.raises(InputError, match=r"gone\.toml: no such file; expected the configuration"):
        config.load(tmp_path / "gone.toml")
    monkeypatch.setenv("ROTATION_CONFIG", str(tmp_path / "gone.toml"))
    with pytest.raises(InputError, match=r"gone\.toml: no such file"):
        config.load()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[schedul]\n",
            "unknown section 'schedul': did you mean 'schedule'? "
            "expected one of refresh, run, schedule, notices, log",
        ),
        (
            "[run]\njob = 2\n",
            "unknown key 'run.job': did you mean 'run.jobs'? "
            "expected one of jobs, notebook_time_limit, retries, tables",
        ),
        (
            "[log]\ncolour = 2\n",
            "unknown key 'log.colour': expected one of level, keep",
        ),
        ("run = 2\n", "run = 2: expected a section [run]"),
        ("[run]\njobs = -1\n", "run.jobs = -1: expected a whole number from 0"),
        ("[run]\njobs = true\n", "run.jobs = True: expected a whole number from 0"),
        ("[run]\njobs = 1.0\n", "run.jobs = 1.0: expected a whole number from 0"),
        ("[run]\njobs = '2'\n", "run.jobs = '2': expected a whole number from 0"),
        ("[run]\ntables = 2\n", "run.tables = 2: expected the path of a folder"),
        ("[schedule]\nkeep_runs = 1\n", "schedule.keep_runs = 1: expected a whole number from 2"),
        (
            "[schedule]\nmax_time = 0\n",
            "schedule.max_time = 0: expected a number of seconds above 0",
        ),
        (
            "[schedule]\nmax_time = nan\n",
            "schedule.max_time = nan: expected a number of seconds above 0",
        ),
        (
            "[schedule]\nmax_time = inf\n",
            "schedule.max_time = inf: expected a number of seconds above 0",
        ),
        ("[refresh]\nenabled = 1\n", "refresh.enabled = 1: expected true or false"),
        (
            "[refresh]\naccept_closures = ['20261029']\n",
            "refresh.accept_closures = ['20261029']: "
            'expected a list of ISO dates such as ["2026-10-29"]',
        ),
        (
            "[refresh]\naccept_closures = '2026-10-29'\n",
            "refresh.accept_closures = '2026-10-29': "
            'expected a list of ISO dates such as ["2026-10-29"]',
        ),
        (
            "[log]\nlevel = 'loud'\n",
            "log.level = 'loud': expected one of debug, info, warning, error",
        ),
        ("[log]\nlevel = []\n", "log.level = []: expected one of debug, info, warning, error"),
        (
            "[refresh]\napi_key = 'x'\n",
            "key 'refresh.api_key': expected secrets in the environment only",
        ),
    ],
)
def test_what_is_no_setting_is_named_with_what_was_expected(file, text, line):
    assert refused(file, text) == line


def test_a_secret_that_was_put_in_the_file_is_not_repeated(file):
    assert "hunter2" not in refused(file, "[run]\npassword = 'hunter2'\n")


def test_what_is_no_toml_is_told_with_its_line(file):
    assert refused(file, "[run\n").startswith("not TOML: ")
    assert "line 2" in refused(file, "[run]\njobs = \n")
    file.write_bytes(b"[run]\n# \xff\n")
    with pytest.raises(InputError, match="not UTF-8 text at byte 8"):
        config.load(file)
    with pytest.raises(InputError, match="cannot be read"):
        config.load(file.parent)


# Secrets


def test_secrets_are_blotted_out(monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", "s3cr3t-value")
    monkeypatch.setenv("SHORT_TOKEN", "a")
    text = "asked https://me:pw@host.example/x?key=s3cr3t-value and got a page"
    assert (
        config.redacted(text)
        == "asked https://[user]@host.example/x?key=[FRED_API_KEY] and got a page"
    )


@pytest.mark.parametrize(
    "name", ["A_TOKEN", "my_password", "DB_PASSWD", "APIKEY", "aws_access_key"]
)
def test_what_a_secret_is_called(monkeypatch, name):
    monkeypatch.setenv(name, "s3cr3t")
    assert config.secrets()[name] == "s3cr3t"


def test_secrets_are_hidden_and_come_back(monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", "s3cr3t")
    path = os.environ["PATH"]

    def look():
        with config.hidden_secrets():
            assert "FRED_API_KEY" not in os.environ
            assert os.environ["PATH"] == path
            assert config.redacted("a s3cr3t") == "a [FRED_API_KEY]"
            raise KeyError

    with pytest.raises(KeyError):
        look()
    assert os.environ["FRED_API_KEY"] == "s3cr3t"
