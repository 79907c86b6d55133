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
_TABLE: Final = np.array([
    # Teff     u       g       r      i      z       y       zg      zr      zi     G       V
    [3500, 6.0025, 2.8032, 1.4007, .6838, .0287, -.2113, 2.8156, 1.3116, .3952, 1.1760, 1.9145],
    [4000, 4.9107, 2.1187, .9760, .5225, .2637, .1021, 2.1226, .8886, .4199, .9585, 1.4266],
    [4500, 3.7506, 1.6535, .8085, .4915, .3208, .2204, 1.6509, .7445, .4248, .8216, 1.1238],
    [5000, 2.8857, 1.3381, .6951, .4695, .3662, .3134, 1.3337, .6475, .4285, .7119, .9255],
    [5500, 2.2711, 1.0893, .6063, .4515, .4015, .3815, 1.0829, .5716, .4312, .6140, .7738],
    [6000, 1.8410, .8645, .5254, .4369, .4266, .4292, .8566, .5032, .4328, .5169, .6372],
    [6500, 1.5417, .6588, .4476, .4234, .4438, .4597, .6507, .4376, .4336, .4200, .5069],
    [7000, 1.2990, .4367, .3631, .4092, .4633, .4788, .4284, .3670, .4355, .3089, .3612],
    [7500, 1.1370, .3013, .3059, .3987, .4839, .5039, .2926, .3185, .4376, .2353, .2662],
    [8000, 1.0114, .1918, .2592, .3903, .5051, .5296, .1823, .2791, .4399, .1740, .1878],
    [9000, .7238, -.0308, .1723, .3759, .5185, .5451, -.0392, .2058, .4409, .0441, .0435],
    [10000, .4710, -.1349, .1298, .3694, .5255, .5715, -.1407, .1696, .4409, -.0231, -.0217],
])  # fmt: skip

# Change of the colour with [Fe/H] in mag/dex at the temperatures of the table, from the same
# atmospheres with [Fe/H] = 0. Line blanketing: u by up to 0.8, g by up to 0.09; the other bands
# change by less than 0.05 and are left alone. At 3,500 K the value of 4,000 K is kept.
_METALLICITY: Final = {
    "u": (.71, .71, .80, .70, .55, .37, .23, .17, .11, .07, .0, -.02),
    "g": (.09, .09, .079, .065, .061, .05, .029, .017, .004, -.004, -.01, -.018),
    "zg": (.09, .09, .076, .06, .057, .046, .025, .013, .001, -.007, -.01, -.017),
}  # fmt: skip
# [Fe/H] of the table, and the range in which there are atmospheres; beyond it the end is held.
_FEH, _FEH_RANGE = -0.5, (-0.5, 0.5)

# RR Lyrae stars beside the atmospheres, at the temperature that their V - I gives: mean dereddened
# colours of 196 RRab and 54 RRc of Stripe 82 (Sesar et al. 2010, ApJ 708, 717), with
# V - I = 0.675 (g - i) + 0.364 and I = i - 0.386 (i - z) - 0.397 (Jordi, Grebel & Ammon 2006, A&A
# 460, 339). RRab and RRc agree within 0.01 mag. SDSS filters stand for those of LSST and ZTF, which
# costs up to 0.01 mag at these temperatures; y takes the shift of z and u that of g.
_RR_LYRAE: Final = {
    "u": -.058, "g": -.058, "r": -.009, "i": -.028, "z": -.043, "y": -.043,
    "zg": -.058, "zr": -.012, "zi": -.033, "G": 0.0, "V": 0.0,
}  # fmt: skip

# Oxygen-rich Miras: no atmosphere grid or blackbody works (TiO). V - I by temperature is a line through
# the 1,000 Miras of the training table; G - I by V - I are medians of real red giants and Miras (OGLE
# and Gaia DR2); the others run from the coolest atmosphere to an engineering estimate for late M
# giants of V - I = 4. Good to half a magnitude, u, g and V to one.
_MIRA: Final = {
    "u": 6.7, "g": 3.9, "r": 2.2, "i": 0.6, "z": -0.4, "y": -0.9, "zg": 3.9, "zr": 1.9, "zi": 0.25,
    "V": 4.0,
}  # fmt: skip
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
    band: str,
    teff: npt.ArrayLike,
    star_class: npt.ArrayLike,
    feh: npt.ArrayLike = np.nan,
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
        np.asarray(teff, dtype=np.float64), np.asarray(star_class),
        np.asarray(feh, dtype=np.float64),
    )  # fmt: skip
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
