"""Intrinsic colours from effective temperature, and amplitude ratios between bands.

The table is deliberately simple: one sequence of model atmospheres for all classes but the Miras.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.errors import InputError

__all__ = ["COLOUR_TEFF_RANGE", "amplitude_ratio", "colour_minus_i", "g_minus_i"]

FloatArray = npt.NDArray[np.float64]

#: Range in K over which `colour_minus_i` answers (above 10,000 K it extrapolates, see there).
COLOUR_TEFF_RANGE: Final = (3500.0, 40000.0)

_COLUMNS: Final = ("u", "g", "r", "i", "z", "y", "zg", "zr", "zi", "G")
# AB magnitude (G: Vega) minus Cousins I (Vega), integrated over Kurucz (1993) atmospheres with
# [Fe/H] = -0.5 and the filter curves of speclite (lsst2023, bessell, Gaia) and pyphot (ZTF). The
# gravity follows the pulsating giants: log g = 1.0 ... 4.0 from cool to hot.
_TABLE: Final = np.array([
    # Teff     u       g       r      i      z       y       zg      zr      zi     G
    [3500, 6.0025, 2.8032, 1.4007, .6838, .0287, -.2113, 2.8156, 1.3116, .3952, 1.1760],
    [4000, 4.9107, 2.1187, .9760, .5225, .2637, .1021, 2.1226, .8886, .4199, .9585],
    [4500, 3.7506, 1.6535, .8085, .4915, .3208, .2204, 1.6509, .7445, .4248, .8216],
    [5000, 2.8857, 1.3381, .6951, .4695, .3662, .3134, 1.3337, .6475, .4285, .7119],
    [5500, 2.2711, 1.0893, .6063, .4515, .4015, .3815, 1.0829, .5716, .4312, .6140],
    [6000, 1.8410, .8645, .5254, .4369, .4266, .4292, .8566, .5032, .4328, .5169],
    [6500, 1.5417, .6588, .4476, .4234, .4438, .4597, .6507, .4376, .4336, .4200],
    [7000, 1.2990, .4367, .3631, .4092, .4633, .4788, .4284, .3670, .4355, .3089],
    [7500, 1.1370, .3013, .3059, .3987, .4839, .5039, .2926, .3185, .4376, .2353],
    [8000, 1.0114, .1918, .2592, .3903, .5051, .5296, .1823, .2791, .4399, .1740],
    [9000, .7238, -.0308, .1723, .3759, .5185, .5451, -.0392, .2058, .4409, .0441],
    [10000, .4710, -.1349, .1298, .3694, .5255, .5715, -.1407, .1696, .4409, -.0231],
])  # fmt: skip

# Oxygen-rich Miras: no atmosphere grid or blackbody works (TiO). Engineering estimate from late M
# giants with (V-I)0 about 4; good to half a magnitude, u and g to one.
_MIRA: Final = {
    "u": 6.7, "g": 3.9, "r": 2.2, "i": 0.6, "z": -0.4, "y": -0.9, "zg": 3.9, "zr": 1.9, "zi": 0.25,
    "G": 1.5,
}  # fmt: skip


def colour_minus_i(band: str, teff: npt.ArrayLike, star_class: npt.ArrayLike) -> FloatArray:
    """Give the intrinsic colour of a band against Cousins I.

    Parameters
    ----------
    band : str
        A band out of `pelsvae_cadence.bands.BANDS`, or ``"G"`` for Gaia G (Vega).
    teff : array_like, shape (N,)
        Effective temperatures in K; not used for LPV.
    star_class : array_like of str, shape (N,)
        Classes.

    Returns
    -------
    ndarray of float64, shape (N,)
        M_band (AB; G: Vega) minus M_I (Cousins, Vega), in mag.

    Raises
    ------
    InputError
        For an unknown band, or a temperature outside `COLOUR_TEFF_RANGE` of a star that is no LPV.

    Notes
    -----
    Linear interpolation in 5040 K / Teff in a table computed from Kurucz (1993) model
    atmospheres; above 10,000 K the last segment is continued (colours change little there: the
    Rayleigh-Jeans limit is 5040 K / Teff -> 0). LPV: constants, see the module.
    """
    if band not in _COLUMNS:
        raise InputError(f"unknown band {band!r}", allowed=", ".join(_COLUMNS))
    temperature = np.asarray(teff, dtype=np.float64)
    classes = np.asarray(star_class)
    temperature, classes = np.broadcast_arrays(temperature, classes)
    mira = classes == "LPV"
    bad = ~mira & ~((temperature >= COLOUR_TEFF_RANGE[0]) & (temperature <= COLOUR_TEFF_RANGE[1]))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"teff = {temperature.flat[first]:g} K has no colours",
            allowed=f"{COLOUR_TEFF_RANGE[0]:g} to {COLOUR_TEFF_RANGE[1]:g} K",
        )
    values = _TABLE[:, 1 + _COLUMNS.index(band)]
    nodes = 5040.0 / _TABLE[:, 0]
    theta = 5040.0 / np.where(mira, 5000.0, temperature)
    colour = np.interp(theta, nodes[::-1], values[::-1])
    slope = (values[-1] - values[-2]) / (nodes[-1] - nodes[-2])
    hot = theta < nodes[-1]
    colour = np.where(hot, values[-1] + slope * (theta - nodes[-1]), colour)
    return np.where(mira, _MIRA[band], colour)


def g_minus_i(teff: npt.ArrayLike, star_class: npt.ArrayLike) -> FloatArray:
    """Give Gaia G minus Cousins I (both Vega).

    Parameters
    ----------
    teff : array_like, shape (N,)
        Effective temperatures in K.
    star_class : array_like of str, shape (N,)
        Classes.

    Returns
    -------
    ndarray of float64, shape (N,)
        The colour in mag.
    """
    return colour_minus_i("G", teff, star_class)


# Peak-to-peak amplitude in a band over that in Cousins I. RRab, RRc: measured on Stripe 82 (Sesar
# et al. 2010, ApJ 708, 717) for g r i z and completed with ATLAS9 temperature swings; the other
# pulsators: ATLAS9 temperature swing plus a grey radius term; LPV, ELL, binaries: estimates.
_RATIO_BANDS: Final = ("u", "g", "r", "i", "z", "y", "zg", "zr", "zi")
_RATIOS: Final[dict[str, tuple[float, ...]]] = {
    "RRab": (1.94, 1.79, 1.31, 1.05, 0.953, 0.945, 1.79, 1.27, 1.00),
    "RRc": (1.95, 1.92, 1.37, 1.06, 0.93, 0.93, 1.92, 1.32, 1.00),
    "CEP": (2.5, 1.95, 1.34, 1.05, 0.94, 0.89, 1.95, 1.28, 1.00),
    "CEP, P > 10 d": (2.8, 1.80, 1.27, 1.04, 0.93, 0.83, 1.80, 1.23, 1.00),
    "T2CEP, P < 4 d": (2.4, 1.94, 1.35, 1.06, 0.94, 0.90, 1.94, 1.29, 1.00),
    "T2CEP": (2.8, 1.80, 1.28, 1.05, 0.92, 0.84, 1.81, 1.24, 1.00),
    "ACEP": (2.0, 1.83, 1.32, 1.05, 0.95, 0.94, 1.83, 1.27, 1.00),
    "DSCT": (1.9, 1.92, 1.36, 1.06, 0.91, 0.92, 1.92, 1.31, 0.99),
    "LPV": (2.0, 2.2, 1.6, 1.15, 0.8, 0.7, 2.2, 1.5, 1.0),
    "ELL": (1.25, 1.2, 1.08, 1.02, 0.97, 0.95, 1.2, 1.07, 1.0),
    "ECL": (1.03, 1.02, 1.0, 1.0, 1.0, 1.0, 1.02, 1.0, 1.0),
}


def amplitude_ratio(
    band: str, star_class: npt.ArrayLike, subtype: npt.ArrayLike, period: npt.ArrayLike
) -> FloatArray:
    """Give the amplitude in a band over the amplitude in Cousins I.

    Parameters
    ----------
    band : str
        A band out of `pelsvae_cadence.bands.BANDS`.
    star_class, subtype : array_like of str, shape (N,)
        Classes and subtypes.
    period : array_like, shape (N,)
        Periods in days.

    Returns
    -------
    ndarray of float64, shape (N,)
        Amplitude ratios.

    Raises
    ------
    InputError
        For an unknown band.

    Notes
    -----
    An RR Lyrae star without subtype counts as RRc below 0.45 d. Eclipses keep one depth in all
    bands but for limb darkening: unequal temperatures are not modelled yet.
    """
    if band not in BANDS:
        raise InputError(f"unknown band {band!r}", allowed=", ".join(BANDS))
    classes, subtypes, periods = np.broadcast_arrays(
        np.asarray(star_class), np.asarray(subtype), np.asarray(period, dtype=np.float64)
    )
    key = classes.astype("U16")
    rrc = (subtypes == "RRc") | ((subtypes == "") & (periods < 0.45))
    key[classes == "RRLYR"] = np.where(rrc[classes == "RRLYR"], "RRc", "RRab")
    key[(classes == "CEP") & (periods > 10.0)] = "CEP, P > 10 d"
    key[(classes == "T2CEP") & (periods < 4.0)] = "T2CEP, P < 4 d"
    column = _RATIO_BANDS.index(band)
    names, inverse = np.unique(key, return_inverse=True)
    return np.array([_RATIOS[str(name)][column] for name in names])[inverse].reshape(key.shape)
