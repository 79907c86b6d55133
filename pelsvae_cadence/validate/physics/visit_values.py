"""The value of a visit against brute force: insert the visit, draw what it measures, and read the star again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri
from scipy.stats import spearmanr

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.inference.modes import UNSEEN, Mode
from pelsvae_cadence.inference.physics.dust import DustPrior
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.inference.read_star import StarReading, read_star
from pelsvae_cadence.inference.visit_value.predictions import predictions
from pelsvae_cadence.inference.visit_value.visit_value import visit_value
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import at_magnitude
from pelsvae_cadence.photometry.noise import flux_error
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.validate.report import Figure

__all__ = ["FAMILIES", "BruteForce", "against_brute_force", "visit_value_figures"]

# Frequencies within this times 1/span of what has been measured are one, and the least probability of one.
_SAME: Final = 0.2


@dataclass(frozen=True, kw_only=True)
class _Family:
    """Stars and the visits so far of a family of cadence.

    Parameters
    ----------
    preset : str
        Preset of the synthetic survey.
    pairing : float, optional
        Its share of pairs, if it is not the preset's.
    dec : float
        Declination of the position in degrees.
    n_visits : int
        Visits so far.
    subtype : str
        Subtype of the stars.
    band : str
        Band of their magnitude.
    magnitude : float
        Faint enough that the visits so far leave periods open.
    """

    preset: str
    pairing: float | None
    dec: float
    n_visits: int
    subtype: str
    band: str
    magnitude: float


#: Families of cadence; the method was chosen on another, the wide survey of LSST v3.
FAMILIES: Final[dict[str, _Family]] = {
    "ztf": _Family(
        preset="ztf", pairing=None, dec=10.0, n_visits=16, subtype="RRc", band="zr", magnitude=19.8
    ),
    "lsst-v5": _Family(
        preset="lsst-v5", pairing=None, dec=-4.8, n_visits=20, subtype="RRab", band="r", magnitude=23.3
    ),
    "no pairs": _Family(
        preset="lsst-v3", pairing=0.0, dec=-25.0, n_visits=18, subtype="RRc", band="r", magnitude=22.8
    ),
}
_RA: Final = 35.6
_CANDIDATES: Final = 20
_NIGHTS: Final = 12
_LEAST_CORRELATION: Final = 0.8


@dataclass(frozen=True, kw_only=True)
class BruteForce:
    """Values of V candidate visits, summed over stars: period and class.

    Parameters
    ----------
    predicted : ndarray of float64, shape (V,)
        Bits about period and class that `visit_value` expects.
    found : ndarray of float64, shape (V,)
        By how much the probability of the right period and class rose, on average over truths and measurements
        drawn from the posterior, when the star was read again with the measurement.
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
                    before, now = (
                        _probability_of(one, reading, int(own.mode[h])) for one in (reading, after)
                    )
                    gain[r, i, v] = now - before
                if progress is not None:
                    progress((i * n_visits + v) * draws + r + 1, n * n_visits * draws)
    total = gain.sum(axis=1)
    return BruteForce(
        predicted=value.period_and_class.sum(axis=0),
        found=total.mean(axis=0),
        error=total.std(axis=0) / np.sqrt(draws),
    )


def _probability_of(reading: StarReading, first: StarReading, mode: int) -> float:
    """Give the probability that a reading has for what a mode of the first reading says; -1 is no period."""
    log_share = np.array([mode.log_evidence for mode in reading.modes] + [reading.none])
    share = np.exp(log_share - logsumexp(log_share))
    if mode < 0:
        return float(share[-1])
    frequency, star_class = first.modes[mode].frequency, _name(first, first.modes[mode])
    width = _SAME / first.star.span
    own = np.array([_name(reading, one) == star_class for one in reading.modes], dtype=np.bool_)
    centre = np.array([one.frequency for one in reading.modes])
    error = np.array([one.frequency_error for one in reading.modes])
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


def visit_value_figures(
    *, stars: int = 2, draws: int = 24, seed: int = 0, progress: Callable[[int], None] | None = None
) -> list[Figure]:
    """Rank twenty candidate visits of the next twelve nights by their value and by brute force.

    Parameters
    ----------
    stars : int
        Stars of each family of cadence.
    draws : int
        Measurements drawn for each star and visit.
    seed : int
        Seed of surveys, stars, candidates and draws.
    progress : callable, optional
        Called with the number of stars of which all candidates are done.

    Returns
    -------
    list of Figure
        Rank correlations, one a family.
    """
    model = LightCurveModel.load()
    figures = []
    for name, family in FAMILIES.items():
        survey = SyntheticSurvey(preset=family.preset, seed=11 + seed, pairing=family.pairing).at(
            _RA, family.dec
        )
        visits = survey.take(np.arange(family.n_visits))
        chosen = at_magnitude(
            model.sample(family.subtype, n=stars, ra=_RA, dec=family.dec, seed=3 + seed),
            family.band,
            family.magnitude,
        )
        found = against_brute_force(
            simulate(chosen, visits, model=model, seed=1 + seed),
            _candidates(visits, survey, seed),
            model=model,
            priors=Priors(classes={"RRLYR": 1.0}),
            period_range=(0.2, 1.2),
            draws=draws,
            seed=seed,
        )
        if progress is not None:
            progress(stars)
        noise = float(found.error.mean() / max(found.found.std(), 1e-12))
        figures.append(
            Figure.within(
                f"value of a visit, {name}: rank correlation with brute force",
                found.rank_correlation,
                low=_LEAST_CORRELATION,
                note=f"{_CANDIDATES} visits, {stars} {family.subtype} of {family.band} = {family.magnitude:g} after "
                f"{family.n_visits} visits, {draws} draws; noise {noise:.2f} of the scatter",
            )
        )
    return figures


def _candidates(visits: Visits, survey: Visits, seed: int) -> Visits:
    """Draw visits of the next nights, in bands that have been used, at their median depths."""
    random = KeyedRandom(seed=seed).generator("candidate visits", 0)
    bands = np.array(sorted(visits.bands))
    night = np.floor(visits.mjd.max()) + random.integers(1, _NIGHTS, _CANDIDATES)
    mjd = night + 0.05 + 0.25 * random.random(_CANDIDATES)
    band = bands[random.integers(0, bands.size, _CANDIDATES)]
    return Visits(
        mjd=mjd,
        band=band,
        m5=np.array([np.median(survey.m5[survey.band == name]) for name in band.tolist()]),
        night=night.astype(np.int64),
        visit_id=int(survey.visit_id.max()) + 1 + np.arange(_CANDIDATES),
        exptime=np.full(_CANDIDATES, 30.0),
    )
