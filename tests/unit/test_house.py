"""The plan of the house, held by what imports what."""

from __future__ import annotations

import functools

import grimp
import pytest

LONGEST_CHAIN = 15


@pytest.mark.parametrize("room", ["helpers", "rotation"])
def test_no_chain_of_imports_is_long(room):
    graph = grimp.build_graph(room)

    @functools.cache
    def chain(module: str) -> tuple[str, ...]:
        below = (chain(one) for one in graph.find_modules_directly_imported_by(module))
        return (*max(below, key=len, default=()), module)

    longest = max((chain(module) for module in graph.modules), key=len)
    assert len(longest) <= LONGEST_CHAIN, " < ".join(longest)
