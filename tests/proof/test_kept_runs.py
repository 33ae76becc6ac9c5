"""After random edits, a run that takes what was kept gives what a fresh one gives.

Each round edits a clone, runs it with what was kept and then afresh, and compares every byte that
both left. What had to run again is known for each kind of edit.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.data import ROOT

NOTEBOOKS = ("06_index_levels", "08_dotcom_precedent")
ROUNDS = {"tenth": 4, "full": 24}[os.environ.get("ROTATION_PROOF", "tenth")]
RUN = """import json, sys
from rotation.run import runner
report = runner.run(out=sys.argv[1], fresh=sys.argv[2] == "fresh")
print(json.dumps([[o.name, o.kept, o.message] for o in report.outcomes]))
"""


class Clone:
    """The project with two of its notebooks, to be edited; ``undo`` makes it what it was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for room in ("helpers", "rotation", "data"):
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("*.pyc"))
        shutil.copy(ROOT / "requirements.lock", folder)
        (folder / "notebooks").mkdir()
        for name in NOTEBOOKS:
            shutil.copy(ROOT / "notebooks" / f"{name}.ipynb", folder / "notebooks")
        self.undone: list[tuple[Path, bytes]] = []
        self.edits = 0

    def run(self, how: str) -> tuple[Path, dict[str, bool]]:
        """Run both notebooks; return the report, and which of them were kept."""
        to = self.folder / f"out-{how}"
        shutil.rmtree(to, ignore_errors=True)
        places = {"ROTATION_NOTEBOOKS": "notebooks", "ROTATION_DATA": "data", "PYTHONPATH": ""}
        places = {name: str(self.folder / place) for name, place in places.items()}
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(to), how],
            env=os.environ | places,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        outcomes = json.loads(done.stdout.splitlines()[-1])
        assert [message for _, _, message in outcomes] == ["", ""]
        return to, {name: kept for name, kept, _ in outcomes}

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text("utf-8")
        assert old in text
        self.undone.append((file, file.read_bytes()))
        self.edits += 1
        file.write_text(text.replace(old, new.replace("NUMBER", str(self.edits)), 1), "utf-8")

    def append(self, path: str) -> None:
        text = (self.folder / path).read_text("utf-8")
        self.edit(path, text, f"{text}# edit NUMBER\n")

    def seal(self, table: str) -> None:
        """Record the sha256 of an edited table."""
        content = (self.folder / "data" / f"{table}.csv").read_bytes()
        file = self.folder / "data" / "datapackage.json"
        self.undone.append((file, file.read_bytes()))
        package = json.loads(file.read_text("utf-8"))
        for resource in package["resources"]:
            if resource["path"] == f"{table}.csv":
                resource["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"
                resource["bytes"] = len(content)
        file.write_text(json.dumps(package), "utf-8")

    def article_of(self, claim: str) -> str:
        for file in (self.folder / "data" / "articles").glob("*.toml"):
            if f"[claim.{claim}]" in file.read_text("utf-8"):
                return f"data/articles/{file.name}"
        raise KeyError(claim)


def a_topic(clone, rng):
    clone.append("helpers/measures/levels.py")
    return {"06_index_levels"}


def a_topic_of_neither(clone, rng):
    clone.append("helpers/measures/rates.py")
    return set()


def a_helper(clone, rng):
    clone.append("helpers/returns.py")
    return set(NOTEBOOKS)


def a_machine_part_of_no_notebook(clone, rng):
    clone.append("rotation/refresh/refresh.py")
    return set()


def a_close(clone, rng):
    file = clone.folder / "data" / "index_closes.csv"
    rows = file.read_text("utf-8").splitlines()
    row = rows[rng.randrange(5000, 8000)]
    date, small, large = row.split(",")
    clone.edit("data/index_closes.csv", row, f"{date},{small},{float(large) + 0.01:.2f}")
    clone.seal("index_closes")
    return set(NOTEBOOKS)


def a_cut(clone, rng):
    file = clone.folder / "data" / "recessions.csv"
    first = file.read_text("utf-8").splitlines()[1]
    clone.edit("data/recessions.csv", f"{first}\n", "")
    clone.seal("recessions")
    package = clone.folder / "data" / "datapackage.json"
    content = json.loads(package.read_text("utf-8"))
    for resource in content["resources"]:
        if resource["path"] == "recessions.csv":
            resource["rows"] -= 1
    package.write_text(json.dumps(content), "utf-8")
    return set()


def a_claim(clone, rng):
    claim = rng.choice(["SA-12", "SA-13"])
    path = clone.article_of(claim)
    text = (clone.folder / path).read_text("utf-8")
    start = text.index(f"[claim.{claim}]")
    head = text[start : text.index("says = ", start)]
    opening = 'says = """\n' if text.startswith('says = """', start + len(head)) else 'says = "'
    clone.edit(path, head + opening, head + opening + "NUMBER ")
    return {"08_dotcom_precedent"}


def a_cell(clone, rng):
    name = rng.choice(NOTEBOOKS)
    clone.edit(f"notebooks/{name}.ipynb", '"source": [\n    "', '"source": [\n    "NUMBER ')
    return {name}


def everything_back(clone, rng):
    for file, content in reversed(clone.undone):
        file.write_bytes(content)
    clone.undone.clear()


EDITS = (
    *(a_topic, a_topic_of_neither, a_helper, a_machine_part_of_no_notebook, a_close, a_cut),
    *(a_claim, a_cell, everything_back),
)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json" and "logs" not in path.parts
    }


def test_a_run_with_what_was_kept_is_a_fresh_one(tmp_path):
    pytest.importorskip("papermill")
    clone, rng = Clone(tmp_path / "clone"), random.Random(20260112)
    clone.run("kept")
    order = [
        edit for _ in range(ROUNDS // len(EDITS) + 1) for edit in rng.sample(EDITS, len(EDITS))
    ]
    for edit in order[:ROUNDS]:
        must_run = edit(clone, rng)
        kept_folder, kept = clone.run("kept")
        fresh_folder, again = clone.run("fresh")
        assert not any(again.values())
        ran = {name for name in NOTEBOOKS if not kept[name]}
        assert must_run in (None, ran), edit.__name__  # None: only so many runs are kept
        assert contents(kept_folder) == contents(fresh_folder), edit.__name__
