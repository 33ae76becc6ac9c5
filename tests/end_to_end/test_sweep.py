"""A grid of parameters: every number in one table, on this machine and on a small cluster."""

import json
import os
import signal
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner

from helpers import multiverse
from helpers.errors import InputError
from rotation import cli
from rotation.run import planning, sweep, values

pytest.importorskip("pyarrow")

PARAMETERS = 'min_length = 12\nseed = 0\nhorizons = "21,63"\nwindow_from = "last win"\n'
ANSWER = """
import pandas as pd
from helpers import notebook

if seed == 13:
    raise ValueError("unlucky")
mean = 2.0 * min_length + seed
rows = {"min_length": [1, min_length], "sessions": [21, 21], "mean": [0.0, mean]}
table = pd.DataFrame(rows | {"low": [0.0, mean - 1], "high": [0.0, mean + 1], "n": [9, 4]})
notebook.table(table.set_index("min_length"))
"""
SLOW = "import time\ntime.sleep(4)"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    path = tmp_path / "notebooks"
    path.mkdir()
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(path))
    return path


def write(folder, *cells):
    new = nbformat.v4
    made = [new.new_code_cell(PARAMETERS, id="parameters", metadata={"tags": ["parameters"]})]
    made += [new.new_code_cell(source, id=f"c{n}") for n, source in enumerate(cells)]
    nbformat.write(new.new_notebook(cells=made), folder / "04_toy.ipynb")


def test_a_grid_is_every_combination_each_within_its_range(folder):
    write(folder, ANSWER)
    points = sweep.grid("04", ["min_length=5..9..2", "window_from=last win,first loss"])
    assert [tuple(point.parameters.values()) for point in points] == [
        (length, start) for length in (5, 7, 9) for start in ("last win", "first loss")
    ]
    assert len({point.key for point in points}) == 6
    (point,) = sweep.grid("04", ["horizons=21,63"])
    assert point.parameters == {"horizons": "21,63"}
    lists = sweep.grid("04", ["horizons=21,63|126"])
    assert [point.parameters["horizons"] for point in lists] == ["21,63", "126"]


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (["min_length"], "expected name=value,value or name=1..9"),
        (["min_length=5,5"], "expected different values"),
        (["min_length=9..5"], "expected different values, at least one"),
        (["min_length=5", "min_length=6"], "min_length is given twice"),
        (["min_length=5..99"], "min_length = 61: expected a whole number from 1 to 60"),
        (["min_lenght=5"], "did you mean min_length"),
        (["seed=1..400", "min_length=1..60", "horizons=1..9"], "216,000 runs: expected at most"),
    ],
)
def test_a_bad_grid_is_one_line_before_anything_runs(folder, over, message):
    write(folder, ANSWER)
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        sweep.grid("04", over)


def test_a_sample_is_drawn_from_a_larger_grid_and_always_the_same(folder):
    write(folder, ANSWER)
    over = ["seed=1..400", "min_length=1..60", "horizons=1..9"]
    one, other = (sweep.grid("04", over, sample=5, seed=3) for _ in range(2))
    assert [p.key for p in one] == [p.key for p in other]
    assert len({p.key for p in one}) == 5
    assert {p.key for p in sweep.grid("04", over, sample=5, seed=4)} != {p.key for p in one}


@pytest.fixture
def swept(folder, tmp_path):
    write(folder, ANSWER)
    points = sweep.grid("04", ["min_length=5,8", "seed=0,10,13"])
    seen = []
    found = sweep.run(points, tmp_path / "out", jobs=2, done=lambda one: seen.append(one.name))
    return points, found, seen


def test_every_number_is_in_one_table_with_its_parameters(swept):
    points, found, _ = swept
    table = pd.read_parquet(found.folder / sweep.TABLE)
    own = table[(table["column"] == "mean") & (table["min_length"] == 8) & (table["seed"] == 10)]
    assert own.set_index("row")["value"].to_dict() == {"1": 0.0, "8": 26.0}
    answers = found.answers.set_index(["min_length", "seed"])
    for length in (5, 8):
        for seed in (0, 10):
            mean = 2.0 * length + seed
            row = answers.loc[(length, seed), ["estimate", "low", "high", "n"]]
            assert row.tolist() == [mean, mean - 1, mean + 1, 4]
    assert set(found.failures.values()) == {"ValueError: unlucky"}
    assert len(found.failures) == 2
    page = (found.folder / "index.html").read_text()
    assert "2 of 6 runs failed" in page
    assert "ValueError: unlucky" in page
    assert len(points) == 6


def test_a_sweep_goes_on_where_it_was_and_tries_failures_again(swept, tmp_path):
    points, found, seen = swept
    assert len(seen) == 6
    (tmp_path / "out" / "points" / f"{points[1].key}.json").unlink()
    failed = [point.notebook.name for point in points if point.key in found.failures]
    again = []
    found = sweep.run(points, tmp_path / "out", done=lambda one: again.append(one.name))
    assert sorted(again) == sorted([points[1].notebook.name, *failed])
    assert len(found.answers) == 4


def test_numbers_of_other_code_or_data_are_not_taken_over(folder, swept, tmp_path):
    points, _, _ = swept
    write(folder, ANSWER.replace("2.0 *", "3.0 *"))
    points = sweep.grid("04", ["min_length=5,8", "seed=0"])
    found = sweep.run(points, tmp_path / "out", jobs=2)
    assert found.answers["estimate"].tolist() == [15.0, 24.0]
    asked = json.loads((tmp_path / "out" / sweep.ASKED).read_text())
    assert asked["fixed"]["horizons"] == "21,63"


def test_what_moves_the_answer_agrees_with_a_hand_calculation():
    answers = pd.DataFrame({"a": [1, 1, 2, 2], "b": [0, 1, 0, 1], "estimate": [0.0, 1, 10, 11]})
    moved = multiverse.movers(answers, {"b": "b", "a": "a"})
    assert moved.index.tolist() == ["a", "b"]
    assert moved["spread"].tolist() == [10, 1]
    assert moved["explained"].tolist() == pytest.approx([100 / 101, 1 / 101])
    assert moved.loc["a", ["lowest", "highest"]].tolist() == [1, 2]


def test_the_answer_is_that_of_the_parameters_row():
    text = "min_length,sessions,mean,low,high,n\n8,21,1,0,2,9\n8,252,3,2,4,9\n12,252,5,,,1\n"
    cell = {"id": "c", "outputs": [{"data": {"text/csv": text}}]}
    nb = {"cells": [{"id": "a", "outputs": [{"data": {"text/csv": "x,y\n1,2\n"}}]}, cell]}
    assert values.answer(nb, {"min_length": 8}) == {
        "estimate": 3, "low": 2, "high": 4, "n": 9, "answers": "c",
    }  # fmt: skip
    assert values.answer(nb, {"min_length": 12})["low"] is None
    assert values.answer(nb, {}, "other")["answers"] is None
    assert [row["row"] for row in values.rows({"cells": [cell]})][:2] == ["8; sessions 21"] * 2


def test_a_folder_of_the_users_is_refused(folder, tmp_path):
    write(folder, ANSWER)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    command = ["sweep", "04", "--over", "min_length=5", "--out", str(tmp_path / "mine")]
    result = CliRunner().invoke(cli.main, command)
    assert result.exit_code == 2
    assert "thesis.txt there is not a sweep's" in result.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


# On a cluster


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as made:
        yield made


def test_a_cluster_gives_the_same_though_a_worker_is_killed(folder, tmp_path, cluster):
    write(folder, ANSWER, SLOW)
    points = sweep.grid("04", ["min_length=5..8"])
    pids = [worker.process.process.pid for worker in cluster.workers.values()]
    killed = []

    def done(_):
        if not killed:
            killed.append(pids[0])
            os.kill(pids[0], signal.SIGKILL)
            time.sleep(0.1)

    address = cluster.scheduler_address
    found = sweep.run(points, tmp_path / "far", scheduler=address, done=done)
    assert killed
    assert found.failures == {}
    here = sweep.run(points, tmp_path / "near", jobs=2)
    one, other = (
        pd.read_parquet(Path(each.folder) / sweep.TABLE).sort_values(
            ["min_length", "row", "column"]
        )
        for each in (found, here)
    )
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


def test_a_worker_with_other_code_is_refused(folder, cluster):
    write(folder, ANSWER)
    (point,) = sweep.grid("04", ["min_length=5"])
    told = json.loads(sweep._sent(point, planning.run_id([planning.read(folder / "04_toy.ipynb")])))
    ended = sweep.remote(json.dumps(told | {"identity": "0" * 12}), 60)
    assert ended["message"].startswith("this worker has other code or data")


def test_no_scheduler_is_one_line(folder, tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(sweep, "REACHED", 1)
    write(folder, ANSWER)
    points = sweep.grid("04", ["min_length=5"])
    with pytest.raises(InputError, match="no scheduler answers") as error:
        sweep.run(points, tmp_path / "out", scheduler="tcp://127.0.0.1:1")
    assert len(str(error.value).splitlines()) == 1
