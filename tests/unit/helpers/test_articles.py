"""Articles' files: what is read, and what is refused at the door, by meaning and with its place."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib

import jsonschema
import pytest

from helpers import claims
from helpers.claims import ClaimError, registry, terms
from rotation import articles
from support.data import DATA, ROOT, SHIPPED, claim_rows

TOP = """title = "A made-up article"
published = 2026-02-02
story = "made-up"
"""
CLAIM = """
[claim.MB-01]
says = "The S&P 500 rose 28.9% in 2019"
kind = "value"
stated = 28.9
unit = "percent"
as_of = 2019-12-31
measure.price_return = { index = "sp_500", start = 2018-12-31 }
rule.within = 0.15
"""
OTHER = CLAIM.replace("MB-01", "MB-02")


@pytest.fixture
def write(package):
    """Write a made-up article, alone or beside the shipped ones, and read what is there."""

    def write(text: str | bytes, alone: bool = True) -> registry.Catalogue:
        for file in (package.folder / "articles").glob("*.toml") if alone else ():
            file.unlink()
        content = text if isinstance(text, bytes) else text.encode()
        (package.folder / "articles" / "made.toml").write_bytes(content)
        return registry.read(package.folder)

    return write


def changed(old: str, new: str, text: str = CLAIM) -> str:
    assert text.count(old) == 1
    return TOP + text.replace(old, new) + OTHER


# What is read


def test_a_claim_needs_no_code(write, market):
    known = write(TOP + CLAIM)
    check = claims.Registry(**vars(known), market=market).check("MB-01")
    assert check.grade == claims.grading.Grade("supported", "within tolerance")
    assert check.measured == pytest.approx(28.878, abs=5e-4)  # 2506.85 to 3230.78
    found = known.get("MB-01")
    assert (found.family, found.story, found.across) == ("any_article", "made-up", False)
    assert (found.basis, found.needs, found.tolerance) == ("open", "index_closes", "0.15")


def test_stated_figures_stay_as_printed(write):
    known = write(changed("28.9\n", "28.90\n"))
    assert known.get("MB-01").stated == "28.90"
    assert known.get("MB-01").stated_value == 28.9


def test_a_story_is_selected(write):
    known = write(TOP + CLAIM, alone=False)
    assert list(known.of_story("made-up").claims) == ["MB-01"]
    assert "MB-01" not in known.of_story("january-2026").claims
    with pytest.raises(ClaimError, match="story 'january-2025' is not known; did you mean"):
        known.of_story("january-2025")


def test_articles_come_in_order_of_publication_and_those_across_last():
    names = registry.read().articles.index
    assert [name for name in names if name in SHIPPED] == [
        *("ainvest", "sausalito", "coiled-spring", "nexymus", "historic-rally", "all")
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + (TOP + CLAIM).encode(),
        (TOP + CLAIM).replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + (TOP + CLAIM).replace("\n", "\r\n").encode(),
    ],
)
def test_files_of_windows_editors_are_read(write, content):
    assert write(content).get("MB-01") == write(TOP + CLAIM).get("MB-01")


def test_the_schema_for_editors_is_current():
    """Renew it: rotation measures --schema > data/article.schema.json."""
    written = json.loads((DATA / articles.SCHEMA).read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(articles.schema()))


def test_the_schema_accepts_every_shipped_article_and_refuses_a_slip():
    checker = jsonschema.Draft7Validator(articles.schema())
    checker.check_schema(articles.schema())
    for file in sorted((DATA / "articles").glob("*.toml")):
        held = terms.plain(tomllib.loads(file.read_text(encoding="utf-8")))
        assert not list(checker.iter_errors(held)), file
    made = terms.plain(tomllib.loads(TOP + CLAIM.replace("index = ", "indx = ")))
    assert list(checker.iter_errors(made))


# What is refused

REFUSED = [
    # days
    ("2018-12-31 }", "2203-12-31 }", 11, "start: '2203-12-31': expected a day such as"),
    ("2018-12-31 }", "2020-12-31 }", 11, "start 2020-12-31: expected a day by the claim's as_of"),
    ("2018-12-31 }", '"05/03/2024" }', 11, "start: '05/03/2024': expected a day such as"),
    ("2018-12-31 }", '"2024" }', 11, "start: '2024': expected a day such as"),
    ("2018-12-31 }", "2019-06-28, end = 2019-03-29 }", 11, "expected one by end, 2019-03-29"),
    ("as_of = 2019-12-31", 'as_of = "2019-12-31"', 10, "expected a day without quotes"),
    ("as_of = 2019-12-31", "as_of = 2203-12-31", 10, "expected a day in the years 1800 to 2199"),
    # rules and bounds
    ("rule.within = 0.15", "rule.in_range = [40, 30]", 12, "expected [low, high], two numbers"),
    ("rule.within = 0.15", 'rule.in_range = [1, "2019-01"]', 12, "expected [low, high], two"),
    ("rule.within = 0.15", "rule.within = -0.15", 12, "expected a number, 0 or more"),
    ("rule.within = 0.15", 'rule.within = "0,15"', 12, "bound '0,15': expected a number"),
    ("rule.within = 0.15", 'rule.equal = "33"', 12, "'33': expected a number without quotes"),
    ("rule.within = 0.15", "rule.withn = 0.15", 12, "rule 'withn' is not known; did you mean"),
    ("rule.within = 0.15", "rule.above = true", 12, "bound True: expected a number"),
    ("rule.within = 0.15", "rule.same_set = 3", 12, "bound 3: expected a list"),
    ("rule.within = 0.15", "rule.all_of = 3", 12, "3: expected name → rule → bound"),
    ("rule.within = 0.15", "rule.within = 1\nrule.above = 0", 12, "expected exactly one"),
    ("rule.within = 0.15\n", "", 5, "rule: missing; expected measure and rule, or untested"),
    ("rule.within = 0.15", 'untested = "because"', 12, "'because' is not known; expected one of"),
    ("rule.within = 0.15", "untested = 'no definition'", 11, "expected none beside untested"),
    # names
    ("rule.within", 'needs = ["index_close"]\nrule.within', 12, "did you mean 'index_closes'?"),
    ('"sp_500"', '"sp500"', 11, "index: 'sp500' is not known; did you mean 'sp_500'?"),
    ("price_return", "price_retrun", 11, "'price_retrun' is not known; did you mean 'price_"),
    ("start =", "strat =", 11, "no argument 'strat'; did you mean 'start'?"),
    (', start = 2018-12-31 }', " }", 11, "expected start, day"),
    ("kind =", 'family = "rate_cut_respons"\nkind =', 7, "did you mean 'rate_cut_response'?"),
    ("says =", "say =", 6, "unknown key; did you mean 'says'?"),
    ("kind = \"value\"", 'kind = "vlaue"', 7, "'vlaue' is not known; did you mean 'value'?"),
    ("unit = \"percent\"", "unit = 3", 9, "3: expected text in quotes"),
    ("says = \"The S&P 500 rose 28.9% in 2019\"\n", "", 5, "says: missing; expected the claim"),
    # stated figures
    ("stated = 28.9", 'stated = "33%"', 8, "'33%': expected a plain number without quotes"),
    ("stated = 28.9", 'stated = "2,645.36"', 8, "'2,645.36': expected a plain number"),
    ("stated = 28.9", 'stated = "33,4"', 8, "'33,4': expected a plain number"),
    ("stated = 28.9", 'stated = "−3.2"', 8, "'−3.2': expected a plain number"),
    ("stated = 28.9", 'stated = "a lot"', 8, "'a lot': expected one number, since rule is within"),
    ("stated = 28.9", "stated = 28.9%", 8, "'stated = 28.9%': expected the number alone"),
    ("stated = 28.9", "stated = 2,645.36", 8, "expected a number without commas"),
    ("stated = 28.9", "stated = −3.2", 8, "a typographic minus sign"),
    ("stated = 28.9", "stated = 28.9\nstated = 3", 9, "a key given twice"),
    # text
    ('"The S&P 500 rose 28.9% in 2019"', "“The S&P rose”", 6, "typographic quotes"),
    # other readings, own tables, other claims
    ("rule.within", 'others."x" = { luck = 1 }\nrule.within', 12, "no argument 'luck'"),
    ("rule.within", 'others."x" = { start = 2203-01-02 }\nrule.within', 12, "'2203-01-02'"),
    ("rule.within", 'others."x" = 3\nrule.within', 12, "3: expected { arguments }"),
    ("rule.within", 'own.table = "pe"\nrule.within', 12, "own.measure: missing"),
    ("rule.within", 'rests_on = ["MB-2"]\nrule.within', 12, "expected a claim such as"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "says"), REFUSED)
def test_a_slip_is_one_line_with_its_place_and_costs_one_claim(write, old, new, line, says):
    known = write(changed(old, new))
    assert set(known.refused) == {"MB-01"}
    message = str(known.refused["MB-01"])
    assert says in message
    assert message.startswith(f"articles/made.toml:{line}: MB-01: ")
    assert "\n" not in message
    assert len(message) < 600
    assert known.get("MB-02").stated == "28.9"
    with pytest.raises(ClaimError, match="MB-01"):
        known.get("MB-01")


@pytest.mark.parametrize(
    ("own", "line", "says"),
    [
        ('own = ["forward_pe"]', 10, "expected key = value"),
        ('own.table = "forward_pe"\nown.test = 1', 11, "own.test: unknown key"),
        ('own.table = "pe"\nown.measure.own_multiple = { index = "x" }', 10, "'pe' is not known"),
        ('own.table = "forward_pe"\nown.measure.x = {}', 11, "'x' is not known"),
        (
            'own.table = "forward_pe"\nown.measure.own_multiple = { index = "x" }',
            10,
            "missing; the claim itself has no rule",
        ),
    ],
)
def test_what_a_table_of_ones_own_decides(write, own, line, says):
    bare = CLAIM.split("measure.")[0] + 'untested = "licensed data"\n' + own + "\n"
    message = str(write(TOP + bare).refused["MB-01"])
    assert says in message
    assert message.startswith(f"articles/made.toml:{line + 2}: MB-01: own")


def test_a_range_of_a_whole_and_a_broken_number_is_one(write):
    assert write(changed("within = 0.15", "in_range = [2, 2.5]")).get("MB-01").bound == [2, 2.5]


def test_an_id_used_twice_is_named_and_the_first_stays(write):
    text = TOP + CLAIM + OTHER.replace("MB-02", "HR-42")
    known = write(text, alone=False)
    assert str(
        known.refused["HR-42 of made"]
    ) == "articles/made.toml:14: HR-42: id used before, in " + ("historic-rally")
    assert known.claims["HR-42"].article == "historic-rally"
    twice = write(TOP + CLAIM + CLAIM)
    assert (
        str(twice.refused["MB-01 of made"])
        == "articles/made.toml:14: MB-01: id used before, in made"
    )
    assert list(twice.claims) == ["MB-01"]


def test_a_claim_that_rests_on_none_is_named(write):
    text = TOP + CLAIM.replace("rule.", 'rests_on = ["HR-420"]\nrule.')
    known = write(text, alone=False)
    assert "rests_on: 'HR-420' is no claim; did you mean 'HR-42'?" in str(known.refused["MB-01"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (TOP.replace("published = 2026-02-02\n", "") + CLAIM, "made.toml:1: published: missing"),
        (TOP.replace("2026-02-02", '"2 February"') + CLAIM, "made.toml:2: published: '2 February'"),
        (TOP + "tittle = 1\n" + CLAIM, "made.toml:4: tittle: unknown key; did you mean 'title'?"),
        ((TOP + CLAIM).encode("utf-16"), "saved as UTF-16 or not as text; expected UTF-8"),
        ((TOP + CLAIM).replace("S&P", "S\xe9P").encode("latin-1"), "made.toml:6: not UTF-8 text"),
    ],
)
def test_an_article_that_cannot_be_read_is_one_line_and_costs_no_other(write, content, says):
    known = write(content, alone=False)
    (message,) = map(str, known.refused.values())
    assert says in message
    assert len(known.claims) == len(claim_rows())


# The shipped ones

# sha256 of what each claim of the first registry, two CSV tables, said: made from those tables.
FIRST = json.loads((ROOT / "tests/unit/helpers/first_registry.json").read_text(encoding="utf-8"))
# Claims that say something else since then, and why.
_PUBLISHED = "licensed data was the answer; published figures are at hand since November 2026"
_TWO = "judged by two providers since November 2026"
_METRIC = "judged on the articles' own metric too since November 2026"
CHANGED: dict[str, str] = (
    dict.fromkeys(
        [
            "AI-15",
            "AI-16",
            "SA-15",
            "SA-22",
            "HR-15",
            "HR-46",
            "HR-49",
            "HR-50",
            "HR-59",
            "HR-66",
            "HR-73",
            "NX-17",
            "NX-21",
            "CS-23",
            "CS-24",
        ],
        _PUBLISHED,
    )
    | dict.fromkeys(
        ["SA-09", "SA-10", "HR-21", "HR-22", "NX-07", "NX-08", "CS-06", "CS-07", "CS-15", "CS-16"],
        _TWO,
    )
    | dict.fromkeys(("SA-11", "CS-05", "NX-06"), _METRIC)
    | {
        "HR-41": "its unit is cases: five of six were read as five months",
        "NX-15": "as of the day of the article's other figures",
        "CS-04": "as of the day of its figures, not two weeks after publication",
        "HR-68": "what the article says, without this project's inference",
        "HR-69": "compared two words typed here",
        "AI-18": "could fail only if the last reading were the lowest",
    }
)
# Claims that the first registry only had in the note of another.
ADDED = {"HR-74": "the volatility in the note of HR-59"}
KEPT = (
    *("article", "family", "statement", "kind", "stated", "unit", "as_of", "tolerance"),
    *("rule", "bound", "reading"),
)


def test_the_files_say_what_the_first_registry_said():
    for row in (one for one in claim_rows() if one["claim_id"] not in ADDED):
        said = json.dumps([row[name] for name in KEPT], ensure_ascii=False)
        same = hashlib.sha256(said.encode()).hexdigest()[:12] == FIRST[row["claim_id"]]
        assert same == (row["claim_id"] not in CHANGED), row["claim_id"]
    assert {row["claim_id"] for row in claim_rows()} == {*FIRST, *ADDED}
    changed = [row for row in claim_rows() if row["claim_id"] in {**CHANGED, **ADDED}]
    assert all(row["changes"] or "November 2026" in row["note"] for row in changed)


@pytest.mark.parametrize(
    "work",
    [
        "import helpers.claims.grading",
        "from helpers.claims import registry, show; registry.read()",
        "from click.testing import CliRunner; from rotation import cli; "
        "assert CliRunner().invoke(cli.main, ['show', 'AI-02']).exit_code == 0",
    ],
)
def test_reading_and_showing_claims_loads_no_statistics(work):
    heavy = "scipy", "arch", "statsmodels", "exchange_calendars", "matplotlib", "seaborn"
    script = f"{work}; import sys; print([one for one in {heavy} if one in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout == "[]\n", done.stderr
