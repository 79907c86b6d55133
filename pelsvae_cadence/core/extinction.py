r"""Interstellar extinction, and the two meanings of E(B-V) kept apart by type.

Dust maps of Schlegel, Finkbeiner & Davis (1998) give values that are too large by a factor of 1.16;
Schlafly & Finkbeiner (2011) published coefficients that contain the correction. Such coefficients
go with *raw* map values, those of an extinction law go with the *true* colour excess, and mixing
the two costs 13 to 22 %. Here the law is that of Fitzpatrick (1999) and the colour excess is the
true one; a value from a raw map has the type `RawSFD` and has to be converted by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.columns import numbers

__all__ = ["EXTINCTION", "SFD_SCALE", "RawSFD", "TrueEBV", "extinction", "true_ebv"]

FloatArray = npt.NDArray[np.float64]

#: True E(B-V) per raw SFD value: Schlafly & Finkbeiner (2011, ApJ 737, 103), section 5.2.
SFD_SCALE: Final = 0.86

#: A_band / E(B-V) for the true E(B-V): Fitzpatrick (1999, PASP 111, 63), R_V = 3.1, through the
#: filters over a Kurucz spectrum of 7000 K at E(B-V) = 0.1. V and I are Johnson-Cousins, G is Gaia's.
#: From U on: a black body of 7000 K instead, which agrees within 3 %, dust_extinction's F99, and the
#: filters named in `pelsvae_cadence.bands` (ATLAS and EROS: boxes from the blue to the red edge).
EXTINCTION: Final[dict[str, float]] = {
    "u": 4.62,
    "g": 3.67,
    "r": 2.58,
    "i": 1.90,
    "z": 1.50,
    "y": 1.23,
    "zg": 3.68,
    "zr": 2.46,
    "zi": 1.75,
    "V": 3.06,
    "I": 1.77,
    "G": 2.76,
    "U": 4.77,
    "B": 4.01,
    "R": 2.39,
    "BP": 3.33,
    "RP": 1.87,
    "c": 3.21,
    "o": 2.25,
    "ps_g": 3.59,
    "ps_r": 2.58,
    "ps_i": 1.91,
    "ps_z": 1.50,
    "ps_y": 1.25,
    "ps_w": 2.59,
    "sdss_u": 4.78,
    "sdss_g": 3.73,
    "sdss_r": 2.59,
    "sdss_i": 1.92,
    "sdss_z": 1.44,
    "decam_u": 4.54,
    "decam_g": 3.62,
    "decam_r": 2.45,
    "decam_i": 1.80,
    "decam_z": 1.37,
    "decam_Y": 1.21,
    "F475W": 3.69,
    "F606W": 2.78,
    "F814W": 1.73,
    "B_E": 2.98,
    "R_E": 1.91,
}


# Change of the coefficient from 7000 K to 4000 K (Kurucz, log g = 1) at E(B-V) = 0.1, and from 0.1 to
# 2 mag at 7000 K, from the same integrations; bands not listed change by less than 3 %. ZTF's filters
# take the change of LSST's. Broad filters move to the red as the light does.
_COOL: Final[dict[str, float]] = {
    "u": -0.44,
    "g": -0.19,
    "r": -0.04,
    "i": -0.02,
    "z": -0.01,
    "y": -0.01,
    "zg": -0.19,
    "zr": -0.04,
    "zi": -0.02,
    "I": -0.01,
    "G": -0.53,
}
_THICK: Final[dict[str, float]] = {
    "u": -0.26,
    "g": -0.13,
    "r": -0.05,
    "i": -0.02,
    "z": -0.01,
    "y": -0.01,
    "zg": -0.11,
    "zr": -0.05,
    "zi": -0.02,
    "V": -0.07,
    "I": -0.02,
    "G": -0.50,
}
# 5040 K / Teff of the two temperatures, and the range of true E(B-V) of the integrations.
_THETA, _THICKNESS = (5040.0 / 7000.0, 5040.0 / 4000.0), (0.1, 2.0)


def _checked(value: Any, name: str) -> FloatArray:
    array = numbers(name, value, "mag")
    if not np.isfinite(array).all() or (array < 0.0).any():
        bad = array[~(np.isfinite(array) & (array >= 0.0))].flat[0]
        raise InputError(f"{name} = {bad:g} mag", allowed="finite and >= 0 mag")
    return freeze(array)


@dataclass(frozen=True)
class TrueEBV:
    """True colour excess E(B-V), the one that goes with `EXTINCTION`.

    Parameters
    ----------
    value : array_like or Quantity
        E(B-V) in mag, 0 or more, of any shape.

    Raises
    ------
    InputError
        If a value is negative or not finite.
    """

    value: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _checked(self.value, "true E(B-V)"))


@dataclass(frozen=True)
class RawSFD:
    """Value of a Schlegel, Finkbeiner & Davis (1998, ApJ 500, 525) map as it is in the map.

    Parameters
    ----------
    value : array_like or Quantity
        Map values in mag, 0 or more, of any shape.

    Raises
    ------
    InputError
        If a value is negative or not finite.

    Examples
    --------
    >>> RawSFD(0.5).to_true().value.round(3).item()
    0.43
    """

    value: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _checked(self.value, "raw SFD E(B-V)"))

    def to_true(self) -> TrueEBV:
        """Convert to the true colour excess, `SFD_SCALE` times the map value.

        Returns
        -------
        TrueEBV
            E(B-V) on the scale of the extinction law.
        """
        return TrueEBV(SFD_SCALE * self.value)


def true_ebv(value: Any) -> Any:
    """Unwrap a colour excess where the true one is needed.

    Parameters
    ----------
    value : TrueEBV, float, array_like or Quantity
        Plain numbers are taken to be true values, as every ``ebv`` of the package is.

    Returns
    -------
    array_like or Quantity
        E(B-V) in mag.

    Raises
    ------
    InputError
        For a `RawSFD`.
    """
    if isinstance(value, RawSFD):
        raise InputError(
            "ebv is a raw SFD map value, which is 1.16 times the true E(B-V)",
            allowed="TrueEBV or numbers that are true E(B-V)",
            remedy="Convert it with RawSFD(...).to_true().",
        )
    return value.value if isinstance(value, TrueEBV) else value


def _refuse_untyped(ebv: object) -> None:
    if not isinstance(ebv, TrueEBV):
        value = true_ebv(ebv)
        raise InputError(
            f"ebv is a {type(value).__name__}",
            allowed="TrueEBV",
            remedy="Wrap true values in TrueEBV, map values in RawSFD(...).to_true().",
        )


def extinction(band: str, ebv: TrueEBV, teff: npt.ArrayLike = 7000.0) -> FloatArray:
    """Give the extinction in a band.

    Parameters
    ----------
    band : str
        A band out of `EXTINCTION`.
    ebv : TrueEBV
        Colour excess; nothing else is accepted, so that its meaning is always written down.
    teff : array_like
        Effective temperatures in K, broadcast with `ebv`.

    Returns
    -------
    ndarray of float64
        Extinction in mag.

    Raises
    ------
    InputError
        For an unknown band, a raw map value or a plain number.

    Notes
    -----
    A filter sees redder light of a cooler star and behind more dust: the coefficient `EXTINCTION`
    (7000 K, 0.1 mag) moves linearly in 5040 K / Teff to that of 4000 K and in E(B-V) to that of 2 mag.
    Both are held beyond; towards hotter stars the change goes on for half as far. It matters in u
    (10 %), g (5 %) and G (19 %). Cool stars behind much dust lose still less in u (2.7 E(B-V) at 4000 K
    and 2 mag: the filter's red leak). Bands from U on keep the coefficient of `EXTINCTION`.
    """
    if band not in EXTINCTION:
        raise InputError(f"unknown band {band!r}", allowed=", ".join(EXTINCTION))
    _refuse_untyped(ebv)
    theta = 5040.0 / np.asarray(teff, dtype=np.float64)
    cool = np.clip((theta - _THETA[0]) / (_THETA[1] - _THETA[0]), -0.5, 1.0)
    thick = np.clip((ebv.value - _THICKNESS[0]) / (_THICKNESS[1] - _THICKNESS[0]), 0.0, 1.0)
    coefficient = EXTINCTION[band] + cool * _COOL.get(band, 0.0) + thick * _THICK.get(band, 0.0)
    return np.asarray(coefficient * ebv.value)
