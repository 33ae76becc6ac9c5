"""Old names of measures."""

from __future__ import annotations

import pytest

from helpers import measures
from rotation import renamed


@pytest.mark.parametrize("name", renamed._RENAMED)
def test_old_names_have_a_present_form(name):
    call = renamed.today({"measure": name})
    known = measures.MEASURES[call.pop("measure")].arguments
    assert set(call) <= set(known)
    assert name not in measures.MEASURES
    assert set(renamed._RENAMED[name][1].values()) <= set(known)
