"""The made-up article of docs/adding-an-article.md, and a clone of the project to add it to."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from support.data import DATA, ROOT, Package, copy_notebook, raw

GUIDE = (ROOT / "docs" / "adding-an-article.md").read_text(encoding="utf-8")
ARTICLE, CLAIMS = re.findall(r"```csv\n(.+?)```", GUIDE, flags=re.DOTALL)
ROWS = list(csv.DictReader(io.StringIO(CLAIMS)))
NOTEBOOKS = ("02_rate_cut_response", "04_post_streak_outcomes")


def below_header(text: str) -> bytes:
    return text.split("\n", 1)[1].encode()


def rows_as_text(rows: Iterable[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    csv.DictWriter(text, fieldnames=ROWS[0], lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


class Clone:
    """Notebooks and a copy of the tables with the claims of their families alone."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, names: tuple[str, ...] = NOTEBOOKS
    ) -> None:
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        for name in names:
            copy_notebook(name, self.notebooks)
        self.package = Package(folder)
        families = {name[3:] for name in names}
        known = [row for row in raw("claims") if row["family"] in families]
        header = (DATA / "claims.csv").read_bytes().split(b"\n", 1)[0] + b"\n"
        self.package.edit("claims", lambda _: header + rows_as_text(known))
        self.known = {row["claim_id"] for row in known}
        patch.setenv("ROTATION_NOTEBOOKS", str(self.notebooks))
        patch.setenv("ROTATION_DATA", str(self.package.folder))

    def add(self, article: str, rows: bytes) -> None:
        self.package.edit("articles", lambda content: content + below_header(article))
        self.package.edit("claims", lambda content: content + rows)
