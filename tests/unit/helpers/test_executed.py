"""Checks read from executed notebooks."""

import pytest

from helpers import executed
from helpers.errors import InputError
from support.scorecard import check, write


def test_checks_are_read_in_the_order_of_the_registry(tmp_path, registry):
    one = write(tmp_path, "01_a", [check("AI-03"), check("AI-02")], {"as_of": "last"})
    two = write(tmp_path, "02_b", [check("AI-01")], {"as_of": "2026-01-22"}, "# Parameters\nx = 1")
    card = executed.read([one, two], registry)
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
            executed.read(paths, registry)
        assert str(caught.value) == line


def test_opened_on_its_own_the_scorecard_reads_what_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(tmp_path))
    monkeypatch.delenv(executed.RESULTS, raising=False)
    with pytest.raises(InputError, match="results = '': expected a folder that holds executed"):
        executed.find()
    for name in ("00_scorecard", "01_a", "02_b"):
        write(tmp_path, name, [])
    found = executed.find()
    assert [path.name for path in found.paths] == ["01_a.ipynb", "02_b.ipynb"]
    assert found.told == ""
    run = tmp_path / "run"
    run.mkdir()
    write(run, "02_b", [])
    assert executed.find("run").paths == [run / "02_b.ipynb"]
    monkeypatch.setenv(executed.RESULTS, str(run))
    assert executed.find().paths == [run / "02_b.ipynb"]
    assert executed.find().told == ""
    monkeypatch.setenv("ROTATION_NOTEBOOKS", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="no such folder; expected the notebooks there"):
        executed.find()
