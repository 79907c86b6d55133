"""Tables written as text: header, separator, comments, and rows that cannot be read."""

from __future__ import annotations

import gzip
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from pelsvae_cadence.core.errors import InputError

__all__ = ["Table", "TextTable", "read_text"]

_SEPARATORS: Final = (",", "\t", ";", "|")


@dataclass(frozen=True, kw_only=True)
class Table:
    """Columns that were read.

    Parameters
    ----------
    columns : dict
        Arrays by name, as their container gave them.
    n_rows : int
        Rows of the table, those that could not be read included.
    unreadable : mapping of str to int
        Rows that could not be read, by reason.
    """

    columns: dict[str, Any]
    n_rows: int
    unreadable: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A text whose lines are known, but not parsed.

    Parameters
    ----------
    names : tuple of str
        Its columns; empty without a header.
    comments : tuple of str
        Comment lines above the table.
    body : list of str
        The rows.
    separator : str or None
        What separates entries; None is blanks.
    is_cut : bool
        The file does not end with the end of a line.
    """

    names: tuple[str, ...]
    comments: tuple[str, ...]
    body: list[str]
    separator: str | None
    is_cut: bool

    def columns(self, wanted: list[str]) -> Table:
        """Read columns; rows with another number of entries than the header are left out.

        Parameters
        ----------
        wanted : list of str
            Their names; "column 1" and so on without a header.

        Returns
        -------
        Table
            The columns.
        """
        if not self.body:
            return Table(columns={name: np.empty(0) for name in wanted}, n_rows=0)
        widths = Counter(len(_fields(line, self.separator)) for line in self.body[:1000])
        width = len(self.names) or widths.most_common(1)[0][0]
        own = list(self.names) or [f"column {k + 1}" for k in range(width)]
        if missing := [name for name in wanted if name not in own]:
            raise InputError(f"the rows have {width} entries, no {missing[0]}")
        columns: dict[str, Any]
        if self.separator is None:
            rows = [line.split() for line in self.body]
            good = [row for row in rows if len(row) == width]
            columns = {
                name: np.array([row[own.index(name)] for row in good], dtype=object) for name in wanted
            }
            n_bad = len(rows) - len(good)
        else:
            columns, n_bad = _parse_separated(self.body, self.separator, own, wanted)
        unreadable = {f"without the {width} entries of a row": n_bad} if n_bad else {}
        if self.is_cut and len(self.body) > 1 and not n_bad and _is_cut(self.body, self.separator):
            columns = {name: column[:-1] for name, column in columns.items()}
            unreadable = {"cut off at the end of the file": 1}
        return Table(columns=columns, n_rows=len(self.body), unreadable=unreadable)


def read_text(path: Path) -> TextTable:
    """Read a text, and find its header, its separator and the comments above it."""
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
    if b"\x00" in content:
        raise InputError(f"{path.name} is no text")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not written in UTF-8: {error.reason} at byte {error.start}"
        ) from error
    cut = not content.endswith((b"\n", b"\r"))
    first = next(
        (k for k, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None
    )
    if first is None:
        raise InputError(f"{path.name} holds no rows")
    comments = [line.strip().lstrip("#").strip() for line in lines[:first] if line.strip()]
    body = [line for line in lines[first + 1 :] if line.strip()]
    if _is_data(lines[first]):  # the header, if any, is the last comment
        body = [line for line in lines[first:] if line.strip()]
        separator = _separator(body[0])
        header = _fields(comments[-1], separator) if comments else []
        names = header if len(header) == len(_fields(body[0], separator)) else []
    else:
        separator = _separator(body[0] if body else lines[first], lines[first])
        names = _fields(lines[first], separator)
        if separator is None and "," in lines[first]:
            names = [name for name in re.split(r"[,\s]+", lines[first].strip()) if name]
    names = [name.strip().strip('"') for name in names]
    names = [name or f"column {k + 1}" for k, name in enumerate(names)]
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise InputError(f"{path.name} has several columns named {repeated[0]!r}", remedy="Rename them.")
    return TextTable(names=tuple(names), comments=tuple(comments), body=body, separator=separator, is_cut=cut)


def _is_data(line: str) -> bool:
    entries = _fields(line, _separator(line))
    return bool(entries) and all(_is_number(entry) for entry in entries[:2])


def _is_number(entry: str) -> bool:
    try:
        float(entry)
    except ValueError:
        return False
    return True


def _separator(line: str, header: str | None = None) -> str | None:
    """Find what separates the entries of a line, and of the header where there is one; None is blanks."""
    marks = [mark for mark in _SEPARATORS if mark in line]
    if header is not None:
        marks.sort(key=lambda mark: (mark not in header, line.count(mark) != header.count(mark)))
    return marks[0] if marks else None


def _fields(line: str, separator: str | None) -> list[str]:
    return line.split() if separator is None else [entry.strip() for entry in line.split(separator)]


def _parse_separated(
    body: list[str], separator: str, own: list[str], wanted: list[str]
) -> tuple[dict[str, Any], int]:
    from pyarrow import csv

    bad: list[Any] = []

    def skip(row: Any) -> str:
        bad.append(row)
        return "skip"

    table = csv.read_csv(
        io.BytesIO("\n".join(body).encode()),
        read_options=csv.ReadOptions(column_names=own, use_threads=False),
        parse_options=csv.ParseOptions(delimiter=separator, invalid_row_handler=skip),
        convert_options=csv.ConvertOptions(
            include_columns=wanted,
            strings_can_be_null=True,
            auto_dict_encode=False,
            timestamp_parsers=[],
            column_types={},
        ),
    )
    return {name: table.column(name).combine_chunks() for name in wanted}, len(bad)


def _is_cut(body: list[str], separator: str | None) -> bool:
    """Tell whether the last row lost digits: its last entry has fewer decimals than nearly all others."""

    def decimals(line: str) -> int:
        entries = _fields(line, separator)
        return len(entries[-1].strip('"').partition(".")[2]) if entries else 0

    if len(body) < 10:  # too few to tell
        return False
    last = decimals(body[-1])
    fewer = sum(decimals(line) <= last for line in body[:-1])
    return fewer < 0.05 * (len(body) - 1)
