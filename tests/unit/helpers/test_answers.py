"""A notebook's answer in three lines."""

from types import SimpleNamespace

import pytest

from helpers import answers


@pytest.fixture
def run(registry):
    return SimpleNamespace(claims=registry, market=registry.market, pair=None)


def lines(shown):
    return [line.removeprefix("> ") for line in shown.data.split("\n>\n")]


def test_the_answer_has_three_lines_and_counts_no_claim_as_checked(run):
    claimed, found, change = lines(answers.answer(run, "HR-42", found="It was so.", change="A."))
    assert claimed.startswith("**Claimed:** Small caps led by 4.2 points on average")
    assert "**Found:** It was so. HR-42: ✗ **contradicted**" in found
    assert change.startswith("**What would change it:** A. ")
    assert run.claims.checked == set()


def test_it_says_that_few_cases_cannot_rule_out_what_is_stated(run):
    # HR-42 states 4.2; the t interval of the four leads is -30.1 to 29.3.
    _, found, _ = lines(answers.answer(run, "HR-42", found=""))
    assert "The 95% interval, −30 to 29, holds the stated 4.2" in found
    assert "4 cases are too few to rule it out" in found
    assert "Over 504 reasonable readings" in found


def test_readings_that_give_another_verdict_are_named(run):
    *_, change = lines(answers.answer(run, "HR-25", found=""))
    assert "HR-25 is supported by “close of 23 January 2026, the day after publication”" in change
    *_, change = lines(answers.answer(run, "AI-19", found=""))
    assert "No other reading that these claims name gives another verdict" in change


def test_on_another_pair_no_claim_is_judged():
    run = SimpleNamespace(claims=None, pair="a pair")
    claimed, found, _ = lines(answers.answer(run, "HR-42", found="One led."))
    assert claimed == "**Claimed:** No claim is judged on this pair."
    assert found == "**Found:** One led."
