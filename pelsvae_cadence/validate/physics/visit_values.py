"""The value of a visit against brute force: insert the visit, draw what it measures, and read the star again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri
from scipy.stats import spearmanr

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.inference.infer import StarReading, read_star
from pelsvae_cadence.inference.modes import UNSEEN, Mode
from pelsvae_cadence.inference.physics.dust import DustPrior
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.inference.visit_value.predictions import predictions
from pelsvae_cadence.inference.visit_value.visit_value import visit_value
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.noise import flux_error

__all__ = ["BruteForce", "against_brute_force"]

# Frequencies within this times 1/span of what has been measured are one, and the least probability of one.
_SAME: Final = 0.2
_LEAST: Final = 1e-3


@dataclass(frozen=True, kw_only=True)
class BruteForce:
    """Values of V candidate visits, summed over stars, in bits about period and class.

    Parameters
    ----------
    predicted : ndarray of float64, shape (V,)
        What `visit_value` says.
    found : ndarray of float64, shape (V,)
        By how much the logarithm of the probability of the right period and class rose, on average over truths and
        measurements drawn from the posterior, when the star was read again with the measurement.
    error : ndarray of float64, shape (V,)
        Standard error of `found`.
    """

    predicted: FloatArray
    found: FloatArray
    error: FloatArray

    @property
    def rank_correlation(self) -> float:
        """Spearman's correlation of the two."""
        return float(spearmanr(self.predicted, self.found).statistic)


def against_brute_force(
    light_curves: LightCurves,
    candidates: Visits,
    *,
    model: LightCurveModel,
    priors: Priors,
    period_range: tuple[float, float],
    draws: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> BruteForce:
    """Compare predicted values of visits with what reading the stars again gives.

    Parameters
    ----------
    light_curves : LightCurves
        N stars with what has been measured of them.
    candidates : Visits
        V candidate visits.
    model : LightCurveModel
        The model that reads.
    priors : Priors
        Its priors.
    period_range : (float, float)
        Shortest and longest period in days.
    draws : int
        Measurements drawn for each star and visit: the same quantiles for all visits, so that their
        noise is common.
    seed : int
        Seed of shapes and draws.
    progress : callable, optional
        Called with (readings done, readings in all).

    Returns
    -------
    BruteForce
        Sums over the stars.
    """
    value = visit_value(
        light_curves,
        None,
        candidates,
        model=model,
        priors=priors,
        period_range=period_range,
        distances=False,
        seed=seed,
    )
    n, n_visits = len(light_curves), len(candidates)
    gain = np.zeros((draws, n, n_visits))
    for i in range(n):
        star = light_curves.take([i])

        def read(points: LightCurves) -> StarReading:
            return read_star(
                points,
                0,
                model=model,
                priors=priors,
                period_range=period_range,
                colours=True,
                dust=DustPrior(),
                seed=seed,
            )

        reading = read(star)
        own = predictions(reading, candidates)
        random = KeyedRandom(seed=seed)
        address = int(star.star_id[0])
        # Stratified: hypotheses by their shares, and quantiles of their Gaussians in another order.
        strata = (np.arange(draws) + random.uniform("strata", address, np.arange(draws))) / draws
        chosen = np.searchsorted(np.cumsum(own.share), strata * own.share.sum()).clip(max=own.share.size - 1)
        order = random.generator("order of strata", address).permutation(draws)
        quantile = ndtri(((np.arange(draws) + 0.5) / draws)[order])
        for v in range(n_visits):
            for r in range(draws):
                if own.possible[v]:
                    h = chosen[r]
                    measured = own.mean[h, v] + quantile[r] * np.sqrt(own.variance[h, v])
                    after = read(_with_point(reading, star, candidates.take([v]), float(measured)))
                    truth = reading.modes[own.mode[h]] if own.mode[h] >= 0 else None
                    what = (truth.frequency, _name(reading, truth)) if truth is not None else (0.0, "")
                    width = _SAME / reading.star.span
                    before, now = (_probability(one, *what, width) for one in (reading, after))
                    gain[r, i, v] = now - before
                if progress is not None:
                    progress((i * n_visits + v) * draws + r + 1, n * n_visits * draws)
    total = gain.sum(axis=1)
    return BruteForce(
        predicted=value.period_and_class.sum(axis=0),
        found=total.mean(axis=0),
        error=total.std(axis=0) / np.sqrt(draws),
    )


def _probability(reading: StarReading, frequency: float, star_class: str, width: float) -> float:
    """Give the probability of a class with a frequency that is nearly a given one."""
    log_share = np.array([mode.log_evidence for mode in reading.modes] + [reading.none])
    share = np.exp(log_share - logsumexp(log_share))
    if not star_class:
        return float(share[-1])
    own = np.array([_name(reading, mode) == star_class for mode in reading.modes], dtype=np.bool_)
    centre = np.array([mode.frequency for mode in reading.modes])
    error = np.array([mode.frequency_error for mode in reading.modes])
    inside = ndtr((frequency + width - centre) / error) - ndtr((frequency - width - centre) / error)
    return float((share[:-1] * own * inside).sum())


def _name(reading: StarReading, mode: Mode) -> str:
    return "other" if mode.group == UNSEEN else reading.groups[mode.group].star_class


def _with_point(reading: StarReading, star: LightCurves, visit: Visits, value: float) -> LightCurves:
    """Add a measurement, given as relative flux, to a light curve."""
    b = reading.star.bands.index(str(visit.band[0]))
    mean = reading.star.mean_flux[b]
    flux = mean + reading.star.unit[b] * value
    error = flux_error(np.maximum([mean], 0.0), visit.m5, visit.band)
    columns = {
        "mjd": np.append(star.mjd, visit.mjd),
        "band": np.append(star.band, visit.band),
        "flux": np.append(star.flux, flux),
        "flux_err": np.append(star.flux_err, error),
        "saturated": np.append(star.saturated, False),
    }
    order = np.argsort(columns["mjd"], kind="stable")
    return LightCurves(
        star_id=star.star_id,
        offsets=np.array([0, order.size]),
        **{name: column[order] for name, column in columns.items()},
    )
