"""False-alarm probabilities: how often a star that varies without a period reaches a peak."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.periodogram import power_at
from pelsvae_cadence.periods.series import JointSeries

__all__ = ["false_alarm_probability"]

# Fewer degrees of freedom judge nothing: the formula then allows any peak.
_LEAST_FREEDOM: Final = 4


def false_alarm_probability(series: JointSeries, frequency: npt.ArrayLike, grid: FrequencyGrid) -> float:
    r"""Bound the probability that a star without a period reaches the highest of some peaks.

    The null hypothesis is a star that varies from one seven minutes to the next without memory, with
    the scatter, the visits and the errors of this one; a constant star is the case without scatter of
    its own. What it scatters beyond the errors is therefore added to them
    (`JointSeries.with_own_scatter`), and the peaks are measured anew: with the quoted errors the few
    best points of a bright variable star would outweigh all others. With p the largest share of
    chi-squared that a sinusoid at one of the frequencies takes, and N the degrees of freedom,
    Baluev (2008, MNRAS 385, 1279, eqs. 5, 6 and 8) bounds the probability for a periodogram
    that is normalised by the data's own variance:

    .. math:: {\rm FAP} \approx 1 - \left[1 - (1-p)^{(N-2)/2}\right] e^{-\tau} , \quad
              \tau = W \gamma_N (1-p)^{(N-3)/2} \sqrt{N p / 2} ,

    .. math:: W = f_{\max} \sqrt{4\pi\, {\rm var}(t)} , \quad
              \gamma_N = \sqrt{2/N}\, \Gamma(N/2) / \Gamma((N-1)/2) .

    N is the number of points less one constant a band, and no more than the number of moments
    of observation, less one: points of one moment have the star's own scatter in common. The
    share p is bounded by one, so that few points and rare outliers raise no alarms of their own.

    Parameters
    ----------
    series : JointSeries
        The star.
    frequency : array_like, shape (n_f,)
        Frequencies of the highest peaks in 1/d.
    grid : FrequencyGrid
        The frequencies that were searched.

    Returns
    -------
    float
        Probability, 0 to 1.

    Notes
    -----
    Variation with a memory (flickering over days, trends) is not the null hypothesis; it makes low
    frequencies significant.
    """
    freedom = min(series.time.size - series.n_bands, series.n_moments - 1)
    if freedom < _LEAST_FREEDOM:
        return 1.0
    noisy = series.with_own_scatter()
    share = min(2.0 * float(power_at(noisy, frequency).max(initial=0.0)) / noisy.chi2, 1.0)
    if not 0.0 < share < 1.0:
        return float(share <= 0.0)
    weight = noisy.error**-2.0
    mean = np.average(noisy.time, weights=weight)
    width = grid.fmax * np.sqrt(4.0 * np.pi * np.average((noisy.time - mean) ** 2, weights=weight))
    # Logarithms: probabilities far below the rounding of 1 - p must survive.
    rest = np.log1p(-share)
    log_gamma = 0.5 * np.log(2.0 / freedom) + gammaln(0.5 * freedom) - gammaln(0.5 * (freedom - 1))
    crossings = width * np.sqrt(0.5 * freedom * share) * np.exp(log_gamma + 0.5 * (freedom - 3) * rest)
    log_quiet = np.log(-np.expm1(0.5 * (freedom - 2) * rest)) - crossings
    return float(-np.expm1(log_quiet))
