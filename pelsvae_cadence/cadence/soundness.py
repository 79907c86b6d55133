"""Validate survey tables: hash, integrity, names, duplicates, order.

Tables of visits carry no checksums, so a damaged digit that makes another possible number cannot be
told from the number that was there. What is refused here contradicts the rest of its own table. Nothing
is asked of the sky: a night, a shallow depth or an hour that is unusual may be another site's or another
strategy's.

Certainty comes from the hash of the file alone: stated by the user, or beside it in ``FILE.sha256``.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.survey import Survey
from pelsvae_cadence.core.errors import InputError

__all__ = ["check_database", "check_hash", "check_names", "check_visits", "file_sha256"]

FloatArray = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

# A table is in order, or has numbers of its visits, if all but so many rows are or have one; a shorter
# one has no order to judge by.
_FEW: Final = 0.05
_ENOUGH: Final = 20
# Rows that a page of a database can exchange or lose at once and still be called a few.
_RUN: Final = 3
# Sky and seeing make a visit deeper by a magnitude or two.
_DEEPER: Final = 4.0
_SHORTEST_NAME: Final = 6  # "light" is no night
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HASH_IN_TEXT: Final = re.compile(r"\b[0-9a-fA-F]{64}\b")


def file_sha256(path: Path) -> str:
    """Hash a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_hash(path: Path, expected: str | None = None) -> bool:
    """Compare a file with its hash.

    Parameters
    ----------
    path : Path
        The file.
    expected : str, optional
        Its SHA-256 in hexadecimal; by default the one in ``FILE.sha256`` beside it, as programs like
        ``sha256sum`` write it, if there is such a file.

    Returns
    -------
    bool
        Whether there was a hash to compare with.

    Raises
    ------
    InputError
        If the file has another hash, or the hash is none.
    """
    source = "the hash given"
    beside = path.with_name(path.name + ".sha256")
    if expected is None:
        if not beside.is_file():
            return False
        source = beside.name
        text = beside.read_text(errors="replace")
        expected = next(iter(_HASH_IN_TEXT.findall(text)), text)
    wanted = expected.strip().lower()
    if not _HASH.fullmatch(wanted):
        raise InputError(f"{source} ({expected[:80]!r}) is no SHA-256", allowed="64 hexadecimal digits")
    found = file_sha256(path)
    if found != wanted:
        raise InputError(
            f"{path} is damaged or another file: its SHA-256 is {found}, {source} says {wanted}",
            remedy="Fetch the file again.",
        )
    return True


def check_database(connection: sqlite3.Connection, name: str) -> None:
    """Let SQLite check the structure of a database: pages, cells, order of rows.

    Parameters
    ----------
    connection : sqlite3.Connection
        The open database. All of it is read: 0.7 s for a million OpSim visits with 46 columns.
    name : str
        Its name, for the message.

    Raises
    ------
    InputError
        If something is wrong with it.
    """
    found = connection.execute("pragma quick_check(1)").fetchone()[0]
    if found != "ok":
        reason = str(found).splitlines()[-1]
        raise InputError(f"{name} is a damaged database: {reason}", remedy="Fetch the file again.")


def check_names(names: Iterable[str], found: Mapping[str, str], known: Mapping[str, Sequence[str]]) -> None:
    """Look for columns that would be overlooked because of one wrong letter.

    Parameters
    ----------
    names : iterable of str
        Column names of the table.
    found : mapping
        Meaning to column name, as far as they were found.
    known : mapping
        Meaning to the names it may have, in lower case.

    Raises
    ------
    InputError
        If a column differs in one letter from a name that was looked for and not found.
    """
    missing = [alias for key, aliases in known.items() if key not in found for alias in aliases]
    for name in set(names) - set(found.values()):
        for alias in missing:
            if (
                len(name) == len(alias) >= _SHORTEST_NAME
                and sum(a != b for a, b in zip(name.lower(), alias, strict=True)) == 1
            ):
                raise InputError(
                    f"column {name!r} of the survey table looks like a misspelt or damaged {alias!r}",
                    remedy="Rename the column.",
                )


def check_visits(survey: Survey, *, visit_id: npt.ArrayLike | None = None) -> None:
    """Look for visits that contradict the numbers and the order of the others.

    Parameters
    ----------
    survey : Survey
        All pointings, in the order of the table.
    visit_id : array_like, optional
        Visit numbers as the table has them.

    Raises
    ------
    InputError
        If fewer than one in twenty visits are out of order, or repeat or lack a number. Where more
        do, the table is not in that order or does not number its visits.
    """
    n = len(survey)
    if n < _ENOUGH:
        return
    broken = [
        (_out_of_order(survey.mjd), "are out of the order of time"),
        (_too_deep(survey), f"are {_DEEPER:g} mag deeper than their band and exposure time allow"),
    ]
    if visit_id is not None:
        broken += _numbers(np.asarray(visit_id, dtype=np.float64))
    for rows, what in broken:
        if 0 < rows.size <= _FEW * n:
            raise InputError(
                f"{survey.name} looks damaged: visits {what}, unlike all others ({rows.size} of "
                f"{n}, first in row {rows[0]})",
                remedy="Compare the file with its source. If it is as it should be, state its "
                "SHA-256, or leave these visits out with a constraint.",
            )


def _too_deep(survey: Survey) -> Rows:
    """Find visits that are far deeper than those of their band: clouds only make them shallower."""
    depth = survey.m5 - 1.25 * np.log10(survey.exptime)
    deep = np.zeros(len(survey), dtype=np.bool_)
    for band in np.unique(survey.band):
        mine = survey.band == band
        deep[mine] = depth[mine] > np.median(depth[mine]) + _DEEPER
    return np.flatnonzero(deep)


def _numbers(number: FloatArray) -> list[tuple[Rows, str]]:
    given = np.isfinite(number)
    _, which, counts = np.unique(number[given], return_inverse=True, return_counts=True)
    return [
        (np.flatnonzero(~given), "have no number"),
        (np.flatnonzero(given)[counts[which] > 1], "repeat a visit number"),
        (_out_of_order(number[given]), "are out of the order of visit numbers"),
    ]


def _out_of_order(values: FloatArray) -> Rows:
    """Find the rows without which a table would be in rising order; none where it is unordered.

    A descent that stays when a few rows before or after it are left out is the end of a block, as in
    tables sorted by field: then the table has no order to judge by.
    """
    n = values.size
    before = np.flatnonzero(values[1:] < values[:-1])
    if before.size > _FEW * n:
        return np.empty(0, dtype=np.int64)
    rows: list[int] = []
    for i in before.tolist():
        for run in range(1, _RUN + 1):
            too_small = i + 1 + run >= n or values[i] <= values[i + 1 + run]
            too_large = i - run < 0 or values[i - run] <= values[i + 1]
            if too_small or too_large:
                rows.append(i + 1 if too_small else i + 1 - run)
                break
        else:
            return np.empty(0, dtype=np.int64)
    return np.array(sorted(set(rows)), dtype=np.int64)
