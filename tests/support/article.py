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

# An article of another year and story, two of its claims in families that have notebooks.
WINTER = """
title = "Small caps after the vote"
publisher = "A made-up paper"
published = 2016-12-01
story = "winter-2016"

[claim.WV-01]
family = "since_publication"
says = "The Russell 2000 ends 2017 above 1,500"
kind = "forecast"
stated = 1500
unit = "index level"
as_of = 2017-12-29
measure.index_level = { index = "russell_2000" }
rule.at_least = 1500

[claim.WV-02]
family = "january_2026"
says = "The Russell 2000 rose 11% in November 2016"
kind = "value"
stated = 11
unit = "percent"
as_of = 2016-11-30
measure.price_return = { index = "russell_2000", start = 2016-10-31, end = 2016-11-30 }
rule.within = 0.5

[claim.WV-03]
says = "Small caps led large caps in November 2016"
kind = "direction"
stated = "positive"
unit = "percentage points"
as_of = 2016-11-30
measure.lead = { start = 2016-10-31 }
rule.above = 0
"""


def keep_families(file: Path, families: set[str]) -> None:
    """Leave in an article's file the claims of some families, resting on each other alone."""
    top, *blocks = re.split(r"\n(?=\[claim\.)", file.read_text(encoding="utf-8"))
    kept = [b for b in blocks if re.search(r'^family = "(.+)"', b, re.M)[1] in families]
    ids = {re.match(r"\[claim\.(.+)\]", block)[1] for block in kept}

    def rests(line: re.Match[str]) -> str:
        others = [f'"{one}"' for one in re.findall(r'"(.+?)"', line[1]) if one in ids]
        return f"rests_on = [{', '.join(others)}]\n" if others else ""

    kept = [re.sub(r"^rests_on = (\[.+?\])\n", rests, block, flags=re.M) for block in kept]
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
