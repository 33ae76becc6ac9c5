"""The made-up article of docs/adding-an-article.md, and a clone of the project to add it to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.data import ROOT, Package, claim_rows, copy_notebook

GUIDE = (ROOT / "docs" / "adding-an-article.md").read_text(encoding="utf-8")
ARTICLE = re.findall(r"```toml\n(.+?)```", GUIDE, flags=re.DOTALL)[0]
TOP, *BLOCKS = re.split(r"\n(?=\[claim\.)", ARTICLE)
CLAIMS = dict(zip(re.findall(r"\[claim\.(\S+)\]", ARTICLE), BLOCKS, strict=True))
NOTEBOOKS = ("02_rate_cut_response", "04_post_streak_outcomes")


def keep_families(file: Path, families: set[str]) -> None:
    """Leave in an article's file the claims of some families alone."""
    top, *blocks = re.split(r"\n(?=\[claim\.)", file.read_text(encoding="utf-8"))
    kept = [b for b in blocks if re.search(r'^family = "(.+)"', b, re.M)[1] in families]
    file.write_text("\n".join([top, *kept]), encoding="utf-8")


class Clone:
    """Notebooks and a copy of the data with the claims of their families alone."""

    def __init__(
        self, folder: Path, patch: pytest.MonkeyPatch, names: tuple[str, ...] = NOTEBOOKS
    ) -> None:
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        for name in names:
            copy_notebook(name, self.notebooks)
        self.package = Package(folder)
        self.articles = self.package.folder / "articles"
        families = {name[3:] for name in names}
        for file in self.articles.glob("*.toml"):
            keep_families(file, families)
        self.known = {row["claim_id"] for row in claim_rows() if row["family"] in families}
        patch.setenv("ROTATION_NOTEBOOKS", str(self.notebooks))
        patch.setenv("ROTATION_DATA", str(self.package.folder))

    def add(self, text: str = ARTICLE) -> None:
        (self.articles / "sixth.toml").write_text(text, encoding="utf-8")
