"""What contributors are promised: hooks that pass, links that lead somewhere, one workflow."""

from __future__ import annotations

import re
import runpy
import shlex
import subprocess
import sys

import nbformat
import pytest
import yaml

from support import links, valid_notebooks
from support.data import ROOT

HOOKS = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.splitlines()


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_every_hook_passes_on_the_tree(hook):
    pattern = hook.get("files", r"\.(py|ipynb)$")
    files = [name for name in tracked() if re.search(pattern, name) and (ROOT / name).exists()]
    tool, *options = shlex.split(hook["entry"])
    here = {".venv/bin/ruff": [sys.executable, "-m", "ruff"], ".venv/bin/python": [sys.executable]}
    options += ["--check"] if "format" in options else []  # a hook may write, a test may not
    run = subprocess.run(
        [*here[tool], *options, *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert files
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_stripped_notebook_may_not_be_committed(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nbformat.write(notebook, tmp_path / "04_stripped.ipynb")
    nbformat.write(notebook, tmp_path / "_template.ipynb")
    (tmp_path / "05_broken.ipynb").write_text("{")
    names = [str(path) for path in sorted(tmp_path.glob("*.ipynb"))]
    found = [valid_notebooks.fault(path) for path in sorted(tmp_path.glob("*.ipynb"))]
    assert "no outputs" in found[0]
    assert "not a valid notebook" in found[1]
    assert found[2] is None
    assert valid_notebooks.main(names) == 1


def test_every_link_between_documents_leads_somewhere():
    assert links.broken() == []


def test_a_link_to_nowhere_is_named(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(
        "# One heading, `code` and more\n\n## Twice\n\n## Twice\n\n"
        "[good](#one-heading-code-and-more) [second](page.md#twice-1) `[not](a-link.md)`\n"
        "[gone](gone.md) ![picture](gone.png) [third](#twice-2)\n"
    )
    monkeypatch.setattr(links, "documents", lambda: [page])
    monkeypatch.setattr(links, "ROOT", tmp_path)
    assert links.broken() == [
        "page.md: gone.md: no such file",
        "page.md: gone.png: no such file",
        "page.md: #twice-2: no such heading",
    ]


def test_the_workflow_runs_the_two_commands_of_the_readme_everywhere_and_every_night():
    (workflow,) = [yaml.safe_load(path.read_text()) for path in WORKFLOWS]
    check = workflow["jobs"]["check"]
    assert check["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert {"ubuntu-latest", "macos-latest"} == set(check["strategy"]["matrix"]["os"])
    commands = [step["run"] for step in check["steps"] if "run" in step]
    assert "make reports" in commands
    assert any("make test" in command for command in commands)
    kept = [step for step in check["steps"] if "upload-artifact" in step.get("uses", "")]
    assert [step["if"] for step in kept] == ["failure()"]
    triggers = workflow[True]  # YAML reads the key ``on`` as a truth value
    assert {"push", "pull_request", "schedule"} <= set(triggers)


def test_the_page_of_helpers_is_current():
    script = runpy.run_path(str(ROOT / "docs" / "describe_helpers.py"))
    assert script["PAGE"].read_text("utf-8") == script["page"](), (
        "docs/helpers.md is stale: make docs"
    )


@pytest.mark.parametrize("number", [0, 1])
def test_what_the_page_shows_can_be_asked(number):
    text = (ROOT / "docs" / "helpers.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    *lines, last = blocks[number].strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)
    found = eval(last, names)
    told = found.grade.outcome if number == 0 else found["n"].tolist()
    assert told == ("contradicted" if number == 0 else [19, 19, 18])


def test_no_test_module_imports_another_or_the_conftest():
    pattern = re.compile(r"^\s*(from|import) (conftest|test_\w+)", re.MULTILINE)
    tests = [path for path in (ROOT / "tests").rglob("*.py") if pattern.search(path.read_text())]
    assert tests == []
