"""Figures of real stars, set by set, as they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from pelsvae_cadence.core.arrays import BoolArray
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.validate.inference.answers import Method
from pelsvae_cadence.validate.inference.readings import CRITERIA, Reading, read
from pelsvae_cadence.validate.inference.real_sets import RealSet, real_set
from pelsvae_cadence.validate.inference.shares import paired
from pelsvae_cadence.validate.report import Figure, share_error

__all__ = ["PriorChoice", "read_real_set", "real_set_figures"]

#: Priors that a set is read with: that of its targets, all classes alike, or one after the other.
PriorChoice = Literal["targets", "all", "both"]

#: The classes of EROS-1 that are judged: OGLE lists another of the several periods of its LPV.
_EROS_CLASSES: Final = ("RRLYR", "CEP", "ECL")


@dataclass(frozen=True, kw_only=True)
class _Requirement:
    """What must hold of a set: which stars, what is counted, and how many of them."""

    who: str = ""
    criterion: str = "within 1 %"
    least: float | None = None
    most: float | None = None
    note: str = ""


_REQUIREMENTS: Final[dict[str, tuple[_Requirement, ...]]] = {
    "ps1": (
        _Requirement(least=0.88, note="template fits on these points (Sesar et al. 2017) 0.82"),
        _Requirement(who="RRab", least=0.93, note="template fits 0.94"),
        _Requirement(who="RRc", least=0.75, note="template fits 0.41"),
        _Requirement(criterion="one of five within 1 %"),
    ),
    "stripe82_8": (
        _Requirement(least=0.95, note="FastTemplatePeriodogram's authors, on other stars 0.96"),
        _Requirement(who="RRab"),
        _Requirement(who="RRc"),
    ),
    "stripe82": (_Requirement(), _Requirement(who="RRab"), _Requirement(who="RRc")),
    "eros1_30": (
        _Requirement(who="mean of classes", least=0.80),
        *(_Requirement(who=name) for name in _EROS_CLASSES),
        _Requirement(who="ECL", criterion="within 1 %, halves allowed"),
        _Requirement(who="mean of classes", criterion="class"),
    ),
    "eros1": (
        _Requirement(who="RRLYR", least=0.96),
        _Requirement(who="CEP", least=0.93),
        _Requirement(who="ECL", criterion="within 1 %, halves allowed", least=0.95),
        *(_Requirement(who=name, criterion="class", least=0.90) for name in _EROS_CLASSES),
    ),
    "crater2": (_Requirement(least=0.96), _Requirement(who="RRab"), _Requirement(who="RRd", least=0.85)),
    "field": (_Requirement(least=0.75), _Requirement(criterion="doubled", most=0.03)),
    "sculptor": (_Requirement(least=0.90), _Requirement(criterion="doubled")),
    "m31": (_Requirement(least=0.75),),
    "ztf": (_Requirement(who="EA", least=0.75), _Requirement(who="EA", criterion="absurd", most=0.05)),
}


def read_real_set(
    data: Path,
    name: str,
    n: int | None,
    ours: Method,
    theirs: Method,
    *,
    seed: int = 0,
    priors: PriorChoice = "both",
) -> list[Reading]:
    """Let both methods read test stars of a set of real stars.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    name : str
        Out of `REAL_SETS`.
    n : int or None
        Stars at most of the set; of EROS-1, of each class. All by default.
    ours, theirs : callable
        The method that is judged, and the one beside it.
    seed : int
        Seed of the choice.
    priors : {"both", "targets", "all"}
        Read the set with the classes that its targets were measured with, with all classes alike, or both.

    Returns
    -------
    list of Reading
        One for each prior; one where the targets were measured with all classes.

    Raises
    ------
    InputError
        If the set is unknown or its files are missing.
    """
    stars = _stars(data, name, n, seed)
    known = stars.template_classes
    wanted: list[tuple[str, ...]] = [known] if priors != "all" else []
    wanted += [()] if priors != "targets" else []
    return read(stars, ours, theirs, list(dict.fromkeys(wanted)))


def _stars(data: Path, name: str, n: int | None, seed: int) -> RealSet:
    if not name.startswith("eros1"):
        return real_set(name, data, part="test", n=n, seed=seed)
    parts = [real_set(name, data, part="test", n=n, seed=seed, classes=(c,)) for c in _EROS_CLASSES]
    joined: dict[str, Any] = {
        key: np.concatenate([getattr(part, key) for part in parts])
        for key in ("star", "star_class", "subtype", "period", "tuning")
    }
    curves = LightCurves.concatenate([part.light_curves for part in parts])
    return RealSet(name=name, light_curves=curves, period_range=parts[0].period_range, **joined)


def real_set_figures(readings: Sequence[Reading], *, seed: int = 0) -> list[Figure]:
    """Judge readings of real stars.

    Parameters
    ----------
    readings : sequence of Reading
        As `read_real_set` gives them.
    seed : int
        Seed of the bootstrap of paired differences.

    Returns
    -------
    list of Figure
        Shares, with their targets where the reading has the prior that they speak of; in the notes number of
        stars, binomial error, the share of the search and the paired difference with its interval of
        95.4 per cent. A target without a star to judge it by has no value and is neither met nor missed.
    """
    return [
        figure
        for reading in readings
        for need in _REQUIREMENTS[reading.stars.name]
        if (figure := _figure(reading, need, seed)) is not None
    ]


def _figure(reading: Reading, need: _Requirement, seed: int) -> Figure | None:
    count = CRITERIA[need.criterion]
    ours, theirs = count(reading.ours, reading.stars), count(reading.theirs, reading.stars)
    groups = _groups(reading.stars, need.who)
    sizes = [int(group.sum()) for group in groups]
    who = f", {need.who}" if need.who else ""
    title = f"{reading.stars.name} ({reading.prior_words}){who}: {need.criterion}"
    low = -np.inf if need.least is None or not reading.held else need.least
    high = np.inf if need.most is None or not reading.held else need.most
    if not all(sizes):
        if np.isinf(low) and np.isinf(high):
            return None
        target = f">= {low:g}" if np.isinf(high) else f"<= {high:g}"
        return Figure(name=title, value=float("nan"), target=target, note="not judged: no such star was read")
    shares = [float(ours[group].mean()) for group in groups]
    value = float(np.mean(shares))
    errors = [share_error(share, n) for share, n in zip(shares, sizes, strict=True)]
    error = float(np.sqrt(np.sum(np.square(errors)))) / len(errors)
    words = [f"n = {' + '.join(map(str, sizes))}, +-{error:.3f}"]
    if need.criterion != "class":
        some = np.logical_or.reduce(groups)
        beside = float(np.mean([theirs[group].mean() for group in groups]))
        words.append(f"search {beside:.3f}, difference {paired(ours[some], theirs[some], seed=seed)}")
    words += [need.note] if need.note and reading.held else []
    words += [] if reading.held else ["beside it, for information"]
    return Figure.within(title, value, low, high, note="; ".join(words))


def _groups(stars: RealSet, who: str) -> list[BoolArray]:
    """Give the stars that are meant: all, a class or subtype, or each class by itself."""
    if not who:
        return [np.ones(len(stars), dtype=np.bool_)]
    if who == "mean of classes":
        return [np.asarray(stars.star_class == name) for name in _EROS_CLASSES]
    return [np.asarray((stars.star_class == who) | (stars.subtype == who))]
