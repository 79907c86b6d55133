r"""Colour excess and distance modulus of a star of known absolute magnitudes, in closed form.

With mean magnitudes m_b, absolute ones M_b and extinction coefficients R_b,

.. math:: m_b = M_b + \mu + R_b E + \epsilon_b, \qquad \epsilon \sim N(0, C),

and a flat prior of the distance modulus mu, everything but E is Gaussian; E >= 0 has an exponential
prior, or a Gaussian one where a dust map tells it, and then a truncated Gaussian posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr, ndtri_exp

__all__ = ["EBV_ERROR", "EBV_FLOOR", "EBV_SCALE", "DustAndDistance", "DustPrior", "dust_and_distance"]

FloatArray = npt.NDArray[np.float64]

#: Mean of the exponential prior of E(B-V) in mag where nothing is known: most of the sky that surveys
#: of variable stars look at.
EBV_SCALE: Final = 0.1
#: Relative error of a dust map (Schlegel, Finkbeiner & Davis 1998, ApJ 500, 525: 16 %), and least error.
EBV_ERROR: Final = 0.16
EBV_FLOOR: Final = 0.01
# Least precision of E in units of the prior's: a band alone says nothing of dust.
_LEAST: Final = 1e-6


@dataclass(frozen=True, kw_only=True)
class DustPrior:
    """What is known of the colour excess beforehand.

    Parameters
    ----------
    ebv : float, optional
        True E(B-V) in front of the star, as from a map; without it the prior is exponential with a mean
        of `EBV_SCALE`.
    """

    ebv: float | None = None

    @property
    def centre(self) -> float:
        """E(B-V) at which extinction coefficients are taken."""
        return EBV_SCALE if self.ebv is None else max(self.ebv, EBV_SCALE)

    @property
    def terms(self) -> tuple[float, float, float]:
        """Give precision, precision times mean, and least precision that the data must add."""
        if self.ebv is None:
            return 0.0, -1.0 / EBV_SCALE, _LEAST / EBV_SCALE**2
        precision = max(EBV_ERROR * self.ebv, EBV_FLOOR) ** -2.0
        return precision, precision * self.ebv, 0.0


@dataclass(frozen=True, kw_only=True)
class DustAndDistance:
    """Posterior of colour excess and distance modulus for D sets of absolute magnitudes.

    Parameters
    ----------
    log_evidence : ndarray of float64, shape (D,)
        Log evidence of each set, up to a constant.
    ebv, ebv_error : ndarray of float64, shape (D,)
        Gaussian of E(B-V) before it is cut at zero.
    modulus, slope : ndarray of float64, shape (D,)
        Mean distance modulus at E = 0, and its change with E.
    error : float
        Standard deviation of the distance modulus at a given E.
    """

    log_evidence: FloatArray
    ebv: FloatArray
    ebv_error: FloatArray
    modulus: FloatArray
    slope: FloatArray
    error: float

    def draw(
        self, rows: npt.NDArray[np.intp], uniform: FloatArray, normal: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Draw colour excess and distance modulus.

        Parameters
        ----------
        rows : ndarray of int, shape (S,)
            Which of the sets.
        uniform, normal : ndarray of float64, shape (S,)
            Random numbers.

        Returns
        -------
        ebv, distance_modulus : ndarray of float64, shape (S,)
            In mag.
        """
        mean, error = self.ebv[rows], self.ebv_error[rows]
        # The upper tail from zero on, in logarithms: the mean may lie many sigma below.
        ebv = mean - error * ndtri_exp(np.log(uniform) + log_ndtr(mean / error))
        ebv = np.maximum(ebv, 0.0)
        return ebv, self.modulus[rows] + self.slope[rows] * ebv + self.error * normal


def dust_and_distance(
    mean_mag: FloatArray,
    covariance: FloatArray,
    absolute: FloatArray,
    reddening: FloatArray,
    prior: DustPrior,
) -> DustAndDistance:
    """Give the posterior of colour excess and distance modulus.

    Parameters
    ----------
    mean_mag : ndarray of float64, shape (n_bands,)
        Observed mean magnitudes.
    covariance : ndarray of float64, shape (n_bands, n_bands)
        Their covariance, with the scatter of colours.
    absolute : ndarray of float64, shape (D, n_bands)
        Absolute magnitudes.
    reddening : ndarray of float64, shape (D, n_bands)
        Extinction coefficients.
    prior : DustPrior
        Prior of the colour excess.

    Returns
    -------
    DustAndDistance
        The posterior of each set of absolute magnitudes.
    """
    precision = np.linalg.inv(covariance)
    ones = precision.sum(axis=1)
    total = float(ones.sum())
    free = precision - np.outer(ones, ones) / total
    x = mean_mag - absolute
    free_x, free_r = x @ free, reddening @ free
    known, pull, least = prior.terms
    own = np.maximum((free_r * reddening).sum(axis=1), least) + known
    mean = ((free_r * x).sum(axis=1) + pull) / own
    error = own**-0.5
    log_evidence = (
        -0.5 * (free_x * x).sum(axis=1) + 0.5 * own * mean**2 + np.log(error) + log_ndtr(mean / error)
    )
    return DustAndDistance(
        log_evidence=log_evidence,
        ebv=mean,
        ebv_error=error,
        modulus=(x @ ones) / total,
        slope=-(reddening @ ones) / total,
        error=total**-0.5,
    )
