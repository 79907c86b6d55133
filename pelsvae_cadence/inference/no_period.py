"""Evidence that a star varies without a period, or not at all."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import band_filter
from pelsvae_cadence.inference.local_fit import Hypotheses, fit_hypotheses
from pelsvae_cadence.inference.modes import FIT_ERROR, Mode, any_colours
from pelsvae_cadence.inference.points import CELLS_OF_SHAPE, StarPoints

__all__ = ["no_period_evidence", "smoothness_gain"]

FloatArray = npt.NDArray[np.float64]

# Points that the scatter of the other bands is worth to a band.
_SHARED: Final = 5.0
# Points further from the curve than so many standard deviations count as if they were no further.
_CLIPPED: Final = 4.0
_MEDIAN_OF_CHI2: Final = 0.4549  # of one degree of freedom


def no_period_evidence(star: StarPoints, mean_mag: FloatArray, prior: float, *, colours: bool) -> float:
    r"""Give the log of evidence times prior of no period.

    Points are independent draws about the mean of their band. Their distribution is either Gaussian,
    with the band's own scatter beside the errors (none for a constant star), or that of the star's
    other points: a kernel estimate without the point itself, over all bands together, each in units
    of its scatter,

    .. math:: p(y_i) = \frac{1}{n} \Big( N(y_i; 0, 9 s^2)
              + \sum_{j \ne i} N(y_i; y_j, h^2 + \sigma_i^2) \Big) ,

    with the bandwidth h of Silverman (1986, "Density Estimation", eq. 3.31) and a wide Gaussian, of three
    times the scatter s, in place of the point itself. A pulsating star seen at random
    phases is as likely to be bright or faint as one that has no period.

    Parameters
    ----------
    star : StarPoints
        The points.
    mean_mag : ndarray of float64, shape (n_bands,)
        Typical absolute magnitudes, for the colours.
    prior : float
        Prior probability.
    colours : bool
        Whether mean colours count.

    Returns
    -------
    float
        The logarithm; -inf for a prior of 0.
    """
    if prior <= 0.0:
        return -np.inf
    scatter = _band_scatter(star)
    count = np.bincount(star.band, minlength=len(star.bands))
    # One scatter is fitted a band (Schwarz 1978).
    price = 0.5 * float(np.log(np.maximum(count, 1)).sum())
    error = np.hypot(star.error, scatter[star.band])
    varying, value = _gaussian(star, error, mean_mag, colours)
    constant, _ = _gaussian(star, star.error, mean_mag, colours)
    gaussian = -0.5 * ((value / error) ** 2 + np.log(2.0 * np.pi * error**2))
    shaped = varying + float((_kernel_density(star, value, scatter) - gaussian).sum())
    return float(
        np.logaddexp.reduce([constant, varying - price, shaped - price]) - np.log(3.0) + np.log(prior)
    )


def _gaussian(
    star: StarPoints, error: FloatArray, mean_mag: FloatArray, colours: bool
) -> tuple[float, FloatArray]:
    """Give the log evidence of Gaussian points about free means, and the points less the means."""
    offset, precision = any_colours(star, mean_mag, colours)
    fits = fit_hypotheses(
        star,
        error,
        Hypotheses(
            frequency=np.ones(1),
            phase=np.zeros(1),
            curves=np.zeros((1, len(star.bands), 2, 1), dtype=np.complex128),
            offset=offset[None],
            precision=precision[None],
            amplitude_scatter=np.ones(1),
        ),
        shape="none",
    )
    return float(fits.log_evidence[0]), star.value - fits.offset[0][star.band]


def _band_scatter(star: StarPoints) -> FloatArray:
    """Estimate the standard deviation of the variation in each band; few points lean on the others."""
    n_bands = len(star.bands)
    ratio = np.array([band_filter(band).amplitude for band in star.bands])
    count = np.bincount(star.band, minlength=n_bands)
    excess = np.bincount(star.band, weights=star.value**2 - star.error**2, minlength=n_bands)
    excess = np.maximum(excess, 0.0)
    common = excess.sum() / max(float((count * ratio**2).sum()), 1e-9)
    variance: npt.NDArray[np.float64] = (excess + _SHARED * common * ratio**2) / (count + _SHARED)
    return np.sqrt(variance)


def _kernel_density(star: StarPoints, value: FloatArray, scatter: FloatArray) -> FloatArray:
    """Give the log density of each point from the others."""
    unit = np.maximum(scatter, 1e-3 * star.error.min())[star.band]
    x, error = value / unit, star.error / unit
    n = x.size
    quartiles = np.quantile(x, [0.25, 0.75])
    spread = min(float(x.std()), float(np.diff(quartiles)[0]) / 1.34) or 1.0
    width = np.hypot(0.9 * spread * n**-0.2, error)
    kernel = np.exp(-0.5 * ((x[:, None] - x) / width[:, None]) ** 2)
    np.fill_diagonal(kernel, 0.0)
    # A little of a wide Gaussian: the first point far out is no impossibility.
    wide = np.exp(-0.5 * (x / (3.0 * max(spread, 1.0))) ** 2) / (3.0 * max(spread, 1.0))
    density = (kernel.sum(axis=1) / width + wide) / n
    return np.asarray(np.log(np.maximum(density, 1e-300)) - np.log(unit) - 0.5 * np.log(2.0 * np.pi))


def smoothness_gain(star: StarPoints, mode: Mode) -> float:
    r"""Give what a fit has not been credited with: that neighbours in phase are as close as their errors.

    Fits inflate the errors of stars with many points, for what they miss they miss alike in a stretch of phase
    (`StarPoints.with_model_error`). That weighs the fit's mean in each stretch rightly, and counts the scatter
    within it for too little: points that lie within 0.01 of each other are as likely as if the errors
    were 0.04. Among periods it is the same for all; "no period" has no such errors, and would win. With n_c points in
    stretch c of a band, variances V_i with and s_i^2 without the error of the model, and residuals r_i about the
    mean of the stretch, this is

    .. math:: \frac{1}{2} \sum_i \left[ \Big(1 - \frac{1}{n_c}\Big) \ln\frac{V_i}{\kappa s_i^2}
              - r_i^2 \Big(\frac{1}{\kappa s_i^2} - \frac{1}{V_i}\Big) \right] - \frac{1}{2} \ln n

    summed over the stretches: the log likelihood of the residuals less that of the fit, where kappa >= 1 scales the
    noise to the median that is seen, up to V at most. In a stretch where shapes change quickly, as at an eclipse, the error of the model may
    differ from point to point: each counts only if it gains, at the price of that choice, ln 2.

    Parameters
    ----------
    star : StarPoints
        The points.
    mode : Mode
        A mode of the posterior.

    Returns
    -------
    float
        Natural log of the factor, 0 or more: a fit that leaves scatter is credited with nothing.
    """
    k = np.arange(mode.curves.shape[1])
    phase = (mode.frequency * star.time + mode.phase) % 1.0
    terms = np.exp(2j * np.pi * phase[:, None] * k) * np.where(k == 0, 1.0, 2.0)
    rest = star.value - (terms * mode.curves[star.band]).sum(axis=1).real - mode.offset[star.band]
    cell = star.band * CELLS_OF_SHAPE + (phase * CELLS_OF_SHAPE).astype(np.int64)
    count = np.bincount(cell)
    white, inflated = star.error**2, star.with_model_error(FIT_ERROR) ** 2
    weight = np.bincount(cell, weights=1.0 / white)
    mean = np.bincount(cell, weights=rest / white) / np.where(weight > 0.0, weight, 1.0)
    square = (rest - mean[cell]) ** 2
    lone = count[cell] == 1
    spread = np.median(square[~lone] / white[~lone]) / _MEDIAN_OF_CHI2 if (~lone).any() else 1.0
    own = np.minimum(max(float(spread), 1.0) * white, inflated)
    clipped = np.minimum(square, _CLIPPED**2 * own)
    logs = (1.0 - 1.0 / count[cell]) * np.log(inflated / own)
    gain = 0.5 * np.bincount(cell, weights=logs - clipped * (1.0 / own - 1.0 / inflated))[count > 0]
    return max(float(np.maximum(gain - np.log(2.0), 0.0).sum() - 0.5 * np.log(star.time.size)), 0.0)
