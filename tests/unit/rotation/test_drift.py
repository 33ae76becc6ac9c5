"""Comparisons of results written by hand: every expected number stands here."""

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import claims, data, vintages
from helpers.claims import grading
from helpers.errors import InputError
from rotation.report import cells
from rotation.unattended import drift


def check(claim_id, measured, outcome="supported", **other):
    made = {
        "claim_id": claim_id,
        "statement": f"What {claim_id} says",
        "measured": measured,
        "unit": "percent",
        "rule": "within",
        "bound": 0.5,
        "needs": "index_closes",
        "outcome": outcome,
        "reason": "within tolerance" if outcome == "supported" else "outside tolerance",
        "notebook": "01_toy",
    }
    return made | other


def results(*checks, vintage="frozen", hashes=None, identity="aaaaaaaaaaaa", **run):
    hashes = hashes or {"index_closes": "1" * 64}
    run = {"id": identity, "vintage": vintage, "hashes": hashes, **run}
    return {"run": run, "checks": list(checks)}


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


# Reading


def test_a_run_is_read_from_its_folder_or_file(tmp_path):
    made = results(check("HR-42", 1))
    folder = write(tmp_path / "run", made)
    assert drift.read(folder) == drift.read(folder / "results.json") == made


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "{", "[]", '{"run": {}}', '{"run": 1, "checks": []}']
)
def test_what_is_no_run_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(InputError, match=r"results\.json: not the results of a run"):
        drift.read(tmp_path)
    with pytest.raises(InputError, match=r"none: cannot be read .*expected a run's folder"):
        drift.read(tmp_path / "none")


def test_a_check_without_what_is_compared_is_refused(tmp_path):
    made = results(check("HR-42", 1))
    del made["checks"][0]["rule"]
    with pytest.raises(InputError, match="not the results of a run"):
        drift.read(write(tmp_path, made))


def same_claims(found):
    return not any(found[name] for name in ("flipped", "due", "moved", "added", "removed"))


def test_the_committed_results_compare_with_themselves():
    from rotation.run.results import committed_results

    made = results(*committed_results())
    found = drift.compare(made, copy.deepcopy(made))
    assert same_claims(found)
    assert drift.changed_verdicts(found) == 0


# Verdicts


def test_flipped_verdicts_and_forecasts_that_fell_due_are_told_apart():
    old = results(
        check("HR-42", 12.5), check("NX-03", 1.0, "pending"), check("NX-04", 2.0, "pending")
    )
    new = results(
        check("HR-42", 12.5, "contradicted"), check("NX-03", 1.5), check("NX-04", 2.0, "pending")
    )
    found = drift.compare(old, new)
    assert [one["claim_id"] for one in found["flipped"]] == ["HR-42"]
    assert found["flipped"][0]["old"]["outcome"] == "supported"
    assert found["flipped"][0]["new"] == {
        "outcome": "contradicted",
        "reason": "outside tolerance",
        "measured": 12.5,
    }
    assert [one["claim_id"] for one in found["due"]] == ["NX-03"]
    assert drift.changed_verdicts(found) == 2
    assert [one["claim_id"] for one in found["moved"]] == ["NX-03"]


def test_claims_added_and_removed_are_listed_and_not_taken_for_changed_verdicts():
    found = drift.compare(results(check("A-1", 1)), results(check("B-1", 1)))
    assert [one["claim_id"] for one in found["added"]] == ["B-1"]
    assert [one["claim_id"] for one in found["removed"]] == ["A-1"]
    assert drift.changed_verdicts(found) == 0
    assert not same_claims(found)


# Values


def moved(old, new, **terms):
    found = drift.compare(results(check("A-1", old, **terms)), results(check("A-1", new, **terms)))
    return [(m["name"], m["old"], m["new"], m["change"], m["tolerances"]) for m in found["moved"]]


def test_a_number_moves_in_its_unit_and_in_tolerances():
    assert moved(12, 13.25) == [("", 12, 13.25, 1.25, 2.5)]
    assert moved(13.25, 12) == [("", 13.25, 12, -1.25, -2.5)]


def test_a_value_without_tolerance_moves_in_its_unit_alone():
    assert moved(12, 13, rule="above", bound=0) == [("", 12, 13, 1, None)]
    assert moved(12, 13, bound=0) == [("", 12, 13, 1, None)]


def test_each_of_several_numbers_moves_on_its_own():
    bound = {"mean": 0.5, "share": 0.1}
    old, new = {"mean": 1, "share": 0.5, "gone": 1}, {"mean": 1, "share": 0.7, "new": 2}
    assert moved(old, new, bound=bound) == [
        ("share", 0.5, 0.7, 0.2, 2),
        ("gone", 1, None, None, None),
        ("new", None, 2, None, None),
    ]


def test_what_is_no_number_moves_as_a_whole():
    assert moved(["1991-02"], ["1991-02", "1996-05"]) == [
        ("", ["1991-02"], ["1991-02", "1996-05"], None, None)
    ]
    assert moved("2022", "2023") == [("", "2022", "2023", None, None)]
    assert moved(None, 4.5) == [("", None, 4.5, None, None)]
    assert moved(True, 1) == []  # equal, and neither is a number to subtract


def test_the_last_digit_of_results_is_noise():
    assert moved(1.234567891, 1.234567892) == []
    assert len(moved(1.2345678, 1.2345679)) == 1
    assert len(moved(0, 1e-12)) == 1


def test_the_farthest_comes_first():
    old = results(check("A-1", 1), check("A-2", 1), check("A-3", 1, rule="above"))
    new = results(check("A-1", 1.1), check("A-2", -4), check("A-3", 9, rule="above"))
    found = drift.compare(old, new)
    assert [one["claim_id"] for one in found["moved"]] == ["A-2", "A-1", "A-3"]


VALUES = st.one_of(
    st.none(),
    st.integers(-1000, 1000),
    st.floats(-1e6, 1e6),
    st.text(max_size=4),
    st.lists(st.integers(0, 5), max_size=3),
    st.dictionaries(st.sampled_from("abc"), st.floats(-10, 10), max_size=3),
)
RUNS = st.dictionaries(
    st.sampled_from(["A-1", "A-2", "A-3", "A-4"]),
    st.tuples(VALUES, st.sampled_from(grading.OUTCOMES)),
).map(lambda run: results(*(check(name, *one) for name, one in run.items())))


@given(RUNS)
def test_a_run_does_not_differ_from_itself(run):
    assert same_claims(drift.compare(run, copy.deepcopy(run)))


@given(RUNS, RUNS)
def test_comparing_the_other_way_round_gives_the_opposite(one, other):
    there, back = drift.compare(one, other), drift.compare(other, one)
    assert [c["claim_id"] for c in there["added"]] == [c["claim_id"] for c in back["removed"]]
    assert drift.changed_verdicts(there) == drift.changed_verdicts(back)
    changes = {(m["claim_id"], m["name"]): m["change"] for m in there["moved"]}
    opposite = {(m["claim_id"], m["name"]): m["change"] for m in back["moved"]}
    assert changes.keys() == opposite.keys()
    for key, change in changes.items():
        assert change is None or change == -opposite[key]
    json.dumps(there, allow_nan=False)
    assert drift.text(there)
    assert "<main" in drift.page(there, other)


# Data behind it


CLOSES = "date,russell_2000,sp_500\n2026-01-02,100,200\n2026-01-05,101,201\n2026-01-06,102,202\n"


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Return a function that writes a vintage of one small table, and gives its hash."""
    listed = {r["path"]: r for r in data.descriptor()["resources"]}
    monkeypatch.setattr(vintages, "path", lambda name: tmp_path / name)
    monkeypatch.setattr(vintages, "frozen", lambda: tmp_path / "frozen")

    def write(name, text, table="index_closes"):
        folder = tmp_path / name
        folder.mkdir()
        package = {"vintage": name, "resources": [listed[f"{table}.csv"]]}
        (folder / "datapackage.json").write_text(json.dumps(package))
        (folder / f"{table}.csv").write_text(text)
        return results(
            check("A-1", len(text)), vintage=name, hashes={table: data.sha256(text.encode())}
        )

    return write


def test_revised_rows_are_counted_and_shown(packages):
    old = packages("old", CLOSES)
    lines = [*CLOSES.splitlines()[:3], "2026-01-07,103,203", "2026-01-08,104,204"]
    new = packages("new", "\n".join(lines).replace("101,201", "101,201.5") + "\n")
    found = drift.compare(old, new)
    assert found["tables"] == [
        {
            "table": "index_closes",
            "what": "changed",
            "rows": {
                "added": 2,
                "removed": 1,
                "changed": 1,
                "added_rows": ["2026-01-07", "2026-01-08"],
                "removed_rows": ["2026-01-06"],
                "changed_values": [
                    {"row": "2026-01-05", "column": "sp_500", "old": "201", "new": "201.5"}
                ],
                "last_added": "2026-01-08",
            },
        }
    ]
    assert drift.table_words(found) == [
        "index_closes: rows added: 2 (2026-01-07 … 2026-01-08); rows removed: 1 (2026-01-06); "
        "rows changed: 1 (2026-01-05 sp_500 201 → 201.5)"
    ]
    assert found["moved"][0]["tables"] == ["index_closes"]


def test_a_number_written_otherwise_is_no_revision(packages):
    old, new = packages("old", CLOSES), packages("new", CLOSES.replace("101,201", "101.0,201.00"))
    found = drift.compare(old, new)
    assert drift.table_words(found) == ["index_closes: the same rows, written otherwise"]


def test_rows_with_a_key_of_several_columns_are_told_apart(packages):
    header = "as_of,series,value,unit,source\n"
    old = packages("old", header + "2026-01-01,a,1,%,x\n2026-01-01,b,2,%,x\n", "macro_readings")
    new = packages("new", header + "2026-01-01,a,1,%,x\n2026-01-01,b,3,%,x\n", "macro_readings")
    rows = drift.compare(old, new)["tables"][0]["rows"]
    assert rows["changed_values"] == [
        {"row": "2026-01-01 b", "column": "value", "old": "2", "new": "3"}
    ]


def test_many_changes_are_all_counted_and_some_shown(packages):
    def table(days):
        rows = "".join(f"{2000 + n}-01-03,{n},{n}\n" for n in days)
        return "date,russell_2000,sp_500\n" + rows

    found = drift.compare(packages("old", table(range(50))), packages("new", table([99])))
    rows = found["tables"][0]["rows"]
    assert (rows["removed"], len(rows["removed_rows"])) == (50, 20)
    assert "2019-01-03, …)" in drift.table_words(found)[0]


def test_rows_are_not_compared_if_the_very_file_is_not_at_hand(packages, tmp_path):
    old, new = packages("old", CLOSES), packages("new", CLOSES + "2026-01-07,103,203\n")
    (tmp_path / "old" / "index_closes.csv").write_text(CLOSES.replace("100", "99"))
    found = drift.compare(old, new)
    assert found["tables"] == [{"table": "index_closes", "what": "changed", "rows": None}]
    assert drift.table_words(found) == [
        "index_closes: changed; not row by row: a vintage is not at hand"
    ]


def test_a_vintage_that_is_gone_is_no_obstacle(packages, monkeypatch):
    old, new = packages("old", CLOSES), packages("new", CLOSES + "2026-01-07,103,203\n")

    def gone(name):
        raise vintages.VintageError(name)

    monkeypatch.setattr(vintages, "path", gone)
    assert drift.compare(old, new)["tables"][0]["rows"] is None


def test_tables_that_came_or_went_are_named():
    old = results(hashes={"a": "1", "b": "1"})
    new = results(hashes={"b": "1", "own/c": "2"})
    found = drift.compare(old, new)["tables"]
    assert [(t["table"], t["what"], t["rows"]) for t in found] == [
        ("a", "removed", None),
        ("own/c", "added", None),
    ]


def test_versions_and_parameters_that_differ_are_named_but_for_the_vintage():
    old = results(versions={"a": "1", "b": "1"}, parameters={"01": {"as_of": "last", "n": 1}})
    new = results(
        versions={"a": "2", "b": "1"},
        parameters={"01": {"as_of": "2026-01-22", "n": 1, "vintage": "x"}},
    )
    found = drift.compare(old, new)
    assert found["versions"] == {"a": ["1", "2"]}
    assert found["parameters"] == {"as_of": ["last", "2026-01-22"]}


# Showing


@pytest.fixture
def compared():
    old = results(
        check("HR-42", 12.5, "supported", unit="percentage points"),
        check("NX-03", 1, "pending"),
        check("A-1", 1),
        check("A-2", "x <b>"),
        versions={"a": "1"},
    )
    new = results(
        check("HR-42", 11.5, "contradicted", unit="percentage points"),
        check("NX-03", 1),
        check("A-2", "y & z"),
        check("B-1", 4),
        vintage="2026-09-11-1a2b3c4d",
        identity="bbbbbbbbbbbb",
        hashes={"index_closes": "2" * 64},
        versions={"a": "2"},
    )
    return drift.compare(old, new), new


def test_text_says_what_changed(compared):
    assert drift.text(compared[0]).splitlines() == [
        "aaaaaaaaaaaa (vintage frozen) → bbbbbbbbbbbb (vintage 2026-09-11-1a2b3c4d): "
        "verdicts changed: 1, forecasts that fell due: 1, values that moved: 2, "
        "claims added: 1, claims removed: 1",
        "",
        "Verdicts that changed: 1",
        "  HR-42  ✓ supported → ✗ contradicted: outside tolerance",
        "         What HR-42 says",
        "         measured 12.5 percentage points → 11.5 percentage points; "
        "data that differ: index_closes",
        "",
        "Forecasts that fell due: 1",
        "  NX-03  … pending → ✓ supported: within tolerance",
        "         What NX-03 says",
        "         measured 1 percent → 1 percent; data that differ: index_closes",
        "",
        "Values that moved: 2",
        "  HR-42  12.5 → 11.5 percentage points (−1, 2 tolerances); data that differ: index_closes",
        "  A-2  x <b> → y & z; data that differ: index_closes",
        "",
        "Claims added: 1",
        "  B-1  What B-1 says",
        "",
        "Claims removed: 1",
        "  A-1  What A-1 says",
        "",
        "Data that differ: 1",
        "  index_closes: changed; not row by row: a vintage is not at hand",
        "",
        "Versions: 1",
        "  a: 1 → 2",
    ]


def test_text_says_that_nothing_changed():
    made = results(check("A-1", 1))
    assert drift.text(drift.compare(made, made)) == (
        "aaaaaaaaaaaa (vintage frozen) → aaaaaaaaaaaa (vintage frozen): "
        "no claim, verdict or value changed"
    )


def test_the_page_says_the_same_and_escapes_it(compared):
    text = drift.page(*compared)
    words = " ".join(re.sub(r"<[^>]+>", " ", text.split("</style>")[1]).split())
    for part in (
        "HR-42",
        "✓ supported within tolerance ✗ contradicted outside tolerance",
        "−1, 2 tolerances",
        "x &lt;b&gt;",
        "y &amp; z",
        "index_closes: changed",
        "Claims removed",
        "a: 1 → 2",
        "bbbbbbbbbbbb",
    ):
        assert part in words, part
    assert 'href="01_toy.html#HR-42"' in text
    assert "<b>" not in text.split("<main")[1].replace("<br>", "")
    assert set(re.findall(r'id="(flipped|due|moved|added|removed|data|versions)"', text)) == {
        "flipped",
        "due",
        "moved",
        "added",
        "removed",
        "data",
        "versions",
    }
    assert "<script" not in text
    assert "http" not in text.split("</style>")[1]


def test_the_index_links_the_page_once():
    index = '<nav aria-label="Reports">\n<a href="01.html">x</a>\n</nav>\n<nav></nav>'
    text = drift.linked(index)
    assert text.count('href="drift.html"') == 1
    assert text.index("drift.html") < text.index("</nav>")
    assert drift.linked(text) == text


def test_the_template_of_the_index_has_a_place_for_the_link():
    template = cells.TEMPLATES / "index.html.j2"
    assert drift.linked(template.read_text("utf-8")) != template.read_text("utf-8")


def test_every_outcome_has_a_mark():
    assert set(claims.MARKS) == set(grading.OUTCOMES)
