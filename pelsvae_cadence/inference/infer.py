"""Read light curves with the learned model: period, class and shape of stars with few points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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
from pelsvae_cadence.inference.bank import known_groups
from pelsvae_cadence.inference.calibration import Calibration, calibrated_posterior
from pelsvae_cadence.inference.modes import UNSEEN, Mode
from pelsvae_cadence.inference.physics.dust import DustPrior
from pelsvae_cadence.inference.physics.samples import PhysicalSamples, StarSamples
from pelsvae_cadence.inference.points import StarPoints
from pelsvae_cadence.inference.posterior import OTHER, BestCurve, Posterior
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.inference.read_star import StarReading, read_star
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.periods.grid import PERIOD_RANGE, period_limits

__all__ = ["infer"]

FloatArray = npt.NDArray[np.float64]

# Frequencies closer than this times 1/span are one.
_SAME: Final = 0.2
_RIGHT: Final = 0.1  # a period is right if its frequency is so close


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
