"""The scorecard: checks read from executed notebooks, counted, ranked and put into words."""

import json
import math

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import claims, inference, notebook, plots, scorecard
from helpers.claims import grading
from helpers.errors import InputError
from rotation.report import pages
from rotation.run import planning, pool, runner

S, P, C = grading.SUPPORTED, grading.PARTLY, grading.CONTRADICTED
U, N, W = grading.INCONCLUSIVE, grading.NOT_TESTABLE, grading.PENDING


def check(claim_id, article="one", outcome=S, **other):
    return {
        "claim_id": claim_id,
        "article": article,
        "family": "family",
        "notebook": "01_family",
        "statement": f"Statement {claim_id}",
        "kind": "value",
        "stated": 10,
        "measured": 11,
        "unit": "percent",
        "as_of": "2026-01-12",
        "rule": "within",
        "bound": 2,
        "interval": None,
        "intervals": None,
        "n": None,
        "fidelity": "same data",
        "outcome": outcome,
        "reason": "within tolerance",
        "measure": "",
        "needs": "index_closes",
        "beside": "",
        "others": [],
        "note": "",
    } | other


def write(folder, name, checks, parameters=None, injected=None):
    """Write an executed notebook that carries checks, one cell a check."""
    new = nbformat.v4
    cells = [new.new_code_cell(injected, id="injected-parameters")] if injected else []
    for one in checks:
        output = new.new_output("display_data", {claims.MIMETYPE: [one]})
        cells.append(new.new_code_cell("1", outputs=[output]))
    nb = new.new_notebook(cells=cells, metadata={"rotation": {"parameters": parameters or {}}})
    path = folder / f"{name}.ipynb"
    nbformat.write(nb, path)
    return path


TABLE = scorecard.frame(
    [
        check("A1", "one", S),
        check("A2", "one", P, measured={"a": 1, "b": 2}, bound={"a": 1, "b": 2}),
        check("A3", "one", C, measured=4, bound=2),
        check("A4", "one", N, reason="licensed data", needs="fund flows"),
        check("B1", "two", S, rule="within", bound=0, measured=10),
        check("B2", "two", U, kind="direction", rule="above", bound=0),
        check("B3", "two", C, kind="arithmetic", fidelity="arithmetic", measured=None),
        check("B4", "two", W, as_of="2026-12-31"),
        check("B5", "two", W, as_of="2026-09-30"),
        check("B6", "two", N, reason="no definition", needs=""),
        check("X1", "all", C, kind="arithmetic", rule="at most", stated=[1, 2], measured=3),
    ]
)


# Reading


def test_checks_are_read_in_the_order_of_the_registry(tmp_path, registry):
    one = write(tmp_path, "01_a", [check("AI-03"), check("AI-02")], {"as_of": "last"})
    two = write(tmp_path, "02_b", [check("AI-01")], {"as_of": "2026-01-22"}, "# Parameters\nx = 1")
    card = scorecard.read([one, two], registry)
    found = [(c["claim_id"], c["notebook"]) for c in card.checks]
    assert found == [("AI-01", "02_b"), ("AI-02", "01_a"), ("AI-03", "01_a")]
    last = str(registry.market.last.date())
    assert card.notebooks.to_dict("index") == {
        "01_a": {"claims": 2, "as of": last, "changed parameters": "none"},
        "02_b": {"claims": 1, "as of": "2026-01-22", "changed parameters": "x = 1"},
    }
    assert len(card.missing) == len(registry.claims) - 3
    assert not {"AI-01", "AI-02", "AI-03"} & set(card.missing)


def test_what_cannot_be_read_is_one_line(tmp_path, registry):
    one = write(tmp_path, "01_a", [check("AI-02")])
    two = write(tmp_path, "02_b", [check("AI-02")])
    empty = write(tmp_path, "03_c", [])
    (tmp_path / "04_d.ipynb").write_text("{")
    for paths, line in (
        ([one, two], "claim AI-02: checked twice, in 01_a and 02_b; expected once"),
        ([empty], "no notebook holds results: expected executed ones; make notebooks"),
        ([tmp_path / "04_d.ipynb"], "04_d.ipynb: not a notebook; expected an executed one"),
        ([tmp_path / "05_e.ipynb"], "05_e.ipynb: not a notebook; expected an executed one"),
    ):
        with pytest.raises(InputError) as caught:
            scorecard.read(paths, registry)
        assert str(caught.value) == line


# Tables


def test_outcomes_are_counted_by_a_field():
    counts = scorecard.count(TABLE, "article")
    assert list(counts.columns) == [*grading.OUTCOMES, "all"]
    assert list(counts.index) == ["one", "two", "all"]
    assert counts.loc["two"].to_dict() == {S: 1, P: 0, C: 1, U: 1, N: 1, W: 2, "all": 6}
    assert counts["all"].sum() == len(TABLE)


def test_distances_are_in_units_of_each_tolerance():
    found = scorecard.distances(TABLE)
    assert list(found.index) == ["A1", "A3", "A4", "B1", "B4", "B5", "B6"]
    assert found.loc["A1", "distance"] == 0.5
    assert found.loc["A3", "distance"] == -3
    assert math.isnan(found.loc["B1", "distance"])


def test_the_share_counts_only_what_could_be_tested_and_was_due():
    ranking = scorecard.by_article(TABLE)
    assert list(ranking.index) == ["one", "two"]
    assert ranking[["n", "supported", "partly supported"]].to_numpy().tolist() == [
        [3, 1, 1],
        [3, 1, 0],
    ]
    assert ranking.loc["one", "share"] == pytest.approx(100 / 3)
    assert ranking.loc["one", "share with partly"] == pytest.approx(200 / 3)
    low, high = stats.beta.ppf(0.025, 1, 3), stats.beta.ppf(0.975, 2, 2)
    assert ranking.loc["one", ["low", "high"]].tolist() == pytest.approx([100 * low, 100 * high])


def test_articles_are_ranked_by_share_and_told_apart_only_by_their_intervals():
    many = [check(f"G{i}", "good") for i in range(30)]
    many += [check(f"M{i}", "middle", S if i % 2 else C) for i in range(4)]
    many += [check(f"Q{i}", "bad", C) for i in range(30)]
    ranking = scorecard.by_article(scorecard.frame(many))
    assert list(ranking.index) == ["good", "middle", "bad"]
    assert scorecard.apart(ranking) == [("good", "bad")]
    words = scorecard.ranking_words(ranking)
    assert "**good** was most often right: 30 of 30" in words
    assert "those of good and bad; all others do. So good cannot be told from middle." in words
    assert "the order may be chance" in scorecard.ranking_words(ranking.loc[["good", "middle"]])
    assert scorecard.ranking_words(ranking.loc[["good"]]).endswith("%).")
    assert scorecard.ranking_title(ranking) == (
        "Most often right: good, in 100% of its tested claims; least: bad, in 0%"
    )
    nothing = scorecard.by_article(scorecard.frame([check("A", outcome=W)]))
    assert scorecard.ranking_words(nothing).startswith("No claim")
    assert scorecard.ranking_title(nothing).startswith("No claim")
    assert scorecard.ranking_title(ranking.loc[["bad"]]).endswith("of its tested claims")


def test_contradictions_inside_and_between_articles_stand_apart():
    assert list(scorecard.contradictions(TABLE, between=False).index) == ["B3"]
    between = scorecard.contradictions(TABLE, between=True)
    assert between.loc["X1"].tolist() == ["all", "Statement X1", "1, 2", "3 percent", ""]


def test_a_reading_turns_a_verdict_only_if_it_ends_elsewhere():
    others = [
        {"reading": "same", "measured": 1, "outcome": S},
        {"reading": "later", "measured": None, "outcome": W},
        {"reading": "index", "measured": {"a": 2.5}, "outcome": C},
    ]
    table = scorecard.frame([check("A1", others=others), {**check("A2"), "others": None}])
    (row,) = scorecard.turns(table).reset_index().to_dict("records")
    assert (row["claim"], row["other reading"], row["outcome then"]) == ("A1", "index", C)
    assert row["measured then"] == "a 2.5 percent"
    assert scorecard.turns(scorecard.frame([check("A1")])).empty


def test_what_could_not_be_tested_names_what_would_decide_it():
    found = scorecard.untested(TABLE)["what would decide it"]
    assert found["A4"] == "fund flows"
    assert found["B6"].startswith("no data as it stands")


def test_the_next_forecast_comes_first():
    assert scorecard.pending(TABLE)["due"].to_dict() == {"B5": "2026-09-30", "B4": "2026-12-31"}


def test_other_ways_of_counting():
    ways = scorecard.robustness(TABLE)
    assert ways.loc["one", "partly counts"] == pytest.approx(200 / 3)
    assert ways.loc["two", "without inconclusive"] == 50
    assert ways.loc["two", "without arithmetic"] == 50
    assert ways.loc["two", "same data only"] == 50
    kind = [{"reading": "r", "measured": 1, "outcome": S}]
    best = scorecard.robustness(scorecard.frame([check("A", outcome=C, others=kind), check("B")]))
    assert best.loc["one", ["as shown", "best reading"]].tolist() == [50, 100]
    words = scorecard.robustness_words(ways, TABLE)
    assert words.startswith("- Most often right is one in ")
    alone = scorecard.frame([check("A", fidelity="proxy")])
    words = scorecard.robustness_words(scorecard.robustness(alone), alone)
    assert words.startswith("- Most often right is one in 5 of 5 ways")


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_exact_interval_is_that_of_the_beta_distribution(pair):
    hits, n = pair
    found = inference.exact_interval(hits, n)
    low = stats.beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    assert [found.low, found.high] == pytest.approx([low, high], abs=1e-12)
    assert (found.level, found.method) == (0.95, "Clopper-Pearson")
    # Its ends are the shares that the binomial tails just refuse.
    if 0 < hits < n:
        assert stats.binom.sf(hits - 1, n, found.low) == pytest.approx(0.025)
        assert stats.binom.cdf(hits, n, found.high) == pytest.approx(0.025)


def test_no_trials_have_no_exact_interval():
    assert inference.exact_interval(0, 0) is None


# Figures


def test_dots_beyond_the_limit_become_arrows_with_their_distance():
    table = scorecard.distances(
        scorecard.frame(
            [
                check("A1"),
                check("A2", outcome=C, measured=110),
                check("A3", outcome=C, measured=-50),
                check("A4", bound=0, measured=10),
                check("A5", outcome=C, bound=0, measured=9),
            ]
        )
    )
    fig, ax = plots.figure()
    plots.tolerance_dots(ax, table, 8)
    texts = [text.get_text() for text in ax.texts]
    assert [t for t in texts if t in ("+50", "−30", "equal", "not equal")] == [
        "+50",
        "−30",
        "equal",
        "not equal",
    ]
    by_label = {}
    for cloud in ax.collections:
        points = np.asarray(cloud.get_offsets())[:, 0].tolist()
        by_label.setdefault(cloud.get_label(), []).extend(points)
    assert by_label == {"supported": [0.5, 0.0], "not supported": [], "far": [-8, -8, 8]}
    assert "10 → 11 percent" in texts
    plots.plt.close(fig)


def test_marks_and_bars_show_every_claim_once():
    fig, (left, right) = plots.figure(1, 2)
    plots.outcome_marks(left, TABLE, per_row=3)
    assert sum(text.get_text() in claims.MARKS.values() for text in left.texts) == len(TABLE)
    plots.outcome_bars(right, {"by article": scorecard.count(TABLE, "article")})
    widths = pd.Series([patch.get_width() for patch in right.patches])
    assert widths.sum() == pytest.approx(300)
    plots.outcome_key(right, TABLE["outcome"].value_counts())
    assert any(text.get_text() == f"✗ contradicted {3}" for text in right.texts)
    plots.plt.close(fig)


# What was found, in the README


def test_a_finding_needs_its_claims():
    text = pages.what_we_found([check("A1"), check("HR-42", measured=None, outcome=W)])
    assert text.startswith("- 1 of 2 claims could be tested and were due: 1 supported.")
    assert "HR-42:" not in text
    interval = {"low": -30.1, "high": 29.3, "level": 0.95, "method": "t"}
    text = pages.what_we_found(
        [check("HR-42", outcome=C, stated=4.2, measured=-0.385, n=4, interval=interval)]
    )
    line = "stated 4.2, measured −0.4, 95% interval −30 to 29, n = 4 (HR-42: contradicted)."
    assert line in text


def test_what_was_found_stands_between_its_own_marks(tmp_path):
    path = tmp_path / "README.md"
    marks = (pages.BEGIN, pages.END, pages.FOUND_BEGIN, pages.FOUND_END)
    path.write_text("{}\nold\n{}\nbetween\n{}\nold\n{}\nend\n".format(*marks))
    checks = [check("A1"), check("A2", "two", C)]
    assert not pages.scorecard_is_current(path, checks)
    pages.update_readme(path, checks)
    assert pages.scorecard_is_current(path, checks)
    text = path.read_text("utf-8")
    assert "old" not in text
    assert f"{pages.END}\nbetween\n{pages.FOUND_BEGIN}\n- 2 of 2 claims" in text
    path.write_text(text.replace("- 2 of 2", "- 3 of 3"))
    assert not pages.scorecard_is_current(path, checks)
    path.write_text(text.replace(pages.FOUND_END, ""))
    with pytest.raises(InputError, match="expected a line <!-- found:begin -->"):
        pages.update_readme(path, checks)


# In a run

PARAMETERS = 'results = ""  # folder'
READS = (
    "from helpers import notebook, scorecard\nfrom rotation.run import runner\n"
    "run = notebook.start(None, results=results)\nsource = runner.executed(run.parameters.results)",
    "card = scorecard.read(source.paths, run.claims)\n"
    "notebook.text(', '.join(f\"{c['claim_id']} {c['outcome']}\" for c in card.checks))",
    "notebook.text(source.told or 'as usual')",
)
# Checks of two days, measured beforehand.
CHECKS = """
import json
from IPython.display import display

checks = json.loads({checks!r})[as_of]
display({{{mimetype!r}: checks, "text/plain": "checks"}}, raw=True)
"""
EARLY = "1990-01-31"


def toy(folder, name, parameters, cells):
    new = nbformat.v4
    made = [new.new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]})]
    made += [new.new_code_cell(source, id=f"c{n}") for n, source in enumerate(cells)]
    nbformat.write(new.new_notebook(cells=made), folder / f"{name}.ipynb")


def shown(folder):
    """Return what the toy scorecard in a folder says: its verdicts, and where they come from."""
    nb = nbformat.read(folder / f"{planning.SCORECARD}.ipynb", 4)
    data = [o.get("data", {}) for c in nb.cells for o in c.get("outputs", [])]
    return [one["text/markdown"] for one in data if "text/markdown" in one]


@pytest.fixture(scope="module")
def home(tmp_path_factory, market):
    """A clone of two notebooks and a scorecard, not run yet."""
    days = {"last": market.last, EARLY: EARLY}
    registries = {name: claims.load(market.until(day)) for name, day in days.items()}
    checks = json.dumps(
        {
            name: [check.payload() for check in registry.rest("dotcom_precedent")]
            for name, registry in registries.items()
        }
    )
    home = tmp_path_factory.mktemp("clone")
    folder = home / "notebooks"
    folder.mkdir()
    toy(folder, planning.SCORECARD, PARAMETERS, READS)
    source = CHECKS.format(checks=checks, mimetype=claims.MIMETYPE)
    toy(folder, "08_dotcom_precedent", 'as_of = "last"  # day', [source])
    toy(folder, "09_fails", "n = 0  # 1: fails", ("assert n == 0", "n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTATION_NOTEBOOKS", str(folder))
        patch.delenv(pool.RESULTS, raising=False)
        yield home


@pytest.fixture(scope="module")
def full(home):
    """A default run of all of them."""
    return runner.run(jobs=2)


@pytest.fixture(scope="module")
def rewritten(home, full):
    """What was rewritten as ``rotation notebooks 08`` does it."""
    return runner.rewrite(["08"], jobs=2)


@pytest.fixture(scope="module")
def early(home, rewritten):
    """A run as of a day on which no claim was due."""
    return runner.run(settings=[f"as_of={EARLY}"], jobs=2)


def test_the_scorecard_reads_the_run_it_is_part_of_and_shows_no_path(home, full):
    assert full.failures == []
    said = shown(full.folder)
    assert said[0].count("supported") == 2
    assert said[1] == "as usual"
    assert str(home) not in (full.folder / f"{planning.SCORECARD}.ipynb").read_text()
    assert full.results["run"]["parameters"][planning.SCORECARD] == {"results": ""}


def test_rewriting_one_notebook_rewrites_the_scorecard_from_that_run(home, full, rewritten):
    """Neither had an output before, so the verdicts can only be those of this run."""
    assert [outcome.name for outcome in rewritten.outcomes] == [
        planning.SCORECARD,
        "08_dotcom_precedent",
    ]
    for outcome in rewritten.outcomes:
        path = f"{outcome.name}.ipynb"
        assert (home / "notebooks" / path).read_bytes() == (full.folder / path).read_bytes()
    assert planning.with_scorecard([]) == []


def test_a_run_with_parameters_is_read_by_its_own_scorecard(early):
    said = shown(early.folder)
    assert said[0].count("pending") == 2
    assert said[1] == "as usual"


def test_a_run_that_does_not_hold_all_results_reads_the_notebooks_and_says_so(rewritten):
    failed = runner.run(settings=["n=1", f"as_of={EARLY}"], jobs=2)
    assert [failure.name for failure in failed.failures] == ["09_fails"]
    said = shown(failed.folder)
    assert said[0].count("supported") == 2
    assert said[1].startswith("This run does not hold the results of every notebook")


def test_opened_on_its_own_it_reads_the_last_run_while_that_still_stands(home, full):
    beside = home / "notebooks"
    assert {path.parent for path in runner.executed().paths} == {full.folder}
    path = beside / "09_fails.ipynb"
    before = path.read_text()
    path.write_text(before.replace("assert n == 0", "assert n < 1"))
    assert {path.parent for path in runner.executed().paths} == {beside}
    path.write_text(before)
    assert {path.parent for path in runner.executed().paths} == {full.folder}


def test_it_reads_the_folder_it_is_told(home, early, monkeypatch):
    monkeypatch.chdir(early.folder.parent)
    report = runner.run([planning.SCORECARD], [f"results={early.folder.name}"])
    said = shown(report.folder)
    assert said[0].count("pending") == 2
    assert said[1] == f"As told, the results are those in the folder `{early.folder.name}`."
    assert str(home) not in (report.folder / f"{planning.SCORECARD}.ipynb").read_text()
    with pytest.raises(InputError, match="results = 'nowhere': expected a folder that holds"):
        runner.executed("nowhere")


def test_a_notebook_that_checks_nothing_needs_no_family_and_no_day():
    run = notebook.start(None, results="")
    assert run.parameters.results == ""
    assert "the close of" in run._repr_mimebundle_()["text/plain"]
    with pytest.raises(InputError, match="results = 3: expected the name of a folder"):
        notebook.start(None, results=3)
