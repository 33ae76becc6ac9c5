"""Checks, outputs and reports made up for the pages, and a scan for outside addresses."""

import re
from html.parser import HTMLParser

import nbformat
import pandas as pd

from helpers import claims
from rotation.report import pages

new = nbformat.v4
HOSTILE = "<script>alert(1)</script> <img src=https://x.example/a.png> | a*b_c & `d` \" onx='"
RUN = {
    "id": "0123456789ab",
    "vintage": "frozen",
    "status": [],
    "missing": [],
    "versions": {"python": "3.11", "pandas": "3.1"},
}
ARTICLES = pd.DataFrame(
    {"title": [HOSTILE], "publisher": ["P"], "published": [pd.Timestamp("2026-01-12")]},
    index=pd.Index(["paper"], name="article"),
)


def check(claim_id="HR-42", **other):
    """A check as it stands in results.json."""
    return {
        "claim_id": claim_id,
        "article": "paper",
        "family": "some_family",
        "notebook": "04_some_family",
        "statement": "Small caps rose",
        "stated": 12.5,
        "measured": 11,
        "unit": "percent",
        "interval": None,
        "intervals": None,
        "n": None,
        "outcome": "supported",
        "reason": "within tolerance",
        "as_of": "2026-01-12",
        "beside": HOSTILE,
        "note": "",
        "fidelity": "same data",
        "rule": "within",
        "bound": 1,
        "reading": "fact",
        "tolerance": "one",
        "measure": "return over 252 sessions",
        "needs": "index_closes",
        "robustness": None,
        "others": [],
        "kind": "value",
    } | other


def executed(*cells):
    """A notebook whose code cells hold the given outputs, one each."""
    made = [new.new_markdown_cell("# A *title* <b>\n\nSome prose with `code`.", id="title")]
    for number, output in enumerate(cells):
        made.append(new.new_code_cell("x = '</script>'  # why", id=f"c{number}", outputs=[output]))
    return new.new_notebook(cells=made, metadata={"language_info": {"name": "python"}})


def check_output(*checks):
    """An output as a notebook has it for several checks."""
    return new.new_output("display_data", {claims.MIMETYPE: list(checks), "text/html": "<table>"})


def display(metadata=None, **data):
    bundle = {name.replace("__", "/"): value for name, value in data.items()}
    return new.new_output("display_data", bundle, metadata=metadata or {})


class _Addresses(HTMLParser):
    """Collect what a page's attributes and styles point to."""

    def __init__(self, page):
        super().__init__()
        self.found, self.style = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.style = tag == "style"
        for name, value in attributes:
            if name in ("src", "srcset", "href", "action", "data", "poster"):
                self.found.append(value)
            if name == "style":
                self.handle_data(value)

    def handle_endtag(self, tag):
        self.style = False

    def handle_data(self, text):
        if self.style:
            pattern = r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)"
            self.found += re.findall(pattern, text)


def outside(page):
    """Return every address in a page that leads out of its folder."""
    return [a for a in _Addresses(page).found if re.match(r"//|(?!data:)[a-z]+:", a or "")]


def report(name, title="A title", body="<p>body</p>", parameters=None, changed=(), **other):
    return pages.Report(name, title, body, parameters or {}, frozenset(changed), **other)


# Pages
