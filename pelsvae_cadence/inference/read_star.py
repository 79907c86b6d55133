"""Read one star: compare its points with all shapes at all frequencies, and give the modes of its posterior."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.inference.bank import GroupShapes, ShapeBank, shape_bank
from pelsvae_cadence.inference.matching import GroupDesign
from pelsvae_cadence.inference.modes import Mode, class_modes, free_modes
from pelsvae_cadence.inference.no_period import no_period_evidence, smoothness_gain
from pelsvae_cadence.inference.physics.draws import draw_samples
from pelsvae_cadence.inference.physics.dust import DustPrior
from pelsvae_cadence.inference.physics.samples import StarSamples
from pelsvae_cadence.inference.points import StarPoints, star_points
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.inference.scan import coarse_design, every_frequency, peaks_and_multiples
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.periods.eclipses import narrow_eclipses
from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.periodogram import highest_peaks, periodograms
from pelsvae_cadence.periods.series import joint_series

__all__ = ["StarReading", "read_star"]

FloatArray = npt.NDArray[np.float64]

_PEAKS: Final = 60
# Peaks at which shapes unlike all classes are tried, of stars with few and with many points.
_FREE_PEAKS: Final = 12
_FREE_PEAKS_OF_MANY: Final = 5
# Multiples of the frequency of narrow dips that may be the orbit's; the prior share of binaries with
# eclipses narrower than those of the model.
_ORBITS: Final = np.array([0.5, 1.0, 2.0])
_NARROW_SHARE: Final = 0.1
_MOST_HARMONICS: Final = 20  # in the match of all members; their fits use all
_OVERSAMPLING: Final = 5.0
_LEAST_POINTS: Final = 5


class _Reader:
    """A shape bank made ready for stars with the same bands."""

    def __init__(self, bank: ShapeBank, classes: tuple[str, ...]) -> None:
        groups = [g for g in bank.groups if g.star_class in classes]
        self.fine = tuple(GroupDesign.of(g, most_harmonics=_MOST_HARMONICS) for g in groups)
        self.coarse = tuple(coarse_design(g) for g in groups)
        #: Index of the subtype that narrow eclipses belong to.
        self.detached = next((j for j, g in enumerate(groups) if g.subtype == "EA"), None)
        # Colours of stars of no class in particular.
        self.mean_mag = np.mean([g.mean_mag.mean(axis=0) for g in bank.groups], axis=0)


@lru_cache(maxsize=8)
def _reader(model: LightCurveModel, bands: tuple[str, ...], classes: tuple[str, ...], seed: int) -> _Reader:
    return _Reader(shape_bank(model, bands, seed=seed), classes)


@dataclass(frozen=True, kw_only=True)
class StarReading:
    """The reading of one star: the modes of its posterior.

    Parameters
    ----------
    star : StarPoints
        Its points.
    star_id : int
        Its number.
    status : str
        "ok", or why there is no answer.
    modes : list of Mode
        The modes; none without an answer.
    none : float
        Log of evidence times prior of no period.
    groups : tuple of GroupShapes
        The subtypes that modes speak of.
    colours : bool
        Whether mean colours count.
    dust : DustPrior
        What is known of the dust in front of it.
    seed : int
        Seed of the shapes.
    """

    star: StarPoints
    star_id: int
    status: str
    modes: list[Mode]
    none: float
    groups: tuple[GroupShapes, ...]
    colours: bool
    dust: DustPrior
    seed: int

    def draw(self, model: LightCurveModel, *, n_samples: int, temper: float = 1.0) -> StarSamples:
        """Draw samples of the star's physics; it must have modes.

        Parameters
        ----------
        model : LightCurveModel
            The model whose population the samples are drawn from.
        n_samples : int
            Samples.
        temper : float
            See `pelsvae_cadence.inference.physics.draws.draw_samples`.

        Returns
        -------
        StarSamples
            The samples.
        """
        return draw_samples(
            self.star,
            self.star_id,
            self.modes,
            self.groups,
            model.population,
            n_samples=n_samples,
            prior=self.dust,
            colours=self.colours,
            temper=temper,
            seed=self.seed,
        )


def read_star(
    light_curves: LightCurves,
    i: int,
    *,
    model: LightCurveModel,
    priors: Priors,
    period_range: tuple[float, float],
    colours: bool,
    dust: DustPrior,
    seed: int,
) -> StarReading:
    """Compare one star with all shapes.

    Parameters
    ----------
    light_curves : LightCurves
        Light curves.
    i : int
        Which of them.
    model : LightCurveModel
        The model whose shapes are compared with.
    priors : Priors
        Prior probabilities.
    period_range : (float, float)
        Shortest and longest period in days.
    colours : bool
        Whether mean colours count.
    seed : int
        Seed of the shape bank.
    dust : DustPrior
        What is known of the dust in front of it.

    Returns
    -------
    StarReading
        Its modes.
    """
    star = star_points(light_curves, i)
    star = star if dust.ebv is None else star.dereddened(dust.ebv)
    status, none = _status(star, period_range[0]), -np.inf
    modes: list[Mode] = []
    groups: tuple[GroupShapes, ...] = ()
    if status == "ok":
        weights = priors.class_weights()
        reader = _reader(model, star.bands, tuple(weights), seed)
        groups = tuple(design.shapes for design in reader.fine)
        modes, none = _modes(light_curves, i, star, reader, priors, weights, period_range, colours)
    return StarReading(
        star=star,
        star_id=int(light_curves.star_id[i]),
        status=status,
        modes=modes,
        none=none,
        groups=groups,
        colours=colours,
        dust=dust,
        seed=seed,
    )


def _status(star: StarPoints, shortest: float) -> str:
    n = star.time.size
    if n == 0:
        return "no usable flux"
    if n < len(star.bands) + 4 or np.unique(star.time).size < _LEAST_POINTS:
        return "too few points"
    return "ok" if star.span > shortest else "span too short"


def _modes(
    light_curves: LightCurves,
    i: int,
    star: StarPoints,
    reader: _Reader,
    priors: Priors,
    weights: dict[str, float],
    period_range: tuple[float, float],
    colours: bool,
) -> tuple[list[Mode], float]:
    limits = 1.0 / period_range[1], 1.0 / period_range[0]
    series = joint_series(light_curves, i)
    grid = FrequencyGrid.from_baseline(star.span, period_range, _OVERSAMPLING)
    spectrum = next(iter(periodograms([series], grid)))
    peaks, _ = highest_peaks(spectrum, grid, _PEAKS)
    peaks = np.clip(peaks, *limits)
    orbits = np.empty(0)
    if star.has_few_points:
        candidates = every_frequency(star, reader.coarse, limits, colours=colours)
    else:
        eclipses = narrow_eclipses(series, spectrum, grid, limits)
        if eclipses is not None:
            orbits = eclipses.frequency * _ORBITS
            orbits = orbits[(orbits >= limits[0]) & (orbits <= limits[1])]
        candidates = peaks_and_multiples(star, reader.coarse, peaks, orbits, limits, colours=colours)
    modes = class_modes(star, reader.fine, weights, candidates, colours=colours)
    free = (reader.mean_mag, np.log(priors.unseen) if priors.unseen > 0.0 else -np.inf, limits)
    n_free = _FREE_PEAKS if star.has_few_points else _FREE_PEAKS_OF_MANY
    modes += free_modes(star, peaks[:n_free], *free, colours=colours)
    if orbits.size and "ECL" in weights:
        prior = np.log(weights["ECL"] * _NARROW_SHARE)
        modes += free_modes(
            star, orbits, reader.mean_mag, prior, limits, colours=colours, eclipses_of=reader.detached
        )
    modes = [m for m in modes if 0.999 * limits[0] <= m.frequency <= 1.001 * limits[1]]
    none = no_period_evidence(star, reader.mean_mag, priors.no_period, colours=colours)
    if modes:
        none -= smoothness_gain(star, max(modes, key=lambda mode: mode.log_evidence))
    return modes, none
