"""Reads damaged files in copies of a process: ``python -m tests.catalog.damage SUBJECT FOLDER N SEED``.

HDF5 and SQLite are written in C: a crash or an endless loop is counted here rather than suffered.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.cadence.tables import file_sha256, read_survey
from pelsvae_cadence.catalog.reader import Catalog
from pelsvae_cadence.catalog.validation import validate_catalog
from pelsvae_cadence.core.errors import InputError
from tests.catalog.kills import make_small_catalogue

#: What can become of a damaged file: refused with the reason, read with the same content (the damage
#: was in a byte that means nothing), read with numbers that differ by less than `_TOLERANCES`, read
#: with another content, an error that is not ours, a dead process, an endless one, and code of the
#: file's author that was run.
OUTCOMES: Final = ("refused", "same", "near", "changed", "error", "crash", "hang", "executed")
#: Kinds of files; a hashed survey is one whose hash is beside it.
SUBJECTS: Final = ("catalogue", "survey", "hashed survey")

# What no simulation of a survey can feel: 10 s, 0.001 mag, an arcsecond.
_TOLERANCES: Final = {
    "mjd": 10.0 / 86400.0,
    "m5": 1e-3,
    "ra": 1.0 / 3600.0,
    "dec": 1.0 / 3600.0,
    "band": 0.0,
    "night": 0.0,
    "visit_id": 0.0,
    "exptime": 1e-3,
}
# Put behind the digest of what was expected by a reader that found nearly the same.
_NEAR: Final = " nearly"

# A reader hangs that computes for 20 s, or waits for ten minutes: a busy machine is no hang.
_BUSY: Final = 20
_WAITING: Final = 600


class Canary:
    """A pickle that leaves a mark when somebody loads it."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self.path, "w")


def damage(content: bytes, rng: np.random.Generator, canary: bytes) -> bytes:
    """Flip bits, overwrite, zero, drop, repeat or cut blocks, or put a pickle in."""
    data = bytearray(content)
    n = len(data)
    place, size = int(rng.integers(n)), int(2 ** rng.uniform(0.0, 12.0))
    block = slice(place, min(place + size, n))
    kind = int(rng.integers(9))
    if kind <= 2:
        for where in rng.integers(n, size=int(rng.integers(1, 9))).tolist():
            data[where] ^= 1 << int(rng.integers(8))
    elif kind == 3:
        data[block] = rng.bytes(block.stop - place)
    elif kind == 4:
        data[block] = bytes(block.stop - place)
    elif kind == 5:
        del data[block]
    elif kind == 6:
        data[place:place] = data[block]
    elif kind == 7:
        del data[place:]
    elif rng.random() < 0.5:
        data[place : place + len(canary)] = canary
    else:
        data[:] = canary
    return bytes(data)


def fuzz(subject: str, folder: Path, n_cases: int, seed: int) -> dict[str, int]:
    """Count the outcomes of reading damaged files."""
    good, read = _PREPARE[subject](folder)
    content, mark = good.read_bytes(), folder / "canary"
    canary = pickle.dumps(Canary(mark))
    expected = read()
    rng = np.random.default_rng([seed, SUBJECTS.index(subject)])
    counts: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
    for _ in range(n_cases):
        wrong = damage(content, rng, canary)
        while wrong == content:
            wrong = damage(content, rng, canary)
        good.write_bytes(wrong)
        outcome = _outcome(read, expected)
        counts["executed" if mark.exists() else outcome] += 1
        mark.unlink(missing_ok=True)
    good.write_bytes(content)
    return dict(counts)


def _outcome(read: Callable[[], str], expected: str) -> str:
    """Read in a copy of this process and see what becomes of it."""
    child = os.fork()
    if child == 0:
        code = 3
        signal.setitimer(signal.ITIMER_PROF, _BUSY)
        signal.alarm(_WAITING)
        try:
            found = read()
            code = 0 if found == expected else 4 if found == expected + _NEAR else 1
        except InputError:
            code = 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        hangs = os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGPROF)
        return "hang" if hangs else "crash"
    return ("same", "changed", "refused", "error", "near")[os.WEXITSTATUS(status)]


def _digest(values: Mapping[str, Any]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(values.items()):
        digest.update(f"|{name}|".encode())
        digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    return digest.hexdigest()


def _columns(table: Any) -> dict[str, Any]:
    return {name: getattr(table, name) for name in table.__dataclass_fields__}


def _catalogue(folder: Path) -> tuple[Path, Callable[[], str]]:
    path = folder / "catalogue.h5"
    make_small_catalogue(path, seed=1)

    def read() -> str:
        """Read without validation, as a user in a hurry does."""
        with Catalog(path) as catalog:
            parts = {"stars": catalog.stars, "points": catalog.light_curves()}
            parts |= {f"visits{k}": catalog.visits(k) for k in range(catalog.n_positions)}
            found = _digest({key: _digest(_columns(part)) for key, part in parts.items()})
            found += repr(catalog.provenance)
        # What validation lets pass must be as good as what reading lets pass.
        validate_catalog(path)
        return found

    return path, read


def _survey(folder: Path) -> tuple[Path, Callable[[], str]]:
    path = folder / "survey.db"
    visits = SyntheticSurvey(preset="lsst-v3", seed=1, years=1.0).at(10.0, -30.0)
    with sqlite3.connect(path) as link:
        link.execute(
            "create table observations (observationId integer, fieldRA real, fieldDec real, "
            "observationStartMJD real, visitExposureTime real, band text, fiveSigmaDepth real, "
            "night integer)"
        )
        rows = zip(
            visits.visit_id.tolist(),
            visits.mjd.tolist(),
            visits.exptime.tolist(),
            visits.band.tolist(),
            visits.m5.tolist(),
            visits.night.tolist(),
            strict=True,
        )
        link.executemany("insert into observations values (?, 10.0, -30.0, ?, ?, ?, ?, ?)", list(rows))
    link.close()

    original = read_survey(path)
    digest = _digest(_columns(original))

    def read() -> str:
        survey = read_survey(path)
        survey.at(10.0, -30.0)
        found = _digest(_columns(survey))
        near = (
            found != digest
            and len(survey) == len(original)
            and all(
                _close(getattr(survey, name), getattr(original, name), tolerance)
                for name, tolerance in _TOLERANCES.items()
            )
        )
        return digest + _NEAR if near else found

    return path, read


def _close(a: Any, b: Any, tolerance: float) -> bool:
    return bool(np.array_equal(a, b) or (tolerance > 0 and np.abs(a - b).max() < tolerance))


def _hashed_survey(folder: Path) -> tuple[Path, Callable[[], str]]:
    path, read = _survey(folder)
    path.with_name(path.name + ".sha256").write_text(f"{file_sha256(path)}  {path.name}\n")
    return path, read


_PREPARE: Final[dict[str, Callable[[Path], tuple[Path, Callable[[], str]]]]] = {
    "catalogue": _catalogue,
    "survey": _survey,
    "hashed survey": _hashed_survey,
}


if __name__ == "__main__":
    print(json.dumps(fuzz(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
