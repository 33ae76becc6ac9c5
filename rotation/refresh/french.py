"""Kenneth R. French's library, as rows of the tables it feeds."""

from __future__ import annotations

import io
import os
import re
import zipfile

import pandas as pd

from helpers.errors import listing
from rotation.refresh import forms, web
from rotation.refresh.web import SourceError

FRENCH = "https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/ftp"


def size_portfolios(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return monthly returns of the smallest and largest 30%, from French's library.

    Returns
    -------
    DataFrame, columns ``month``, ``small_percent``, ``large_percent``.
    """
    names = {"Lo 30": "small_percent", "Hi 30": "large_percent"}
    return _french("Portfolios_Formed_on_ME", names, since, until)


def size_value_portfolios(since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Return monthly returns of two small-value cells of the 25 portfolios, from French's library.

    Returns
    -------
    DataFrame, columns ``month``, ``small_hibm_percent``, ``me2_bm5_percent``.
    """
    names = {"SMALL HiBM": "small_hibm_percent", "ME2 BM5": "me2_bm5_percent"}
    return _french("25_Portfolios_5x5", names, since, until)


def _french(
    name: str, columns: dict[str, str], since: pd.Timestamp, until: pd.Timestamp
) -> pd.DataFrame:
    """Return columns of the value-weighted monthly table of one file of the library.

    A file is a zip with one CSV: notes, then tables, each under its title and its header, with
    -99.99 or -999 where a figure is missing.
    """
    what = f"French {name}"
    address = os.environ.get("ROTATION_FRENCH_URL") or FRENCH
    lines = _unzipped(what, web.get(what, f"{address.rstrip('/')}/{name}_CSV.zip")).splitlines()
    edition = re.search(r"using the ([0-9]{6}) ", lines[0] if lines else "")
    # The library's titles vary: "Value Weight Returns", "Average Value Weighted Returns".
    titles = [
        i
        for i, line in enumerate(lines)
        if re.search(r"Value Weight(ed)? Returns -- Monthly", line)
    ]
    if edition is None or len(titles) != 1 or titles[0] + 1 >= len(lines):
        raise SourceError(
            f"{what}: expected a first line that names the CRSP database, and one "
            "table 'Value Weight Returns -- Monthly'"
        )
    header = [cell.strip() for cell in lines[titles[0] + 1].split(",")]
    for column in columns:
        if header.count(column) != 1:
            raise SourceError(f"{what}: columns {listing(header)[:200]}: expected one {column!r}")
    rows = []
    for line in lines[titles[0] + 2 :]:
        row = [cell.strip() for cell in line.split(",")]
        if not re.fullmatch(r"[0-9]{6}", row[0]):
            break
        rows.append(_french_row(what, row, header, columns))
    months = pd.PeriodIndex([row[0] for row in rows], freq="M")
    forms.require_increasing(what, months)
    frame = pd.DataFrame({new: [row[1][old] for row in rows] for old, new in columns.items()})
    frame.insert(0, "month", months)
    wanted = (months >= since.to_period("M")) & (months.end_time.normalize() <= until)
    frame = frame[wanted].reset_index(drop=True)
    library = "Kenneth R. French, Data Library (Dartmouth College)"
    frame.attrs |= {"title": f"{library}, CRSP vintage {edition[1]}", "edition": edition[1]}
    return frame


def _french_row(
    what: str, row: list[str], header: list[str], columns: dict[str, str]
) -> tuple[str, dict[str, float]]:
    month = f"{row[0][:4]}-{row[0][4:]}"
    values = dict(zip(header, row, strict=False))
    if len(row) != len(header) or not "01" <= row[0][4:] <= "12":
        raise SourceError(f"{what}: row {month}: expected a month and {len(header) - 1} figures")
    for column in columns:
        text = values[column]
        if not forms.NUMBER.fullmatch(text) or float(text) in (-99.99, -999):
            raise SourceError(f"{what}: row {month}: {column} {text!r}: expected a return")
    return month, {column: float(values[column]) for column in columns}


def _unzipped(what: str, content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(".csv")]
            if len(members) != 1 or members[0].file_size > web.LARGEST:
                raise SourceError(f"{what}: expected a zip with one CSV file")
            return archive.read(members[0]).decode("latin-1")
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError):
        raise SourceError(f"{what}: not a whole zip file; expected one with a CSV file") from None
