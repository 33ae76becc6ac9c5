"""What is generated in README.md and docs/scorecard.md."""

import re

import pytest

from helpers.errors import InputError
from rotation.report import markdown
from support.blocks import is_current
from support.pages import HOSTILE, check


@pytest.fixture
def checks():
    return [
        check("AI-01", notebook="01_other", family="other", article="all"),
        check("HR-42"),
        check("HR-43", statement=HOSTILE, outcome="contradicted"),
    ]


@pytest.fixture
def home(tmp_path):
    (tmp_path / "docs").mkdir()
    for path, blocks in markdown.BLOCKS.items():
        marks = "between\n".join(f"<!-- {b}:begin -->\nold\n<!-- {b}:end -->\n" for b in blocks)
        (tmp_path / path).write_text(f"# Title\n\n{marks}\nThe rest | stays.\n")
    return tmp_path


def test_every_claim_has_its_row_in_the_table_of_its_family(checks):
    lines = markdown.rows(checks).splitlines()
    assert lines[0] == "**3 claims: 2 supported, 1 contradicted.**"
    assert [line for line in lines if line.startswith("#")] == [
        "### [Other](../notebooks/01_other.ipynb)",
        "### [Some family](../notebooks/04_some_family.ipynb)",
    ]
    head = "| claim | what the article said | stated | measured | verdict |"
    assert lines.count(head) == 2
    row = "| HR-42 | Small caps rose | 12.5 percent | 11 percent | ✓ supported: within tolerance |"
    assert row in lines


def test_claims_are_counted_by_article(checks):
    assert markdown.counts(checks).splitlines()[2:] == [
        "| article | ✓ supported | ✗ contradicted | claims |",
        "|---|--:|--:|--:|",
        "| between articles | 1 | 0 | 1 |",
        "| paper | 1 | 1 | 2 |",
    ]


def test_a_row_keeps_its_columns_whatever_the_text(checks):
    (hostile,) = (line for line in markdown.rows(checks).splitlines() if "HR-43" in line)
    assert len(re.findall(r"(?<!\\)\|", hostile)) == 6
    assert "<" not in hostile
    assert r"a\*b c & \`d\`" in hostile
    assert markdown.escaped("a\nb &lt; c") == "a b &amp;lt; c"


def test_only_what_stands_between_the_marks_is_replaced(home, checks):
    assert not is_current(home, checks)
    markdown.update(home, checks)
    assert is_current(home, checks)
    assert not is_current(home, checks[1:])
    texts = {path: (home / path).read_text("utf-8") for path in markdown.BLOCKS}
    for text in texts.values():
        assert text.startswith("# Title\n\n<!-- ")
        assert text.endswith(":end -->\n\nThe rest | stays.\n")
        assert "old" not in text
    assert "between" in texts["README.md"]
    markdown.update(home, checks)
    assert {path: (home / path).read_text("utf-8") for path in markdown.BLOCKS} == texts


@pytest.mark.parametrize("path", markdown.BLOCKS)
@pytest.mark.parametrize("lost", ["begin", "end"])
def test_a_file_without_its_marks_is_refused(home, path, lost):
    name = next(iter(markdown.BLOCKS[path]))
    text = (home / path).read_text("utf-8").replace(f"<!-- {name}:{lost} -->", "")
    (home / path).write_text(text)
    with pytest.raises(InputError, match=rf"{path}: expected a line <!-- {name}:begin -->"):
        markdown.update(home, [])
    assert (home / path).read_text("utf-8") == text
