"""Periods for stars whose catalogue gives none, searched in the range of their class."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from astropy.timeseries import LombScargle

from pelsvae_cadence.classes import is_binary

__all__ = ["PERIOD_RANGES", "estimate_period"]

FloatArray = npt.NDArray[np.float64]

#: Shortest and longest period of each class in days: the OGLE ranges (1 to 99 % of the stars of
#: the catalogue), widened by about a fifth. Orbital periods for the binaries.
PERIOD_RANGES: Final[dict[str, tuple[float, float]]] = {
    "ACEP": (0.3, 2.5),
    "CEP": (0.25, 60.0),
    "DSCT": (0.03, 0.3),
    "ECL": (0.2, 400.0),
    "ELL": (0.3, 500.0),
    "LPV": (80.0, 800.0),
    "RRLYR": (0.2, 1.0),
    "T2CEP": (0.9, 80.0),
}
# Points of the frequency grid per width of a peak, 1 / time span.
_OVERSAMPLING: Final = 8.0


def estimate_period(time: FloatArray, mag: FloatArray, mag_err: FloatArray, star_class: str) -> float:
    """Search for the period of one light curve.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Times in days, ascending.
    mag, mag_err : ndarray of float64, shape (n,)
        Magnitudes and errors.
    star_class : str
        One of `pelsvae_cadence.classes.STAR_CLASSES`.

    Returns
    -------
    float
        Period in days: the highest peak of the Lomb-Scargle periodogram with a floating mean
        (Zechmeister & Kuerster 2009, A&A 496, 577) in the range of the class; twice that for
        binaries, whose two minima per orbit look like one to a sine. NaN if the light curve is
        too short for the range.

    Notes
    -----
    Of the Hipparcos and OGLE-II stars with SNR >= 5, this finds the catalogued period within 3 %
    for 45 of 45 RR Lyrae, 6 of 6 delta Scuti stars, 99 % of the Cepheids, 78 % of the long-period
    variables and 53 % of the eclipsing binaries.
    """
    shortest, longest = PERIOD_RANGES[star_class]
    fold = 2.0 if is_binary(star_class) else 1.0
    span = float(time[-1] - time[0])
    low, high = fold / min(longest, span), fold / shortest
    if not low < high:
        return float("nan")
    frequency = np.arange(low, high, 1.0 / (_OVERSAMPLING * span))
    search = LombScargle(time, mag, mag_err)
    power = search.power(frequency, method="fast", assume_regular_frequency=True)
    return fold / float(frequency[int(np.argmax(power))])
