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


@pytest.mark.skipif(os.environ.get("ROTATION_PROOF") != "full", reason="takes ten minutes")
def test_an_article_that_somebody_adds_changes_no_test(tmp_path):
    copy = tmp_path / "copy"
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    add(copy)
    environment = os.environ | {"PYTHONPATH": str(copy), "ROTATION_PROOF": "tenth"}
    for words in (("-m", "rotation", "notebooks"), ("-m", "pytest", "-q", *TESTS)):
        ran = subprocess.run(
            [sys.executable, *words],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert (copy / "notebooks" / "10_any_article-winter.ipynb").is_file()


def add(copy: Path) -> None:
    """Add the guide's article, of the shipped story, and one of another story."""
    articles = copy / "data" / "articles"
    (articles / "sixth.toml").write_text(article.ARTICLE, encoding="utf-8")
    (articles / "winter.toml").write_text(article.WINTER, encoding="utf-8")
