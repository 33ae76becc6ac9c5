import subprocess
import sys

import pytest

from rotation.run import closure
from support.data import ROOT

LOADED = """import importlib, sys
importlib.import_module(sys.argv[1])
for name, module in list(sys.modules.items()):
    if name.partition(".")[0] in ("helpers", "rotation"):
        print(module.__file__)
"""


def names(files):
    return {str(path.relative_to(ROOT)) for path in files}


@pytest.mark.parametrize("module", ["helpers.notebook", "helpers.dividends", "rotation.run.worker"])
def test_whatever_an_import_loads_is_in_its_closure(module):
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED, module], capture_output=True, text=True, check=True
    ).stdout.split()
    files = (ROOT / "helpers" / "measures").glob("*.py")
    topics = {str(path) for path in files if "\n@register" in path.read_text("utf-8")}
    assert len(topics) > 5
    found = {str(path) for path in closure.of_module(module)}
    assert set(loaded) - topics <= found


def test_imports_inside_functions_count():
    source = "def f():\n    from helpers import valuation\n    return valuation"
    assert "helpers/valuation.py" in names(closure.of_source(source))
    assert names(closure.of_source("import math\nfrom pandas import DataFrame")) == set()


def test_a_topic_of_measures_counts_where_it_is_asked_for():
    registry = names(closure.of_source("from helpers import measures"))
    assert "helpers/measures/__init__.py" in registry
    assert "helpers/measures/registry.py" in registry
    assert "helpers/measures/streaks.py" not in registry
    assert "helpers/measures/streaks.py" in names(closure.of_topic("streaks"))
    asked = "from helpers.measures import streaks"
    assert "helpers/measures/streaks.py" in names(closure.of_source(asked))


def test_a_plain_module_does_not_need_what_needs_it():
    assert "helpers/plots.py" not in names(closure.of_source("from helpers import returns"))
