"""Stars whose periods the model's posterior is calibrated on: simulated, without a period, and real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.classify.labelled import class_mix_for, mix_light_curves
from pelsvae_cadence.classify.observing import positions_of
from pelsvae_cadence.core.arrays import BoolArray, FloatArray, IntArray, StrArray, StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.periods.grid import PERIOD_RANGE
from pelsvae_cadence.periods.verdicts import TOLERANCE
from pelsvae_cadence.validate.inference.answers import answers_of_posterior, drift
from pelsvae_cadence.validate.inference.real_sets import real_set
from pelsvae_cadence.validate.periods.false_alarms import without_period

__all__ = ["BANK_SEEDS", "CalibrationSample", "calibration_sample"]

#: Seeds below this one draw the shapes that stars are compared with: no star may share them.
BANK_SEEDS: Final = 10
_YEARS: Final = (0.3, 1.0, 2.0, 5.0)
# Surveys: name of the mix, of the preset, and magnitudes in r from bright stars to below the depth.
_SURVEYS: Final[tuple[tuple[Literal["lsst", "ztf"], str, tuple[float, float]], ...]] = (
    ("lsst", "lsst-v3", (18.0, 24.0)),
    ("ztf", "ztf", (15.0, 20.5)),
)
_LEAST_VISITS: Final = 300
_PERMUTED: Final = 4  # one of so many stars is read with its fluxes permuted, too
_FEWEST_POINTS: Final = 12
# Real sets, their classes, the classes that the prior knows (all if it is empty), and how many times n
# stars of each.
_REAL: Final[tuple[tuple[str, tuple[str, ...] | None, tuple[str, ...], int], ...]] = (
    ("ps1", None, (), 3),
    ("ps1", None, ("RRLYR",), 3),
    ("stripe82_8", None, (), 3),
    ("stripe82_8", None, ("RRLYR",), 3),
    *(
        (name, (star_class,), (), 1)
        for name in ("eros1_30", "eros1")
        for star_class in ("RRLYR", "CEP", "ECL")
    ),
)


@dataclass(frozen=True, kw_only=True)
class CalibrationSample(StructOfArrays):
    """What the posterior states of stars whose periods are known.

    Parameters
    ----------
    source : ndarray of str, shape (N,)
        Where the stars are from.
    true_class : ndarray of str, shape (N,)
        Their classes; "none" for stars without a period.
    star_class : ndarray of str, shape (N,)
        The most probable classes.
    n_points : ndarray of int64, shape (N,)
        Points used.
    probability : ndarray of float64, shape (N,)
        Raw probabilities that the periods are right.
    right : ndarray of bool, shape (N,)
        Whether they are: a drift below a tenth of a cycle over the star's span.
    """

    source: StrArray
    true_class: StrArray
    star_class: StrArray
    n_points: IntArray
    probability: FloatArray
    right: BoolArray

    def __post_init__(self) -> None:
        n = self.source.size
        for name in ("source", "true_class", "star_class", "n_points", "probability", "right"):
            value = getattr(self, name)
            if value.shape != (n,):
                raise InputError(f"{name} has shape {value.shape} for {n} stars")
            freeze(value)


@dataclass(frozen=True, kw_only=True)
class _Stars:
    """Stars of one source, to be read with one prior; a period is NaN where there is none."""

    source: str
    true_class: StrArray
    period: FloatArray
    light_curves: LightCurves
    period_range: tuple[float, float]
    other_period: FloatArray | None = None
    prior_classes: tuple[str, ...] = ()


def calibration_sample(
    model: LightCurveModel,
    n: int,
    *,
    seed: int,
    data: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CalibrationSample:
    """Read stars with the model and see which periods are right.

    Parameters
    ----------
    model : LightCurveModel
        The model that draws the simulated stars and reads all.
    n : int
        Simulated stars of each class in each survey, evenly over spans of .3, 1, 2 and 5 years, each at a
        position of its own; one of four is read a second time with its fluxes permuted. Of real stars, all
        out of those that methods may be chosen on, up to 3 n of each set; RR Lyrae stars are read twice, with
        all classes in the prior and with their own alone.
    seed : int
        Seed of surveys, positions, stars, noise and choice; `BANK_SEEDS` or more.
    data : Path, optional
        Folder of the real data; simulated stars alone without it.
    progress : callable, optional
        Called with (stars read, stars in all).

    Returns
    -------
    CalibrationSample
        One row per star that has an answer.

    Raises
    ------
    InputError
        If the seed is one of a shape bank, or n is less than 1.
    """
    if seed < BANK_SEEDS:
        raise InputError(
            f"seed {seed} of the calibration",
            allowed=f"{BANK_SEEDS} or more",
            remedy="Smaller seeds draw the shapes that stars are compared with.",
        )
    if n < 1:
        raise InputError(f"n = {n!r}", allowed="1 or more")
    parts = list(_simulated(model, n, seed))
    if data is not None:
        parts += list(_real(data, n, seed))
    total, done = sum(part.period.size for part in parts), 0
    rows = []
    for part in parts:
        rows.append(_read(model, part, None if progress is None else _shifted(progress, done, total)))
        done += part.period.size
    return CalibrationSample.concatenate(rows)


def _shifted(progress: Callable[[int, int], None], done: int, total: int) -> Callable[[int, int], None]:
    return lambda here, _: progress(done + here, total)


def _simulated(model: LightCurveModel, n: int, seed: int) -> Iterator[_Stars]:
    for name, preset, magnitudes in _SURVEYS:
        survey = SyntheticSurvey(preset=preset, seed=seed)
        positions = positions_of(survey, len(_YEARS), seed=seed, min_visits=_LEAST_VISITS)
        for k, (years, (ra, dec)) in enumerate(zip(_YEARS, positions, strict=True)):
            each = len(range(k, n, len(_YEARS)))
            visits = survey.at(ra, dec)
            visits = visits.take(np.flatnonzero(visits.mjd - visits.mjd[0] < years * JULIAN_YEAR))
            # A young survey may not have come back to a position yet.
            if not each or len(visits) < _FEWEST_POINTS:
                continue
            mix = class_mix_for(name, stars_per_class=each, magnitude_range=magnitudes, seed=seed)
            seen = mix_light_curves(mix, visits, ra, dec, model=model)
            yield _Stars(
                source=f"simulated {name}",
                true_class=seen.label,
                period=seen.period,
                light_curves=seen.light_curves,
                period_range=PERIOD_RANGE,
            )
            # Neighbours in this order are of one class: the shift brings all classes in, whatever n.
            chosen = np.arange(k % _PERMUTED, len(seen.light_curves), _PERMUTED)
            yield _Stars(
                source=f"permuted {name}",
                true_class=np.full(chosen.size, "none"),
                period=np.full(chosen.size, np.nan),
                light_curves=without_period(seen.light_curves.take(chosen), seed=seed),
                period_range=PERIOD_RANGE,
            )


def _real(data: Path, n: int, seed: int) -> Iterator[_Stars]:
    for name, classes, prior_classes, times in _REAL:
        stars = real_set(name, data, part="tuning", n=times * n, seed=seed, classes=classes)
        yield _Stars(
            source=" of ".join((name, *prior_classes)),
            true_class=stars.star_class,
            period=stars.period,
            light_curves=stars.light_curves,
            period_range=stars.period_range,
            other_period=stars.other_period,
            prior_classes=prior_classes,
        )


def _read(
    model: LightCurveModel, stars: _Stars, progress: Callable[[int, int], None] | None
) -> CalibrationSample:
    posterior = infer(
        stars.light_curves,
        model=model,
        priors=Priors(classes=dict.fromkeys(stars.prior_classes, 1.0)) if stars.prior_classes else Priors(),
        period_range=stars.period_range,
        n_candidates=1,
        calibrated=False,
        progress=progress,
    )
    answers = answers_of_posterior(posterior)
    cycles = drift(answers, stars.light_curves, stars.period)
    if stars.other_period is not None:
        cycles = np.fmin(cycles, drift(answers, stars.light_curves, stars.other_period))
    known = np.isfinite(posterior.period)
    return CalibrationSample(
        source=np.full(int(known.sum()), stars.source),
        true_class=stars.true_class[known],
        star_class=posterior.star_class[known],
        n_points=posterior.n_points[known],
        probability=posterior.period_probability[known],
        right=(cycles < TOLERANCE)[known],
    )
