"""The scorecard notebook as part of a run: which notebooks it reads."""

import json

import nbformat
import pytest

from helpers import claims, executed, notebook
from helpers.errors import InputError
from rotation.run import planning, runner

PARAMETERS = 'results = ""  # folder'
READS = (
    "from helpers import executed, notebook\n"
    "run = notebook.start(None, results=results)\nsource = executed.find(run.parameters.results)",
    "card = executed.read(source.paths, run.claims)\n"
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
    nb = nbformat.read(folder / f"{executed.SCORECARD}.ipynb", 4)
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
    toy(folder, executed.SCORECARD, PARAMETERS, READS)
    source = CHECKS.format(checks=checks, mimetype=claims.MIMETYPE)
    toy(folder, "08_dotcom_precedent", 'as_of = "last"  # day', [source])
    toy(folder, "09_fails", "n = 0  # 1: fails", ("assert n == 0", "n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROTATION_NOTEBOOKS", str(folder))
        patch.delenv(executed.RESULTS, raising=False)
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
    assert str(home) not in (full.folder / f"{executed.SCORECARD}.ipynb").read_text()
    assert full.results["run"]["parameters"][executed.SCORECARD] == {"results": ""}


def test_rewriting_one_notebook_rewrites_the_scorecard_from_that_run(home, full, rewritten):
    """Neither had an output before, so the verdicts can only be those of this run."""
    assert [outcome.name for outcome in rewritten.outcomes] == [
        executed.SCORECARD,
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


def test_it_reads_the_folder_it_is_told(home, early, monkeypatch):
    monkeypatch.chdir(early.folder.parent)
    report = runner.run([executed.SCORECARD], [f"results={early.folder.name}"])
    said = shown(report.folder)
    assert said[0].count("pending") == 2
    assert said[1] == f"As told, the results are those in the folder `{early.folder.name}`."
    assert str(home) not in (report.folder / f"{executed.SCORECARD}.ipynb").read_text()
    with pytest.raises(InputError, match="results = 'nowhere': expected a folder that holds"):
        executed.find("nowhere")


def test_a_notebook_that_checks_nothing_needs_no_family_and_no_day():
    run = notebook.start(None, results="")
    assert run.parameters.results == ""
    assert "the close of" in run._repr_mimebundle_()["text/csv"]
    with pytest.raises(InputError, match="results = 3: expected the name of a folder"):
        notebook.start(None, results=3)
