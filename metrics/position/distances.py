"""Distances from recovered periods: period-luminosity errors of a star.

A period gives a luminosity, the luminosity and the mean flux a distance. Its error comes from the
width of the period-luminosity relation, from the period, and from the mean of the points that a
survey has of a star.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.flux import flux_to_mag
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes

if TYPE_CHECKING:
    from pelsvae_cadence.light_curves import LightCurves
    from pelsvae_cadence.metrics.position.observe import Recovery
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["GOOD_DISTANCE", "PeriodLuminosity", "good_distances", "period_luminosity"]

FloatArray = npt.NDArray[np.float64]

#: Error of the distance modulus in mag, up to which a distance is good (5 per cent of it).
GOOD_DISTANCE: Final = 0.1

# Bands of the relations, the first that a position was visited in: red, where they are narrow, and
# with many visits in LSST and ZTF.
_DISTANCE_BANDS: Final = ("i", "zr")
_DRAWS: Final = 1000
# Harmonics of the mean light curve, where there are points enough for them.
_MOST_HARMONICS: Final = 3
_LEAST_POINTS: Final = 5


@dataclass(frozen=True, kw_only=True)
class PeriodLuminosity:
    r"""A linear relation :math:`M_b = a + b \log_{10} P`.

    Parameters
    ----------
    band : str
        Its band.
    zero : float
        a, the intensity-mean absolute magnitude at a period of one day, in mag.
    slope : float
        b, in mag.
    scatter : float
        Standard deviation about it, in mag.
    """

    band: str
    zero: float
    slope: float
    scatter: float

    def magnitude(self, period: npt.ArrayLike) -> FloatArray:
        """Give the absolute magnitude for a period.

        Parameters
        ----------
        period : array_like, shape (N,)
            Periods in days.

        Returns
        -------
        ndarray of float64, shape (N,)
            Absolute magnitudes; NaN where the period is.
        """
        return np.asarray(self.zero + self.slope * np.log10(np.asarray(period, dtype=np.float64)))


@lru_cache(maxsize=32)
def period_luminosity(
    model: LightCurveModel, star_class: str, subtype: str | None, band: str
) -> PeriodLuminosity:
    """Fit the relation of the stars that a model draws.

    Parameters
    ----------
    model : LightCurveModel
        The source model.
    star_class, subtype : str
        Class, and subtype or None.
    band : str
        Band out of `pelsvae_cadence.bands.BANDS`.

    Returns
    -------
    PeriodLuminosity
        By least squares to a thousand stars without dust. The relation of the population itself:
        what is left of the error is not that of a wrong calibration.
    """
    stars = model.sample(star_class, subtype=subtype, n=_DRAWS, seed=0)
    log_period = np.log10(stars.period)
    luminosity = mean_magnitudes(stars, (band,))[:, 0]
    slope, zero = np.polyfit(log_period, luminosity, 1)
    scatter = float(np.std(luminosity - zero - slope * log_period, ddof=2))
    return PeriodLuminosity(band=band, zero=float(zero), slope=float(slope), scatter=scatter)


def _mean_flux(light_curves: LightCurves, i: int, band: str, period: float) -> float:
    """Fit a short Fourier series to the fluxes of a band; its constant is the mean over a cycle."""
    rows = np.arange(light_curves.n_points)[light_curves.rows(i)]
    flux, error = light_curves.flux[rows], light_curves.flux_err[rows]
    usable = (light_curves.band[rows] == band) & ~light_curves.saturated[rows]
    usable &= np.isfinite(flux) & (error > 0)
    n = int(usable.sum())
    if n < _LEAST_POINTS:
        return float("nan")
    harmonics = min(_MOST_HARMONICS, (n - 2) // 4)
    phase = light_curves.mjd[rows][usable] / period
    angle = 2.0 * np.pi * np.outer(phase - np.floor(phase), np.arange(1, harmonics + 1))
    design = np.column_stack([np.ones(n), np.cos(angle), np.sin(angle)])
    solution = np.linalg.lstsq(design, flux[usable], rcond=None)[0]
    return float(solution[0])


def _distance_errors(recovery: Recovery, relation: PeriodLuminosity) -> FloatArray:
    r"""Compare the distance moduli of stars with the true ones.

    With :math:`\langle m \rangle` the intensity-mean magnitude of a Fourier fit at the period
    found, and :math:`A_b` the true extinction,

    .. math:: \mu = \langle m \rangle - A_b - M_b(P) .
    """
    stars = recovery.stars
    clear = replace(stars, ebv=np.zeros(len(stars)))
    dust = mean_magnitudes(stars, (relation.band,))[:, 0]
    dust = dust - mean_magnitudes(clear, (relation.band,))[:, 0]
    found = recovery.periods.period
    errors = np.full(len(stars), np.nan)
    for i in np.flatnonzero(recovery.verdicts.within_1pct).tolist():
        flux = _mean_flux(recovery.light_curves, i, relation.band, float(found[i]))
        if flux > 0:
            modulus = float(flux_to_mag(np.array(flux))) - dust[i]
            errors[i] = modulus - float(relation.magnitude(found[i])) - stars.distance_modulus[i]
    return errors


def good_distances(recovery: Recovery, model: LightCurveModel) -> float:
    """Count the stars whose period gives a good distance.

    Parameters
    ----------
    recovery : Recovery
        Stars that were observed and searched.
    model : LightCurveModel
        The source model, for the relation of each class and subtype.

    Returns
    -------
    float
        Fraction with an error of the distance modulus below `GOOD_DISTANCE`. Of a joint survey the
        band is that of LSST where there are visits in it, else that of ZTF.
    """
    stars = recovery.stars
    band = next((name for name in _DISTANCE_BANDS if name in recovery.visits.bands), _DISTANCE_BANDS[0])
    errors = np.full(len(stars), np.nan)
    # Each pulsation mode and type has a relation of its own.
    kinds = np.char.add(np.char.add(stars.star_class, "|"), stars.subtype)
    for kind in np.unique(kinds).tolist():
        star_class, subtype = kind.split("|")
        relation = period_luminosity(model, star_class, subtype or None, band)
        errors = np.where(kinds == kind, _distance_errors(recovery, relation), errors)
    return float(np.mean(np.abs(errors) < GOOD_DISTANCE))
