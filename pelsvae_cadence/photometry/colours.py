"""Intrinsic colours from effective temperature and metallicity.

One sequence of model atmospheres serves all classes; RR Lyrae stars sit beside it by what Stripe 82
shows, and Miras have a line of their own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

__all__ = ["COLOUR_TEFF_RANGE", "colour_minus_i", "colour_uncertainty", "g_minus_i"]

FloatArray = npt.NDArray[np.float64]

#: Range in K over which `colour_minus_i` answers (below 3,500 and above 10,000 K it
#: extrapolates, see there).
COLOUR_TEFF_RANGE: Final = (3000.0, 40000.0)

_COLUMNS: Final = ("u", "g", "r", "i", "z", "y", "zg", "zr", "zi", "G", "V")
# AB magnitude (G, V: Vega) minus Cousins I (Vega), integrated over Kurucz (1993) atmospheres with
# [Fe/H] = -0.5 and the filter curves of speclite (lsst2023, bessell, Gaia) and pyphot (ZTF). The
# gravity follows the pulsating giants: log g = 1.0 ... 4.0 from cool to hot.
_TABLE: Final = np.array(
    [
        # Teff     u       g       r      i      z       y       zg      zr      zi     G       V
        [3500, 6.0025, 2.8032, 1.4007, 0.6838, 0.0287, -0.2113, 2.8156, 1.3116, 0.3952, 1.1760, 1.9145],
        [4000, 4.9107, 2.1187, 0.9760, 0.5225, 0.2637, 0.1021, 2.1226, 0.8886, 0.4199, 0.9585, 1.4266],
        [4500, 3.7506, 1.6535, 0.8085, 0.4915, 0.3208, 0.2204, 1.6509, 0.7445, 0.4248, 0.8216, 1.1238],
        [5000, 2.8857, 1.3381, 0.6951, 0.4695, 0.3662, 0.3134, 1.3337, 0.6475, 0.4285, 0.7119, 0.9255],
        [5500, 2.2711, 1.0893, 0.6063, 0.4515, 0.4015, 0.3815, 1.0829, 0.5716, 0.4312, 0.6140, 0.7738],
        [6000, 1.8410, 0.8645, 0.5254, 0.4369, 0.4266, 0.4292, 0.8566, 0.5032, 0.4328, 0.5169, 0.6372],
        [6500, 1.5417, 0.6588, 0.4476, 0.4234, 0.4438, 0.4597, 0.6507, 0.4376, 0.4336, 0.4200, 0.5069],
        [7000, 1.2990, 0.4367, 0.3631, 0.4092, 0.4633, 0.4788, 0.4284, 0.3670, 0.4355, 0.3089, 0.3612],
        [7500, 1.1370, 0.3013, 0.3059, 0.3987, 0.4839, 0.5039, 0.2926, 0.3185, 0.4376, 0.2353, 0.2662],
        [8000, 1.0114, 0.1918, 0.2592, 0.3903, 0.5051, 0.5296, 0.1823, 0.2791, 0.4399, 0.1740, 0.1878],
        [9000, 0.7238, -0.0308, 0.1723, 0.3759, 0.5185, 0.5451, -0.0392, 0.2058, 0.4409, 0.0441, 0.0435],
        [10000, 0.4710, -0.1349, 0.1298, 0.3694, 0.5255, 0.5715, -0.1407, 0.1696, 0.4409, -0.0231, -0.0217],
    ]
)

# Change of the colour with [Fe/H] in mag/dex at the temperatures of the table, from the same
# atmospheres with [Fe/H] = 0. Line blanketing: u by up to 0.8, g by up to 0.09; the other bands
# change by less than 0.05 and are left alone. At 3,500 K the value of 4,000 K is kept.
_METALLICITY: Final = {
    "u": (0.71, 0.71, 0.80, 0.70, 0.55, 0.37, 0.23, 0.17, 0.11, 0.07, 0.0, -0.02),
    "g": (0.09, 0.09, 0.079, 0.065, 0.061, 0.05, 0.029, 0.017, 0.004, -0.004, -0.01, -0.018),
    "zg": (0.09, 0.09, 0.076, 0.06, 0.057, 0.046, 0.025, 0.013, 0.001, -0.007, -0.01, -0.017),
}
# [Fe/H] of the table, and the range in which there are atmospheres; beyond it the end is held.
_FEH, _FEH_RANGE = -0.5, (-0.5, 0.5)

# RR Lyrae stars beside the atmospheres, at the temperature that their V - I gives: mean dereddened
# colours of 196 RRab and 54 RRc of Stripe 82 (Sesar et al. 2010, ApJ 708, 717), with
# V - I = 0.675 (g - i) + 0.364 and I = i - 0.386 (i - z) - 0.397 (Jordi, Grebel & Ammon 2006, A&A
# 460, 339). RRab and RRc agree within 0.01 mag. SDSS filters stand for those of LSST and ZTF, which
# costs up to 0.01 mag at these temperatures; y takes the shift of z and u that of g.
_RR_LYRAE: Final = {
    "u": -0.058,
    "g": -0.058,
    "r": -0.009,
    "i": -0.028,
    "z": -0.043,
    "y": -0.043,
    "zg": -0.058,
    "zr": -0.012,
    "zi": -0.033,
    "G": 0.0,
    "V": 0.0,
}

# Oxygen-rich Miras: no atmosphere grid or blackbody works (TiO). V - I by temperature is a line through
# the 1,000 Miras of the training table; G - I by V - I are medians of real red giants and Miras (OGLE
# and Gaia DR2); the others run from the coolest atmosphere to an engineering estimate for late M
# giants of V - I = 4. Good to half a magnitude, u, g and V to one.
_MIRA: Final = {
    "u": 6.7,
    "g": 3.9,
    "r": 2.2,
    "i": 0.6,
    "z": -0.4,
    "y": -0.9,
    "zg": 3.9,
    "zr": 1.9,
    "zi": 0.25,
    "V": 4.0,
}
_MIRA_V_I: Final = 4.0
_MIRA_LINE: Final = (2930.0, 2.90, -0.0013)  # K, mag, mag/K
_MIRA_G_I: Final = ((1.9, 2.42, 3.03, 3.65, 4.3, 9.0), (1.18, 1.36, 1.49, 1.59, 1.65, 1.75))

# Systematic uncertainty in mag: at one g - r the atmospheres miss r - i of RR Lyrae stars by 0.04;
# u depends on gravity and metallicity. Miras: see above.
_UNCERTAINTY: Final = {"LPV": (0.5, 1.0), "RRLYR": (0.02, 0.15)}
_UNCERTAINTY_OTHERS: Final = (0.04, 0.15)


def _check(band: str) -> None:
    if band != "I" and band not in _COLUMNS:
        raise InputError(f"unknown band {band!r}", allowed=", ".join((*_COLUMNS, "I")))


def colour_minus_i(
    band: str, teff: npt.ArrayLike, star_class: npt.ArrayLike, feh: npt.ArrayLike = np.nan
) -> FloatArray:
    """Give the intrinsic colour of a band against Cousins I.

    Parameters
    ----------
    band : str
        A band out of `pelsvae_cadence.bands.BANDS`, or ``"V"``, ``"I"``, ``"G"`` (Vega).
    teff : array_like, shape (N,)
        Effective temperatures in K.
    star_class : array_like of str, shape (N,)
        Classes.
    feh : array_like, shape (N,)
        Metallicities [Fe/H] in dex; NaN counts as -0.5. Not used for RR Lyrae stars and LPV.

    Returns
    -------
    ndarray of float64, shape (N,)
        M_band (AB; V, G: Vega) minus M_I (Cousins, Vega), in mag.

    Raises
    ------
    InputError
        For an unknown band, or a temperature outside `COLOUR_TEFF_RANGE` of a star that is no LPV.

    Notes
    -----
    Linear interpolation in 5040 K / Teff in a table computed from Kurucz (1993) model
    atmospheres; above 10,000 K the last segment is continued (colours change little there: the
    Rayleigh-Jeans limit is 5040 K / Teff -> 0), and below 3,500 K the first, where M giants are
    redder still (TiO). [Fe/H] moves u and g; below -0.5 and above 0.5 there
    are no atmospheres and the values there are held. RR Lyrae: shifted to the colours of Stripe
    82. LPV: see the module.
    """
    _check(band)
    temperature, classes, metals = np.broadcast_arrays(
        np.asarray(teff, dtype=np.float64), np.asarray(star_class), np.asarray(feh, dtype=np.float64)
    )
    mira = classes == "LPV"
    bad = ~mira & ~((temperature >= COLOUR_TEFF_RANGE[0]) & (temperature <= COLOUR_TEFF_RANGE[1]))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"teff = {temperature.flat[first]:g} K has no colours",
            allowed=f"{COLOUR_TEFF_RANGE[0]:g} to {COLOUR_TEFF_RANGE[1]:g} K",
        )
    if band == "I":
        return np.zeros(temperature.shape)
    values = _TABLE[:, 1 + _COLUMNS.index(band)]
    nodes = 5040.0 / _TABLE[:, 0]
    theta = 5040.0 / np.where(mira, 5000.0, temperature)
    colour = np.interp(theta, nodes[::-1], values[::-1])
    slope = (values[-1] - values[-2]) / (nodes[-1] - nodes[-2])
    hot = theta < nodes[-1]
    colour = np.where(hot, values[-1] + slope * (theta - nodes[-1]), colour)
    slope = (values[1] - values[0]) / (nodes[1] - nodes[0])
    colour = np.where(theta > nodes[0], values[0] + slope * (theta - nodes[0]), colour)
    rr_lyrae = classes == "RRLYR"
    if band in _METALLICITY:
        excess = np.clip(np.where(np.isfinite(metals), metals, _FEH), *_FEH_RANGE) - _FEH
        per_dex = np.interp(theta, nodes[::-1], np.array(_METALLICITY[band])[::-1])
        colour = colour + np.where(rr_lyrae, 0.0, excess * per_dex)
    colour = colour + np.where(rr_lyrae, _RR_LYRAE[band], 0.0)
    return np.where(mira, _mira_colour(band, temperature), colour)


def _mira_colour(band: str, teff: FloatArray) -> FloatArray:
    pivot, middle, slope = _MIRA_LINE
    v_i = middle + slope * (teff - pivot)
    if band == "G":
        return np.asarray(np.interp(v_i, *_MIRA_G_I))
    coolest = _TABLE[0]
    share = (v_i - coolest[-1]) / (_MIRA_V_I - coolest[-1])
    start = coolest[1 + _COLUMNS.index(band)]
    return np.asarray(start + share * (_MIRA[band] - start))


def colour_uncertainty(band: str, star_class: str) -> float:
    """Give the systematic uncertainty of an intrinsic colour.

    Parameters
    ----------
    band : str
        A band, as for `colour_minus_i`.
    star_class : str
        Class.

    Returns
    -------
    float
        One sigma in mag.

    Raises
    ------
    InputError
        For an unknown band.
    """
    _check(band)
    if band == "I":
        return 0.0
    red, blue = _UNCERTAINTY.get(star_class, _UNCERTAINTY_OTHERS)
    wide = ("u", "g", "zg", "V") if star_class == "LPV" else ("u",)
    return blue if band in wide else red


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
