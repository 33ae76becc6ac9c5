"""The places that state dependencies agree, and the locks are what they should be."""

import re
import tomllib

import pytest

from support.data import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {
    "arch": "arch-py",
    "matplotlib": "matplotlib-base",
    "nbconvert": "nbconvert-core",
    "seaborn": "seaborn-base",
}
LOCKS = tuple(f"requirements{name}.lock" for name in ("", "-test", "-explore", "-tools"))


def ranges(requirements):
    """Return name -> version range of requirement lines."""
    split = (re.match(r"([A-Za-z0-9_-]+)\s*(.*)", line).groups() for line in requirements)
    return {name.lower(): versions.replace(" ", "") for name, versions in split}


def conda_requirements():
    lines = (ROOT / "environment.yml").read_text().splitlines()
    listed = [line[4:] for line in lines if re.match(r"  - [a-z]", line)]
    listed.remove("conda-forge")
    return ranges([line for line in listed if not line.startswith("pip")])


def pins(lock):
    text = (ROOT / lock).read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[a-z,-]+\])?==([^ \\;]+)", text, flags=re.M))


def test_environment_yml_has_the_ranges_of_pyproject():
    expected = {CONDA_NAMES.get(n, n): v for n, v in ranges(PROJECT["dependencies"]).items()}
    expected["python"] = PROJECT["requires-python"]
    expected["setuptools"] = ">=80"
    assert conda_requirements() == expected


@pytest.mark.parametrize("lock", LOCKS[1:])
def test_other_locks_are_supersets_with_the_same_versions(lock):
    run, other = pins(LOCKS[0]), pins(lock)
    assert run.items() <= other.items()
    assert set(other) - set(run)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_package_with_hashes_and_names_no_index(lock):
    text = (ROOT / lock).read_text()
    assert "setuptools" in pins(lock)
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|@ file", text)
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "==" in block, block
        assert "--hash=sha256:" in block, block


@pytest.mark.parametrize("lock", LOCKS)
def test_every_declared_package_is_in_the_lock(lock):
    declared = list(PROJECT["dependencies"])
    if lock == LOCKS[1]:
        declared += PROJECT["optional-dependencies"]["test"]
    assert set(ranges(declared)) <= {name.lower() for name in pins(lock)}


def test_binder_installs_the_lock_with_the_controls_on_a_python_we_support():
    folder = ROOT / "binder"
    named = (folder / "requirements.txt").read_text().split()
    assert named[0] == "-r"
    assert "ipywidgets==" in (folder / named[1]).resolve().read_text()
    version = (folder / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f">={version}" in PROJECT["requires-python"]
