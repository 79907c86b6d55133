"""The runs of a comparison, as a user names them: tables, strategies, and changes to both."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.changes.executed import splice
from pelsvae_cadence.cadence.changes.joint import JointSurvey
from pelsvae_cadence.cadence.changes.strategies import STRATEGIES, strategy
from pelsvae_cadence.cadence.changes.transforms import (
    dithered_seasons,
    first_years,
    shifted,
    thinned,
    without_bands,
    without_pairs,
)
from pelsvae_cadence.cadence.survey import Cadence, Survey
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.cadence.tables import file_sha256, read_survey
from pelsvae_cadence.core.errors import InputError, did_you_mean

__all__ = ["CHANGES", "SPELLING", "Run", "check_spelling", "open_run", "unique_names"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a comparison.

    Parameters
    ----------
    name : str
        Its name in tables, files and pictures.
    cadence : Cadence
        The survey.
    spec : str
        How it was asked for.
    files : dict of str to str
        SHA-256 of the tables behind it, by file name.
    """

    name: str
    cadence: Cadence
    spec: str = ""
    files: dict[str, str] | None = None


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{what} = {text!r} is not a number") from None


def _seeded(change: Callable[..., Cadence]) -> Callable[[Cadence, str, int], Cadence]:
    return lambda cadence, text, seed: change(cadence, _number(text, change.__name__), seed=seed)


def _plain(change: Callable[..., Cadence]) -> Callable[[Cadence, str, int], Cadence]:
    return lambda cadence, text, _: change(cadence, _number(text, change.__name__))


def _bare(cadence: Cadence, text: str, _: int) -> Cadence:
    if text:
        raise InputError(f"without-pairs={text}", remedy="It takes no value.")
    return without_pairs(cadence)


def _after(cadence: Cadence, text: str, _: int) -> Cadence:
    file, _at, date = text.partition("@")
    observed = read_survey(file)
    return splice(observed, cadence, mjd=_number(date, "after=FILE@MJD") if date else None)


#: Changes by name: how they are written, what they do.
CHANGES: Final[dict[str, tuple[str, str]]] = {
    "first-years": ("first-years=3", "drop the visits after year 3"),
    "without-bands": ("without-bands=uy", "drop all visits in u and y"),
    "without-pairs": ("without-pairs", "keep the first visit of each night"),
    "thinned": ("thinned=0.7", "keep a random 70 % of the visits"),
    "dithered-seasons": ("dithered-seasons=20", "shift each season by up to 20 nights"),
    "shifted": ("shifted=730", "move the whole survey 730 days later"),
    "after": ("after=observed.db@60900", "replace what lies before the date by observed visits"),
}
_APPLY: Final[dict[str, Callable[[Cadence, str, int], Cadence]]] = {
    "first-years": _plain(first_years),
    "without-bands": lambda cadence, text, _: without_bands(cadence, text),
    "without-pairs": _bare,
    "thinned": _seeded(thinned),
    "dithered-seasons": _seeded(dithered_seasons),
    "shifted": _plain(shifted),
    "after": _after,
}
#: How a run is written on the command line.
SPELLING: Final = (
    "a table (run.db), or a strategy by name (" + ", ".join(STRATEGIES) + "), each with changes "
    "after colons (run.db:without-pairs:first-years=3, baseline:pairing=0.4:seed=2); several "
    "surveys as one with a plus (run.db+ztf.db)"
)


def open_run(
    spec: str,
    *,
    name: str | None = None,
    seed: int = 0,
    survey: SurveyName | None = None,
    tables: dict[Path, Survey] | None = None,
) -> Run:
    """Open a run by what a user writes.

    Parameters
    ----------
    spec : str
        See `SPELLING`: the path of a table or the name of a strategy, then any number of
        ``:CHANGE`` or ``:CHANGE=VALUE`` out of `CHANGES`, or knobs of the synthetic survey;
        several of these joined by ``+``.
    name : str, optional
        Name of the run; made from the spec by default.
    seed : int
        Seed of synthetic surveys and random changes.
    survey : {"lsst", "ztf"}, optional
        Whose filters the tables have; told from bands and depths by default.
    tables : dict of Path to Survey, optional
        Tables that have been read before, and room for those read now: runs that change one
        table share it in memory.

    Returns
    -------
    Run
        The run.

    Raises
    ------
    InputError
        If there is no such file, strategy, change or knob, or a table cannot be used.
    """
    parts = [spec] if Path(spec).is_file() else spec.split("+")
    files: dict[str, str] = {}
    known = {} if tables is None else tables
    cadences = tuple(_open_part(part.strip(), seed, survey, files, known) for part in parts)
    cadence = cadences[0] if len(cadences) == 1 else JointSurvey(surveys=cadences)
    label = name or "+".join(_short(part.strip()) for part in parts)
    return Run(name=label, cadence=cadence, spec=spec, files=files)


def _short(part: str) -> str:
    head, *changes = part.split(":")
    stem = re.sub(r"(\.db|\.sqlite|\.csv|\.parquet|\.pq|\.tar|\.gz)+$", "", Path(head).name)
    # The file behind after= says enough by its name.
    return " ".join([stem, *(re.sub(r"=.*/", "=", change) for change in changes)])


def _open_part(
    part: str, seed: int, survey: SurveyName | None, files: dict[str, str], tables: dict[Path, Survey]
) -> Cadence:
    head, *words = [part] if Path(part).is_file() else part.split(":")
    changes = [_split(word) for word in words]
    if not head:
        raise InputError(f"run {part!r}", allowed=SPELLING)
    key = head.lower().replace("_", "-")
    cadence: Cadence
    if Path(head).exists() or "/" in head or Path(head).suffix or key not in STRATEGIES:
        if not Path(head).exists() and not Path(head).suffix and "/" not in head:
            raise InputError(
                f"no file and no strategy is called {head!r}",
                allowed=SPELLING,
                remedy=did_you_mean(key, STRATEGIES) or _like_a_file(Path(head)),
            )
        path = Path(head).resolve()
        if path not in tables:
            tables[path] = read_survey(head, survey=survey)
        cadence = tables[path]
        files[Path(head).name] = file_sha256(Path(head))
    else:
        knobs = {name.replace("-", "_"): text for name, text in changes if name not in _APPLY}
        changes = [(name, text) for name, text in changes if name in _APPLY]
        for knob in knobs:
            if knob not in SyntheticSurvey.__dataclass_fields__:
                allowed = [name for name in SyntheticSurvey.__dataclass_fields__ if name != "seed"]
                raise InputError(
                    f"run {part!r}: no change and no knob {knob!r}",
                    allowed=", ".join([*(spelling for spelling, _ in CHANGES.values()), *allowed]),
                    remedy=did_you_mean(knob.replace("_", "-"), CHANGES) or did_you_mean(knob, allowed),
                )
        values = {name: _knob(name, text) for name, text in knobs.items()}
        cadence = strategy(key, **{"seed": seed, **values})
    for name, text in changes:
        if name not in _APPLY:
            raise InputError(
                f"run {part!r}: no change is called {name!r}",
                allowed=", ".join(spelling for spelling, _ in CHANGES.values()),
                remedy=did_you_mean(name, CHANGES),
            )
        cadence = _APPLY[name](cadence, text, seed)
        if name == "after":
            observed = Path(text.partition("@")[0])
            files[observed.name] = file_sha256(observed)
    return cadence


def check_spelling(runs: Iterable[object]) -> None:
    """Refuse runs that are misspelt, before any of them is read: unknown names, files, changes, values.

    Parameters
    ----------
    runs : iterable
        The runs; only texts are looked at.

    Raises
    ------
    InputError
        If a text names no file and no strategy, or a change or value that there is not.
    """
    for run in runs:
        if isinstance(run, str):
            for part in [run] if Path(run).is_file() else run.split("+"):
                _check_part(part.strip())


def _check_part(part: str) -> None:
    head, *words = [part] if Path(part).is_file() else part.split(":")
    stand_in = part
    if head and (Path(head).exists() or "/" in head or Path(head).suffix):
        _existing(head)
        stand_in = ":".join(["baseline", *words])  # changes are looked at without reading the table
    changes = []
    for word in stand_in.split(":")[1:]:
        name, text = _split(word)
        if name == "after":
            _existing(text.partition("@")[0])
            if "@" in text:
                _number(text.partition("@")[2], "after=FILE@MJD")
        elif stand_in is not part and name not in _APPLY:
            raise InputError(
                f"run {part!r}: no change is called {name!r}",
                allowed=", ".join(spelling for spelling, _ in CHANGES.values()),
                remedy=did_you_mean(name, CHANGES),
            )
        else:
            changes.append(word)
    _open_part(":".join([stand_in.split(":")[0], *changes]), 0, None, {}, {})


def _existing(file: str) -> None:
    if not Path(file).exists():
        raise InputError(f"survey table {file} does not exist", remedy=_like_a_file(Path(file)))


def _like_a_file(path: Path) -> str:
    folder = path.parent
    return did_you_mean(path.name, [p.name for p in folder.iterdir()]) if folder.is_dir() else ""


def _split(word: str) -> tuple[str, str]:
    name, _, text = word.partition("=")
    return name.strip().lower().replace("_", "-"), text.strip()


def _knob(name: str, text: str) -> Any:
    """Read a knob: 0.4, 3, 'lsst-v5', '1 2 3' (years) or 'u=96 y=0' is written u96,y0."""
    if name == "preset":
        return text
    if name == "seed":
        return int(_number(text, name))
    if name == "rolling_years":
        return tuple(int(_number(part, name)) for part in text.split(",") if part)
    if name in ("visits_per_band", "exposure_time"):
        pairs = [re.fullmatch(r"([a-z]{1,2})([\d.]+)", part) for part in text.split(",")]
        if not all(pairs):
            raise InputError(f"{name} = {text!r}", allowed="band and number, e.g. u96,y0")
        return {pair[1]: float(pair[2]) for pair in pairs if pair}
    return _number(text, name)


def unique_names(runs: Sequence[Run]) -> list[Run]:
    """Make sure that no two runs have one name.

    Parameters
    ----------
    runs : sequence of Run
        The runs.

    Returns
    -------
    list of Run
        The runs; where a name is repeated, later ones get a number.
    """
    seen: dict[str, int] = {}
    named = []
    for run in runs:
        seen[run.name] = count = seen.get(run.name, 0) + 1
        name = run.name if count == 1 else f"{run.name} ({count})"
        named.append(replace(run, name=name))
    return named
