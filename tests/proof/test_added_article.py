"""Adding articles and ``make notebooks`` leaves every test passing, in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import article
from support.data import ROOT

TESTS = (
    "tests/registry",
    "tests/unit/helpers",
    "tests/end_to_end/test_committed_notebooks.py",
    "tests/end_to_end/test_reproduction.py",
)
LIMIT = 1800


full = pytest.mark.skipif(
    os.environ.get("ROTATION_PROOF") != "full", reason="runs every notebook in a copy"
)


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "copy"
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return folder


def run(copy: Path, *words: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy), "ROTATION_PROOF": "tenth"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]


@full
def test_an_article_that_somebody_adds_changes_no_test(copy):
    add(copy, sixth=article.ARTICLE, winter=article.WINTER)
    run(copy, "rotation", "notebooks")
    run(copy, "pytest", "-q", *TESTS)
    assert (copy / "notebooks" / "10_any_article-winter.ipynb").is_file()


@full
def test_an_article_of_2016_leaves_every_other_notebook_byte_for_byte_the_same(copy):
    add(copy, winter=article.WINTER)
    run(copy, "rotation", "notebooks")
    for file in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        # The scorecard alone counts the claims of all articles.
        same = (copy / "notebooks" / file.name).read_bytes() == file.read_bytes()
        assert same != file.name.startswith("00_"), file.name


def add(copy: Path, **articles: str) -> None:
    """Add articles' files by name: the guide's is of the shipped story, winter's of another."""
    for name, text in articles.items():
        (copy / "data" / "articles" / f"{name}.toml").write_text(text, encoding="utf-8")
