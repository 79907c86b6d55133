"""Labelled stars: drawn at a sky position, observed, searched, measured."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS, LSST_BANDS, ZTF_BANDS, SurveyName
from pelsvae_cadence.cadence.synthetic.cells import sky_cell
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.classify.features.extraction import FeatureWarning, extract
from pelsvae_cadence.classify.features.table import FEATURE_GROUPS, FeatureTable
from pelsvae_cadence.classify.features.true_parameters import true_parameters
from pelsvae_cadence.classify.star_to_star import flicker, observe_again, scattered_magnitudes
from pelsvae_cadence.core.arrays import StructOfArrays, freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import time_span
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods import search
from pelsvae_cadence.periods.grid import PERIOD_RANGE
from pelsvae_cadence.periods.verdicts import judge
from pelsvae_cadence.photometry.magnitudes import at_magnitude, mean_magnitudes
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.stars import (
    MOST_STARS_AT_POSITION,
    POSITION_NSIDE,
    Stars,
    numbers_at_position,
    position_of,
)

if TYPE_CHECKING:
    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = [
    "CONSTANT",
    "CONTAMINANT",
    "LABELS",
    "SURVEY_BANDS",
    "ClassMix",
    "LabelledStars",
    "ObservedMix",
    "class_mix_for",
    "mix_light_curves",
    "observe_mix",
    "star_numbers",
]

FloatArray = npt.NDArray[np.float64]

#: Stars that do not vary, and sources that vary without a period.
CONSTANT: Final = "constant"
CONTAMINANT: Final = "contaminant"
#: Everything that can be told apart, in order.
LABELS: Final = (*STAR_CLASSES, CONSTANT, CONTAMINANT)

_DEFAULT_MAGNITUDES: Final[dict[SurveyName, tuple[str, tuple[float, float]]]] = {
    "lsst": ("r", (17.0, 23.0)),
    "ztf": ("zr", (14.0, 19.5)),
    "joint": ("r", (17.0, 19.5)),
}
#: The bands in which a survey observes.
SURVEY_BANDS: Final[dict[SurveyName, tuple[str, ...]]] = {
    "lsst": LSST_BANDS,
    "ztf": ZTF_BANDS,
    "joint": (*LSST_BANDS, *ZTF_BANDS),
}


@dataclass(frozen=True, kw_only=True)
class ClassMix:
    """Which stars are told apart.

    Parameters
    ----------
    classes : tuple of str
        Labels out of `LABELS`: the eight classes by default; ``"constant"`` stars and aperiodic
        ``"contaminant"`` sources on request.
    stars_per_class : int
        Stars of each label at each position.
    magnitude_range : tuple of float
        Mean magnitudes, drawn evenly in between, alike for all labels.
    reference_band : str
        The band of these magnitudes.
    bands : tuple of str
        Bands that are observed and measured; visits in others are left out.
    groups : tuple of str
        Groups of features that are measured. All of them by default; the classifier chooses.
    star_to_star : bool
        Let stars differ from the colours and amplitude ratios of their class
        (`pelsvae_cadence.classify.star_to_star`).
    seed : int
        Seed of stars and noise.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    classes: tuple[str, ...] = STAR_CLASSES
    stars_per_class: int = 10
    magnitude_range: tuple[float, float] = (17.0, 23.0)
    reference_band: str = "r"
    bands: tuple[str, ...] = LSST_BANDS
    groups: tuple[str, ...] = tuple(FEATURE_GROUPS)
    star_to_star: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        for name in self.classes:
            if name not in LABELS:
                raise InputError(f"unknown class {name!r} to tell apart", allowed=", ".join(LABELS))
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise InputError(f"classes = {list(self.classes)!r}", allowed="one or more, none twice")
        if not 1 <= self.stars_per_class < MOST_STARS_AT_POSITION:
            raise InputError(
                f"stars_per_class = {self.stars_per_class!r}", allowed=f"1 .. {MOST_STARS_AT_POSITION - 1}"
            )
        low, high = self.magnitude_range
        if not 0.0 < low <= high < 40.0:
            raise InputError(
                f"magnitude_range = {self.magnitude_range!r}", allowed="0 < bright <= faint < 40"
            )
        for band in (self.reference_band, *self.bands):
            if band not in BANDS:
                raise InputError(f"unknown band {band!r}", allowed=", ".join(BANDS))


def class_mix_for(survey: SurveyName, **options: Any) -> ClassMix:
    """Make the usual mix of a survey: its bands, and magnitudes from saturation to its depth.

    Parameters
    ----------
    survey : {"lsst", "ztf", "joint"}
        The survey.
    **options
        Other values of `ClassMix`.

    Returns
    -------
    ClassMix
        r = 17 to 23 in six bands for LSST, 14 to 19.5 in three bands for ZTF, 17 to 19.5 in nine
        bands for both together.
    """
    band, magnitudes = _DEFAULT_MAGNITUDES[survey]
    usual: dict[str, Any] = {
        "reference_band": band,
        "magnitude_range": magnitudes,
        "bands": SURVEY_BANDS[survey],
    }
    return ClassMix(**(usual | options))


@dataclass(frozen=True, kw_only=True)
class LabelledStars(StructOfArrays):
    """Stars with what was measured of them and what they are.

    Parameters
    ----------
    features : FeatureTable
        Measured features of N stars.
    truth : FeatureTable
        Their true parameters (`pelsvae_cadence.classify.features.true_parameters`).
    label : ndarray of str, shape (N,)
        What they are.
    ra, dec : ndarray of float64, shape (N,)
        Their positions in degrees.
    magnitude : ndarray of float64, shape (N,)
        Mean magnitude in the reference band.
    distance_modulus : ndarray of float64, shape (N,)
        True distance modulus in mag; no feature knows it.
    recovered : ndarray of bool, shape (N,)
        Whether the search found their period (verdict "exact").
    """

    features: FeatureTable
    truth: FeatureTable
    label: npt.NDArray[np.str_]
    ra: FloatArray
    dec: FloatArray
    magnitude: FloatArray
    distance_modulus: FloatArray
    recovered: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.features)
        for name in ("truth", "label", "ra", "dec", "magnitude", "distance_modulus", "recovered"):
            value = getattr(self, name)
            if len(value) != n:
                raise InputError(f"{name} is of {len(value)} stars, features of {n}")
            if name != "truth":
                freeze(value)

    @property
    def position(self) -> npt.NDArray[np.int64]:
        """Number of each star's sky position: its HEALPix pixel at nside 8192, nested."""
        return position_of(self.features.star_id)


def star_numbers(ra: float, dec: float, label: str, n: int) -> npt.NDArray[np.int64]:
    """Give the stars of a position and label their numbers.

    They depend on position and label alone: two surveys observe the same stars.

    Parameters
    ----------
    ra, dec : float
        Position in degrees.
    label : str
        One of `LABELS`.
    n : int
        Number of stars.

    Returns
    -------
    ndarray of int64, shape (n,)
        For the eight classes those of
        `pelsvae_cadence.metrics.position.observe.stars_of_position`.
    """
    return numbers_at_position(int(sky_cell(POSITION_NSIDE, ra % 360.0, dec)), (label, None), n)


def observe_mix(
    mix: ClassMix,
    visits: Visits,
    ra: float,
    dec: float,
    *,
    model: LightCurveModel,
    ebv: float = 0.0,
    baseline: float | None = None,
    period_range: tuple[float, float] = PERIOD_RANGE,
    drawn: dict[str, tuple[Stars, PhaseCurve]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> LabelledStars:
    """Draw the stars of a mix at a position, observe them, search their periods, measure them.

    Parameters
    ----------
    mix : ClassMix
        Which stars.
    visits : Visits
        The visits to the position.
    ra, dec : float
        The position in degrees.
    model : LightCurveModel
        Source of the stars and of their curves.
    ebv : float
        True E(B-V) in mag.
    baseline : float, optional
        Time span of the survey in days; that of the visits by default.
    period_range : tuple of float
        Range of trial periods in days.
    drawn : dict, optional
        Memory of drawn stars by label, read and filled: the same stars under other visits need
        not be drawn again.
    progress : callable, optional
        Called with the number of stars done, star by star.

    Returns
    -------
    LabelledStars
        The stars, label after label.
    """
    seen = mix_light_curves(mix, visits, ra, dec, model=model, ebv=ebv, drawn=drawn)
    together = seen.light_curves
    if baseline is None:
        baseline = time_span(visits.mjd[np.isin(visits.band, mix.bands)])
    before = 0

    def step(done: int, _: int) -> None:
        nonlocal before
        if progress is not None:
            progress(done - before)
        before = done

    found = search(together, baseline=baseline, period_range=period_range, progress=step)
    if progress is not None:
        progress(len(together) - before)
    exact = judge(found, seen.period).verdict == "exact"
    n = len(together)
    with warnings.catch_warnings():
        # Positions without a band are the survey's doing, and come by the dozen in a young one.
        warnings.simplefilter("ignore", FeatureWarning)
        features = extract(together, found, bands=mix.bands, groups=mix.groups)
    return LabelledStars(
        features=features,
        truth=seen.truth,
        label=seen.label,
        ra=np.full(n, float(ra)),
        dec=np.full(n, float(dec)),
        magnitude=seen.magnitude,
        distance_modulus=seen.distance_modulus,
        recovered=exact & np.isin(seen.label, STAR_CLASSES),
    )


@dataclass(frozen=True, kw_only=True)
class ObservedMix(StructOfArrays):
    """The stars of a mix at a position, and what a survey sees of them before anything is measured.

    Parameters
    ----------
    light_curves : LightCurves
        Light curves of N stars.
    label : ndarray of str, shape (N,)
        What they are.
    period : ndarray of float64, shape (N,)
        True periods in days.
    magnitude, distance_modulus : ndarray of float64, shape (N,)
        Mean magnitude in the reference band, and distance modulus, in mag.
    truth : FeatureTable
        Their true parameters.
    """

    light_curves: LightCurves
    label: npt.NDArray[np.str_]
    period: FloatArray
    magnitude: FloatArray
    distance_modulus: FloatArray
    truth: FeatureTable


def mix_light_curves(
    mix: ClassMix,
    visits: Visits,
    ra: float,
    dec: float,
    *,
    model: LightCurveModel,
    ebv: float = 0.0,
    drawn: dict[str, tuple[Stars, PhaseCurve]] | None = None,
) -> ObservedMix:
    """Draw the stars of a mix at a position and observe them.

    Parameters
    ----------
    mix : ClassMix
        Which stars.
    visits : Visits
        The visits to the position.
    ra, dec : float
        The position in degrees.
    model : LightCurveModel
        Source of the stars and of their curves.
    ebv : float
        True E(B-V) in mag.
    drawn : dict, optional
        Memory of drawn stars by label, read and filled: the same stars under other visits need
        not be drawn again.

    Returns
    -------
    ObservedMix
        The stars, label after label.
    """
    visits = visits.take(np.isin(visits.band, mix.bands))
    memory = {} if drawn is None else drawn
    curves, truths, labels, periods, placed = [], [], [], [], []
    for label in mix.classes:
        if label not in memory:
            memory[label] = _draw(mix, label, ra, dec, model, ebv)
        stars, curve = memory[label]
        light_curves, place = _observe(mix, label, stars, curve, visits)
        curves.append(light_curves)
        truths.append(true_parameters(stars, curve, variable=label in STAR_CLASSES))
        labels += [label] * len(stars)
        periods.append(stars.period)
        placed.append(place)
    return ObservedMix(
        light_curves=LightCurves.concatenate(curves),
        label=np.array(labels, dtype=np.str_),
        period=np.concatenate(periods),
        magnitude=np.concatenate([magnitude for magnitude, _ in placed]),
        distance_modulus=np.concatenate([modulus for _, modulus in placed]),
        truth=FeatureTable.concatenate(truths),
    )


def _draw(
    mix: ClassMix, label: str, ra: float, dec: float, model: LightCurveModel, ebv: float
) -> tuple[Stars, PhaseCurve]:
    numbers = star_numbers(ra, dec, label, mix.stars_per_class)
    options: dict[str, Any] = {"seed": mix.seed, "ra": ra, "dec": dec, "ebv": ebv}
    if label in STAR_CLASSES:
        stars = model.sample(label, star_id=numbers, **options)
        return stars, model.phase_curve(stars, seed=mix.seed)
    # The others share the colours of the eight classes, class after class, so that colour alone
    # does not give them away.
    parts = [
        model.sample(name, star_id=numbers[k :: len(STAR_CLASSES)], **options)
        for k, name in enumerate(STAR_CLASSES)
        if numbers[k :: len(STAR_CLASSES)].size
    ]
    stars = Stars.concatenate(parts)
    return stars, model.phase_curve(stars, seed=mix.seed)


def _observe(
    mix: ClassMix, label: str, stars: Stars, curve: PhaseCurve, visits: Visits
) -> tuple[LightCurves, tuple[FloatArray, FloatArray]]:
    """Observe stars at their magnitudes; give these and the distance moduli beside the points."""
    random = KeyedRandom(seed=mix.seed)
    low, high = mix.magnitude_range
    magnitude = low + (high - low) * random.uniform("classified magnitude", stars.star_id)
    placed = at_magnitude(stars, mix.reference_band, magnitude)
    place = magnitude, placed.distance_modulus
    light_curves = simulate(placed, visits, seed=mix.seed, curve=curve)
    if not len(visits) or not (mix.star_to_star or label not in STAR_CLASSES):
        return light_curves, place
    if label in STAR_CLASSES:
        mag_true = light_curves.mag_true.reshape(len(stars), len(visits))
    else:
        bands = visits.bands
        mag_true = mean_magnitudes(placed, bands)[:, [bands.index(b) for b in visits.band.tolist()]]
    if mix.star_to_star:
        mag_true = scattered_magnitudes(placed, visits, mag_true, random, reference_band=mix.reference_band)
    if label == CONTAMINANT:
        mag_true = mag_true + flicker(stars.star_id, visits.mjd, random)
    return observe_again(light_curves, visits, mag_true), place
