"""A notebook whose subject is not in the data says so, and judges its claims all the same."""

from __future__ import annotations

import re

from IPython import get_ipython
from IPython.display import Markdown, display

# A cell that judges whatever claims of the family no cell has judged before it.
_JUDGES = re.compile(r"run\.claims\.rest\([^()]*\)\s*")


def needs(there: bool, what: str) -> None:
    """Let a notebook go on only if what it is about is in the data.

    If it is not, this says so, and every cell after it is left out, but for that of the claims
    that are left: none is an answer. :func:`helpers.notebook.start` takes it back.

    Parameters
    ----------
    there : bool
    what : str
        What the data do not hold, such as ``"a first cut by 7 February 1987"``.
    """
    if there:
        return
    shell = get_ipython()
    if shell is not None:
        restore()
        shell.input_transformers_cleanup.append(_leave_out)
    display(
        Markdown(
            f"**Nothing to show.** The data of this run do not hold {what}. Tables and figures are "
            "left out; the claims are judged on their own days, as always."
        )
    )


def restore() -> None:
    """Let cells run again."""
    shell = get_ipython()
    if shell is not None:
        others = [one for one in shell.input_transformers_cleanup if one is not _leave_out]
        shell.input_transformers_cleanup[:] = others


def _leave_out(lines: list[str]) -> list[str]:
    source = "".join(line for line in lines if not line.lstrip().startswith("#"))
    # A cell that begins a run anew must run, or nothing would ever be shown again.
    if _JUDGES.fullmatch(source.strip()) or "notebook.start(" in source or _plain(source):
        return lines
    return ["from helpers import notebook\n", "notebook.left_out(without=True)\n"]


def _plain(source: str) -> bool:
    from helpers.parameters import plainly_assigned

    return bool(plainly_assigned(source))
