import copy
import json

import jsonschema
import pytest

from helpers import claims, data
from helpers.claims import grading
from rotation.run import SCHEMA, planning, results
from rotation.unattended import history
from support import schemas

NAMES = ("results", "manifest", "history")


@pytest.fixture(scope="module")
def committed():
    """What ``results.json`` of the committed notebooks holds."""
    contents = {path.stem: planning.read(path).content for path in planning.find()}
    return results.contents(contents, claims.load(data.load()), "0123456789ab")


def objects(node):
    """Every object that a schema describes field by field."""
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for child in node.values():
            yield from objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from objects(child)


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described_and_no_other_is_allowed(name):
    schema = schemas.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    found = list(objects(schema))
    assert found
    for one in found:
        assert one["additionalProperties"] is False
        for field, rule in one["properties"].items():
            assert rule["description"].endswith("."), field
    assert schema["properties"]["schema"]["const"] == SCHEMA


def test_the_closed_lists_are_those_of_the_judge():
    check = schemas.schema("results")["$defs"]["check"]["properties"]
    assert check["outcome"]["enum"] == list(grading.OUTCOMES)
    assert check["reason"]["enum"] == list(grading.REASONS)
    assert check["fidelity"]["enum"] == list(grading.FIDELITIES)


def test_the_report_of_one_article_has_the_names_of_both(committed):
    text = json.dumps(committed).replace('"10_any_article"', '"10_any_article-winter-2016"')
    assert "winter" in text
    schemas.hold("results", json.loads(text))


def test_the_committed_results_are_valid(committed):
    schemas.hold("results", json.loads(json.dumps(committed)))
    assert len(committed["checks"]) > 100


@pytest.mark.parametrize(
    ("where", "field", "value"),
    [
        ((), "schema", 2),
        ((), "extra", 1),
        (("run",), "id", "short"),
        (("run", "hashes"), "index_closes", "sha256:0"),
        (("checks", 0), "outcome", "true"),
        (("checks", 0), "measured", True),
        (("checks", 0), "as_of", "January 2026"),
        (("checks", 0), "interval", {"low": 1, "high": 2}),
        (("checks", 0), "n", 1.5),
    ],
)
def test_what_is_not_as_described_is_refused(committed, where, field, value):
    content = copy.deepcopy(committed)
    at = content
    for step in where:
        at = at[step]
    at[field] = value
    with pytest.raises(jsonschema.ValidationError):
        schemas.hold("results", content)


def test_no_field_may_be_left_out(committed):
    for field in committed["checks"][0]:
        content = copy.deepcopy(committed)
        del content["checks"][0][field]
        with pytest.raises(jsonschema.ValidationError):
            schemas.hold("results", content)


def test_a_line_of_the_history_is_valid(committed):
    line = history.entry("20260911T230000Z-0123456789ab", "2026-08-21", committed)
    schemas.hold("history", json.loads(json.dumps(line)))
    with pytest.raises(jsonschema.ValidationError):
        schemas.hold("history", line | {"folder": "elsewhere"})
