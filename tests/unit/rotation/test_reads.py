import os
import subprocess
import sys

import pytest

from rotation.run import reads

START = """import os, sys
from helpers import claims, data
from rotation.run import reads
reads.listen()
market = data.load()
registry = claims.load(market)
"""


@pytest.fixture
def read(tmp_path):
    """What a process reads that loads everything and then does this."""

    def read(source):
        file = tmp_path / "reads"
        file.unlink(missing_ok=True)
        environment = os.environ | {reads.FILE: str(file), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", START + source]
        subprocess.run(command, env=environment, check=True, cwd=tmp_path)
        return reads.read(file)

    return read


def test_loading_everything_reads_nothing(read):
    assert read("registry = registry.of_story('january-2026')") == []


def test_a_day_of_the_market_is_no_close(read):
    assert read("market.last, market.until('2020-01-01').first") == ["sessions:all"]


def test_each_table_is_told_once(read):
    source = "known = market.until('2020-01-01')\nknown.closes, known.closes, market.target"
    assert read(source) == ["table:fed_target_changes", "table:index_closes"]
    assert read("market.but(closes=0).target_checked") == ["table:fed_target_changes"]


def test_what_may_be_anything_is_everything(read):
    assert read("market.more") == read("market.coverage") == ["tables:all"]
    assert read("registry.claims") == ["claims:all"]
    assert read("registry.articles") == ["articles:all"]


def test_a_claim_is_told_with_what_it_is_measured_by(read):
    found = read("registry.check('AI-02')")
    assert "claim:AI-02" in found
    assert "table:index_closes" in found
    [topic] = [name for name in found if name.startswith("topic:")]
    assert "claims:all" not in found
    assert read("registry.family('analog_2019')") == ["family:analog_2019"]
    assert topic.removeprefix("topic:") in {"periods", "after", "levels"}


def test_a_measure_by_its_own_name_is_told(read):
    source = "from helpers import measures\nmeasures.streak"
    assert read(source) == ["topic:streaks"]


def test_files_that_a_notebook_opens_are_told(read, tmp_path):
    (tmp_path / "mine.csv").write_text("a\n1\n")
    (tmp_path / "mine.py").write_text("A = 1")
    source = (
        "import pandas as pd, pathlib, sys\npd.read_csv('mine.csv')\n"
        "sys.path.insert(0, '')\nimport mine\n"
        "sys.modules.pop('mine'); import mine\n"  # compiled by now
        "pathlib.Path('written.txt').write_text('x')\nopen('/etc/hostname').close()\n"
    )
    assert read(source) == [f"file:{tmp_path / 'mine.csv'}", f"file:{tmp_path / 'mine.py'}"]


def test_a_table_read_by_hand_is_a_file(read):
    found = read("(data.folder() / 'index_closes.csv').read_text()")
    assert found == [f"file:{data_folder() / 'index_closes.csv'}"]


def data_folder():
    from helpers import data

    return data.folder()


def test_nothing_written_down_is_not_nothing_read(tmp_path):
    assert reads.read(tmp_path / "none") is None
    (tmp_path / "some").write_text("file:/no/such/file\ntable:index_closes\n")
    assert reads.read(tmp_path / "some") == ["table:index_closes"]
