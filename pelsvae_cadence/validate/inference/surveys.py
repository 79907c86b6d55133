"""Figures of stars at LSST visits of one, two and ten years: real stars, and shapes no model has seen."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from pelsvae_cadence.core.arrays import BoolArray
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.validate.inference.answers import Method
from pelsvae_cadence.validate.inference.at_visits import first_years, stars_at_visits, wide_visits
from pelsvae_cadence.validate.inference.readings import CRITERIA, Reading, read
from pelsvae_cadence.validate.inference.real_sets import RealSet
from pelsvae_cadence.validate.inference.shares import paired
from pelsvae_cadence.validate.periods.control import CONTROL_CLASSES, control_sample, control_visits
from pelsvae_cadence.validate.report import Figure

__all__ = [
    "YEARS",
    "read_real_stars_at_visits",
    "read_unseen_shapes",
    "real_star_figures_at_visits",
    "unseen_shape_figures",
]

#: Years of the survey.
YEARS: Final = (1.0, 2.0, 10.0)
_GAIN_OF_A_YEAR: Final = 0.10
_KINDS: Final = tuple(kind for kind in CONTROL_CLASSES if kind != "constant")
_BINARIES: Final = ("EA", "EW")
# Control sources of a kind that share a cadence.
_TOGETHER: Final = 10
_BLIND: Final = (0.03, 1000.0)


def read_real_stars_at_visits(
    data: Path, years: float, n: int, ours: Method, theirs: Method, *, seed: int = 0
) -> Reading:
    """Let both methods read real stars at the first years of the baseline's visits: n of each source."""
    (reading,) = read(first_years(_at_visits(data, n, seed), years), ours, theirs)
    return reading


@lru_cache(maxsize=1)
def _at_visits(data: Path, n: int, seed: int) -> RealSet:
    return stars_at_visits(data, wide_visits(data), n, seed=seed)


def read_unseen_shapes(years: float, n: int, ours: Method, theirs: Method, *, seed: int = 0) -> Reading:
    """Let both methods read n analytic control sources of each kind after some years."""
    (reading,) = read(_control(n, years, seed), ours, theirs)
    return reading


def _control(n: int, years: float, seed: int) -> RealSet:
    samples = []
    for position in range(math.ceil(n / _TOGETHER)):
        size = min(_TOGETHER, n - position * _TOGETHER)
        key = 1000 * seed + 300 + position
        samples.append(control_sample(control_visits(key, years), list(_KINDS) * size, seed=key))
    kind = np.concatenate([sample.kind for sample in samples])
    return RealSet(
        name="unseen",
        star=np.array([f"{name} {k}" for k, name in enumerate(kind.tolist())]),
        star_class=kind,
        subtype=np.full(kind.size, "", dtype="U1"),
        period=np.concatenate([sample.period for sample in samples]),
        tuning=np.zeros(kind.size, dtype=np.bool_),
        light_curves=LightCurves.concatenate([sample.light_curves for sample in samples]),
        period_range=_BLIND,
    )


def real_star_figures_at_visits(reading: Reading, years: float, *, seed: int = 0) -> list[Figure]:
    """Judge real stars at visits: gain over the search, by class and over all, with paired intervals.

    In years one and two every class must gain, however little, unless the search has found all of its
    periods; of one year all together must gain a tenth. In year ten no class may lose beyond the error.
    """
    figures = []
    for name, here in _parts(reading.stars):
        if years == YEARS[0] and name == "all":
            figures.append(_gain("real stars", years, name, reading, here, seed, least=_GAIN_OF_A_YEAR))
        else:
            above = years < YEARS[-1]
            figures.append(_gain("real stars", years, name, reading, here, seed, above=above))
    return figures


def unseen_shape_figures(reading: Reading, years: float, *, seed: int = 0) -> list[Figure]:
    """Judge shapes that no model has seen: never below the search, binaries of one year above it."""
    figures = []
    for name, here in _parts(reading.stars):
        above = years == YEARS[0] and name in _BINARIES
        figures.append(_gain("unseen shapes", years, name, reading, here, seed, above=above))
    return figures


def _parts(stars: RealSet) -> list[tuple[str, BoolArray]]:
    everything = ("all", np.ones(len(stars), dtype=np.bool_))
    names = list(dict.fromkeys(stars.star_class.tolist()))
    return [everything, *((name, np.asarray(stars.star_class == name)) for name in names)]


def _gain(
    words: str,
    years: float,
    name: str,
    reading: Reading,
    here: BoolArray,
    seed: int,
    *,
    least: float | None = None,
    above: bool = False,
) -> Figure:
    """Compare exact periods with those of the search: a gain that is required is not helped by its error."""
    exact = CRITERIA["drift < 0.1"]
    ours, theirs = (exact(answers, reading.stars)[here] for answers in (reading.ours, reading.theirs))
    gain = paired(ours, theirs, seed=seed)
    title = f"{words}, {years:g} yr, {name}: drift < 0.1, less the search"
    note = (
        f"{ours.mean():.3f} less {theirs.mean():.3f}, n = {int(here.sum())}; "
        f"{gain.low:+.3f} .. {gain.high:+.3f}"
    )
    if least is not None:
        return Figure.within(title, gain.difference, least, note=note)
    if above and not theirs.all():
        passed = gain.difference > 0.0
        return Figure(name=title, value=gain.difference, target="> 0", passed=passed, note=note)
    return Figure.within(title, gain.difference, 0.0, error=gain.error, note=note)
