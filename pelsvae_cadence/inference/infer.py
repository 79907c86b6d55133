"""Read light curves with the learned model: period, class and shape of stars with few points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp, ndtr
from threadpoolctl import threadpool_limits

from pelsvae_cadence.bands import warn_of_unknown_bands
from pelsvae_cadence.core.arrays import column
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import TrueEBV, true_ebv
from pelsvae_cadence.core.tables.containers import whole_number
from pelsvae_cadence.inference.bank import GroupShapes, ShapeBank, known_groups, shape_bank
from pelsvae_cadence.inference.calibration import Calibration, calibrated_posterior
from pelsvae_cadence.inference.matching import GroupDesign
from pelsvae_cadence.inference.modes import UNSEEN, Mode, class_modes, free_modes
from pelsvae_cadence.inference.no_period import no_period_evidence
from pelsvae_cadence.inference.physics.draws import draw_samples
from pelsvae_cadence.inference.physics.dust import DustPrior
from pelsvae_cadence.inference.physics.samples import PhysicalSamples, StarSamples
from pelsvae_cadence.inference.points import StarPoints, star_points
from pelsvae_cadence.inference.posterior import OTHER, BestCurve, Posterior
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.inference.scan import coarse_design, every_frequency, peaks_and_multiples
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.periods.eclipses import narrow_eclipses
from pelsvae_cadence.periods.grid import PERIOD_RANGE, FrequencyGrid, period_limits
from pelsvae_cadence.periods.periodogram import highest_peaks, periodograms
from pelsvae_cadence.periods.series import joint_series

__all__ = ["StarReading", "infer", "read_star"]

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
# Frequencies closer than this times 1/span are one.
_SAME: Final = 0.2
_RIGHT: Final = 0.1  # a period is right if its frequency is so close


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


@lru_cache(maxsize=1)
def _default_model() -> LightCurveModel:
    return LightCurveModel.load()


def infer(
    light_curves: LightCurves,
    *,
    model: LightCurveModel | None = None,
    priors: Priors | None = None,
    period_range: tuple[float, float] = PERIOD_RANGE,
    colours: bool = True,
    n_candidates: int = 5,
    calibrated: bool = True,
    physics: bool = False,
    n_samples: int = 200,
    ebv: Any = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Posterior:
    """Infer period, class and shape of stars from their light curves.

    Parameters
    ----------
    light_curves : LightCurves
        Light curves of N stars, in any bands.
    model : LightCurveModel, optional
        The model whose shapes are compared with; the default model.
    priors : Priors, optional
        Prior probabilities; all classes alike by default.
    period_range : (float, float)
        Shortest and longest period in days.
    colours : bool
        Whether mean colours count; False where zero points are not those of AB magnitudes, or where
        the extinction is large.
    n_candidates : int
        Frequencies kept per star, 1 to 20.
    calibrated : bool
        Whether probabilities of periods are those of the calibration that comes with the package
        (`pelsvae_cadence.inference.calibration`), or what the match alone gives.
    physics : bool
        Whether to draw samples of temperature, luminosity, amplitude, dust and distance as well:
        `Posterior.physics`.
    n_samples : int
        Samples of each star, 10 to 10,000.
    ebv : float, array_like or TrueEBV, shape (N,), optional
        True E(B-V) in front of the stars in mag, as of a dust map; it is taken off before colours are compared,
        and has an error of 16 % in the samples. Without it dust is only known to be little.
    seed : int
        Seed of the shape bank and of the samples.
    progress : callable, optional
        Called with (stars done, stars in all).

    Returns
    -------
    Posterior
        One row per star, which does not depend on the other stars.

    Raises
    ------
    InputError
        If an option is out of range, or fluxes are those of difference images: shapes are compared with
        fluxes relative to the mean.

    Warns
    -----
    UnknownBandWarning
        If nothing is known of a band.
    """
    n_candidates = whole_number("n_candidates", n_candidates, 1, 20)
    shortest, longest = period_limits(period_range)
    model = _default_model() if model is None else model
    priors = Priors() if priors is None else priors
    weights = priors.class_weights()
    if light_curves.flux_kind == "difference":
        raise InputError(
            "the model's shapes cannot be compared with difference fluxes",
            allowed="total fluxes or magnitudes",
            remedy="Add the flux of the reference image, or use the harmonic search.",
        )
    n_samples = whole_number("n_samples", n_samples, 10, 10_000)
    n = len(light_curves)
    dust = None if ebv is None else TrueEBV(column("ebv", true_ebv(ebv), n, unit="mag")).value
    warn_of_unknown_bands(np.unique(light_curves.band).tolist())
    results = []
    samples: list[StarSamples | None] = [None] * n
    # The matrices are small: threads would only wait for each other.
    with threadpool_limits(1):
        for i in range(n):
            prior = DustPrior(ebv=None if dust is None else float(dust[i]))
            reading = read_star(
                light_curves,
                i,
                model=model,
                priors=priors,
                period_range=(shortest, longest),
                colours=colours,
                dust=prior,
                seed=seed,
            )
            results.append(reading)
            if physics and reading.modes:
                temper = Calibration.load().pooled.slope if calibrated else 1.0
                samples[i] = reading.draw(model, n_samples=n_samples, temper=temper)
            if progress is not None:
                progress(i + 1, n)
    names = [group for group in known_groups(model) if group[0] in weights]
    raw = _posterior(
        light_curves,
        results,
        names,
        n_candidates,
        {
            "period_range": (shortest, longest),
            "colours": bool(colours),
            "seed": int(seed),
            "model": model.hash,
            "classes": dict(weights),
            "unseen": priors.unseen,
            "no_period": priors.no_period,
            "calibrated": False,
        },
    )
    if physics:
        drawn = PhysicalSamples.of_stars(light_curves.star_id, samples, n_samples, raw.subtypes)
        raw = replace(raw, physics=drawn)
    return calibrated_posterior(raw, Calibration.load()) if calibrated else raw


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
        """Draw samples of the star's physics (`draw_samples`); it must have modes."""
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
    """Compare one star with all shapes; the options are those of `infer`."""
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
    return modes, none


def _posterior(
    light_curves: LightCurves,
    results: list[StarReading],
    names: list[tuple[str, str]],
    n_candidates: int,
    options: dict[str, object],
) -> Posterior:
    n = len(results)
    classes = (*dict.fromkeys(name for name, _ in names), OTHER)
    subtypes = (*("/".join(name) for name in names), OTHER)
    columns: dict[str, Any] = {
        "status": np.array([reading.status for reading in results], dtype="U16"),
        "star_class": np.full(n, "", dtype="U8"),
        "subtype": np.full(n, "", dtype="U8"),
        "class_probability": np.zeros((n, len(classes))),
        "subtype_probability": np.zeros((n, len(subtypes))),
        "candidate_frequencies": np.full((n, n_candidates), np.nan),
        "candidate_probabilities": np.zeros((n, n_candidates)),
        "n_points": np.array([reading.star.time.size for reading in results], dtype=np.int64),
        "curve": np.full(n, None, dtype=object),
    }
    for name in ("period", "period_error", "log_odds"):
        columns[name] = np.full(n, np.nan)
    columns["period_probability"], columns["no_period_probability"] = np.zeros(n), np.zeros(n)
    of_class = [classes.index(name) for name, _ in names] + [len(classes) - 1]
    for i, reading in enumerate(results):
        star, modes, none = reading.star, reading.modes, reading.none
        if not modes:
            if columns["status"][i] == "ok":
                columns["no_period_probability"][i] = 1.0
            continue
        own = np.array([mode.log_evidence for mode in modes])
        total = logsumexp(own)
        columns["log_odds"][i] = total - none
        everything = np.logaddexp(total, none)
        columns["no_period_probability"][i] = np.exp(none - everything)
        share = np.exp(own - total)
        frequency = np.array([mode.frequency for mode in modes])
        error = np.array([mode.frequency_error for mode in modes])
        kept, probability = _distinct(frequency, error, own - everything, star.span)
        m = min(n_candidates, kept.size)
        columns["candidate_frequencies"][i, :m] = frequency[kept[:m]]
        columns["candidate_probabilities"][i, :m] = probability[:m]
        best = modes[int(kept[0])]
        columns["period"][i] = 1.0 / best.frequency
        columns["period_error"][i] = best.frequency_error / best.frequency**2
        columns["period_probability"][i] = probability[0]
        group = np.array([mode.group if mode.group != UNSEEN else len(names) for mode in modes])
        np.add.at(columns["subtype_probability"][i], group, share)
        np.add.at(columns["class_probability"][i], np.array(of_class)[group], share)
        top = int(np.argmax(columns["class_probability"][i]))
        columns["star_class"][i] = classes[top]
        inside = np.where(np.array(of_class) == top, columns["subtype_probability"][i], -1.0)
        columns["subtype"][i] = OTHER if top == len(classes) - 1 else names[int(np.argmax(inside))][1]
        columns["curve"][i] = _best_curve(star, best)
    return Posterior(
        star_id=light_curves.star_id.copy(), classes=classes, subtypes=subtypes, options=options, **columns
    )


def _distinct(
    frequency: FloatArray, error: FloatArray, log_probability: FloatArray, span: float
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Give the best mode of each frequency, and the probabilities that these are right, best first.

    A frequency is right to a tenth of 1/span: each mode is a Gaussian, of which some may be outside.
    """
    probability = np.exp(log_probability)
    width = np.maximum(error, 1e-3 / span)
    left = np.ones(frequency.size, dtype=bool)
    kept, right = [], []
    for j in np.argsort(-log_probability, kind="stable").tolist():
        if left[j]:
            left &= np.abs(frequency - frequency[j]) * span >= _SAME
            kept.append(j)
            distance = frequency[j] - frequency
            inside = ndtr((distance + _RIGHT / span) / width) - ndtr((distance - _RIGHT / span) / width)
            right.append(min(float(inside @ probability), 1.0))
    order = np.argsort(-np.array(right), kind="stable")
    return np.array(kept, dtype=np.int64)[order], np.array(right)[order]


def _best_curve(star: StarPoints, mode: Mode) -> BestCurve:
    # Fluxes are relative to another unit than the mean in bands where that is hardly above zero.
    mean_flux = star.mean_flux + star.unit * mode.offset
    return BestCurve(
        frequency=mode.frequency,
        epoch=star.zero - mode.phase / mode.frequency,
        bands=star.bands,
        mean_flux=mean_flux,
        coefficients=mode.curves * (star.unit / mean_flux)[:, None],
    )
