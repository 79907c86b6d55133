"""Photometric bands: names, order, colours of LSST and ZTF; wavelengths and amplitudes of those of others.

LSST bands keep their usual names ``u g r i z y``. The ZTF bands are different filters and are
named by the survey's own filter codes ``zg zr zi``, so that a light curve may hold both surveys. So it
is with others: ``ps_g`` is that of Pan-STARRS, ``sdss_g`` that of SDSS, ``decam_g`` that of DECam.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError, did_you_mean
from pelsvae_cadence.core.extinction import EXTINCTION
from pelsvae_cadence.core.flux import AB_ZERO_NJY, VEGA_TO_AB
from pelsvae_cadence.core.tables.band_spellings import band_names
from pelsvae_cadence.surveys import SURVEYS, SurveyName

__all__ = [
    "BANDS",
    "DEFAULT_BAND_SCALES",
    "KNOWN_BANDS",
    "LSST_BANDS",
    "STANDARD_BANDS",
    "SURVEYS",
    "ZTF_BANDS",
    "Band",
    "Filter",
    "SurveyName",
    "UnknownBandWarning",
    "band_filter",
    "band_names",
    "filter_wavelength",
    "in_order",
    "parse_bands",
    "warn_of_unknown_bands",
]


@dataclass(frozen=True, kw_only=True)
class Band:
    """One photometric band.

    Parameters
    ----------
    name : str
        The name used throughout the package.
    survey : {"lsst", "ztf"}
        The survey whose filter it is.
    wavelength : float
        Effective (LSST) or pivot (ZTF) wavelength in nm: rubin_scheduler 4.6 ``SysEngVals``, and
        the ZTF filter curves shipped with pyphot 2.1.
    colour : str
        Colour for plots, as a hex string.
    """

    name: str
    survey: SurveyName
    wavelength: float
    colour: str


BANDS: Final[dict[str, Band]] = {
    band.name: band
    for band in (
        # Colours: the Okabe-Ito based set that Rubin's publication guidelines use for ugrizy.
        Band(name="u", survey="lsst", wavelength=372.4, colour="#0c71ff"),
        Band(name="g", survey="lsst", wavelength=480.7, colour="#49be61"),
        Band(name="r", survey="lsst", wavelength=622.1, colour="#c61c00"),
        Band(name="i", survey="lsst", wavelength=755.9, colour="#ffc200"),
        Band(name="z", survey="lsst", wavelength=868.0, colour="#f341a2"),
        Band(name="y", survey="lsst", wavelength=975.3, colour="#5d0000"),
        Band(name="zg", survey="ztf", wavelength=478.9, colour="#2e8b57"),
        Band(name="zr", survey="ztf", wavelength=642.1, colour="#b22222"),
        Band(name="zi", survey="ztf", wavelength=795.5, colour="#daa520"),
    )
}
LSST_BANDS: Final = tuple(name for name, band in BANDS.items() if band.survey == "lsst")
ZTF_BANDS: Final = tuple(name for name, band in BANDS.items() if band.survey == "ztf")

#: Bands of catalogues rather than of a simulated survey, on the Vega scale: Johnson V, Cousins I
#: (that of the decoder) and Gaia G, with their pivot wavelengths in nm (speclite, bessell and Gaia).
STANDARD_BANDS: Final[dict[str, float]] = {"V": 551.0, "I": 798.0, "G": 622.0}

#: Amplitudes relative to g where the data cannot tell (typical pulsators of the instability
#: strip; the ZTF values are those of the LSST bands of the same letter).
DEFAULT_BAND_SCALES: Final[dict[str, float]] = {
    "u": 0.95,
    "g": 1.0,
    "r": 0.8,
    "i": 0.65,
    "z": 0.6,
    "y": 0.58,
    "zg": 1.0,
    "zr": 0.8,
    "zi": 0.65,
}


class UnknownBandWarning(UserWarning):
    """Light curves have bands of which nothing is known; these get an offset and an amplitude of their own."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is known of a filter of LSST, ZTF or another instrument.

    Parameters
    ----------
    name : str
        The name used in light curves.
    wavelength : float
        Pivot wavelength in nm; effective wavelength for LSST.
    amplitude : float
        Typical amplitude of pulsating stars relative to that in g: `DEFAULT_BAND_SCALES`, between its
        bands interpolated in wavelength.
    vega_to_ab : float or None
        AB minus Vega magnitude in mag (`pelsvae_cadence.core.flux.VEGA_TO_AB`); None where unknown.
    extinction : float or None
        A / E(B-V) (`pelsvae_cadence.core.extinction.EXTINCTION`); None where unknown.
    """

    name: str
    wavelength: float
    amplitude: float
    vega_to_ab: float | None
    extinction: float | None

    def zero_point(self, system: Literal["AB", "Vega"] = "AB") -> float:
        """Give the flux of magnitude zero.

        Parameters
        ----------
        system : {"AB", "Vega"}
            Whose magnitude.

        Returns
        -------
        float
            Flux density in nJy.

        Raises
        ------
        InputError
            If the Vega zero point of the filter is not known.
        """
        if system not in ("AB", "Vega"):
            raise InputError(f"magnitude system {system!r}", allowed="AB, Vega")
        if system == "AB":
            return float(10.0 ** (0.4 * AB_ZERO_NJY))
        if self.vega_to_ab is None:
            raise InputError(
                f"the Vega zero point of band {self.name!r} is not known", allowed=", ".join(VEGA_TO_AB)
            )
        return float(10.0 ** (0.4 * (AB_ZERO_NJY - self.vega_to_ab)))


# Pivot wavelengths in nm. speclite 1.0: load_filter(name), sqrt(int T w dw / int T / w dw), with bessell,
# gaiadr3, panstarrs, sdss2010, decam2014; HST's ACS/WFC by pyphot 2.1. ATLAS: Tonry et al. (2018, PASP
# 130, 064505). EROS-2, two wide filters: Tisserand et al. (2007, A&A 469, 387).
_WAVELENGTHS: Final[dict[str, float]] = {
    **{name: band.wavelength for name, band in BANDS.items()},
    "U": 359.8,
    "B": 439.9,
    "V": STANDARD_BANDS["V"],
    "R": 656.3,
    "I": STANDARD_BANDS["I"],
    "G": STANDARD_BANDS["G"],
    "BP": 511.0,
    "RP": 776.9,
    "c": 533.0,
    "o": 679.0,
    "ps_g": 484.9,
    "ps_r": 620.1,
    "ps_i": 753.5,
    "ps_z": 867.4,
    "ps_y": 962.8,
    "ps_w": 628.6,
    "sdss_u": 359.1,
    "sdss_g": 470.1,
    "sdss_r": 617.7,
    "sdss_i": 749.7,
    "sdss_z": 890.4,
    "decam_u": 385.7,
    "decam_g": 482.0,
    "decam_r": 642.3,
    "decam_i": 780.7,
    "decam_z": 915.8,
    "decam_Y": 986.7,
    "F475W": 474.4,
    "F606W": 591.8,
    "F814W": 806.0,
    "B_E": 560.0,
    "R_E": 762.0,
}


def _typical_amplitude(name: str, wavelength: float) -> float:
    if name in DEFAULT_BAND_SCALES:
        return DEFAULT_BAND_SCALES[name]
    nodes = [BANDS[band].wavelength for band in LSST_BANDS]
    return float(np.interp(wavelength, nodes, [DEFAULT_BAND_SCALES[band] for band in LSST_BANDS]))


#: The filters that light curves may come in with nothing to be said about them.
KNOWN_BANDS: Final[dict[str, Filter]] = {
    name: Filter(
        name=name,
        wavelength=wavelength,
        amplitude=_typical_amplitude(name, wavelength),
        vega_to_ab=VEGA_TO_AB.get(name),
        extinction=EXTINCTION.get(name),
    )
    for name, wavelength in _WAVELENGTHS.items()
}
# Where a filter of which nothing is known is taken to be: the middle of the optical range.
_MID_OPTICAL: Final = 600.0

# "g", "g_6", "LSST_g", "lsst-g", "zg", "ztfg", "ZTF_g": what databases in the wild hold.
_SPELLING = re.compile(r"^(?:(?P<prefix>lsst|ztf|z)[-_ ]?)?(?P<band>[ugrizy])(?:_\d+)?$", re.IGNORECASE)


def filter_wavelength(band: str) -> float:
    """Give the wavelength of a band.

    Parameters
    ----------
    band : str
        A band out of `KNOWN_BANDS`.

    Returns
    -------
    float
        Effective or pivot wavelength in nm.

    Raises
    ------
    InputError
        For an unknown band.
    """
    if band not in KNOWN_BANDS:
        raise InputError(
            f"unknown band {band!r}", allowed=", ".join(KNOWN_BANDS), remedy=did_you_mean(band, KNOWN_BANDS)
        )
    return KNOWN_BANDS[band].wavelength


def band_filter(band: str) -> Filter:
    """Give what is known of a band, or what is assumed of one that is not known.

    Parameters
    ----------
    band : str
        Any name.

    Returns
    -------
    Filter
        That out of `KNOWN_BANDS`; otherwise one in the middle of the optical range, with an amplitude
        like that in g.
    """
    unknown = Filter(name=band, wavelength=_MID_OPTICAL, amplitude=1.0, vega_to_ab=None, extinction=None)
    return KNOWN_BANDS.get(band, unknown)


def in_order(bands: Iterable[str]) -> tuple[str, ...]:
    """Sort bands: those of LSST and ZTF from blue to red, then others by wavelength, then by name.

    Parameters
    ----------
    bands : iterable of str
        Any names; repeated ones count once.

    Returns
    -------
    tuple of str
        The names.
    """
    rank = {name: k for k, name in enumerate(BANDS)}
    return tuple(sorted(set(bands), key=lambda b: (rank.get(b, len(rank)), band_filter(b).wavelength, b)))


def warn_of_unknown_bands(bands: Iterable[str], stacklevel: int = 3) -> None:
    """Warn once of bands of which nothing is known.

    Parameters
    ----------
    bands : iterable of str
        The bands of some light curves.
    stacklevel : int
        Whose line the warning names.

    Warns
    -----
    UnknownBandWarning
        If one is not out of `KNOWN_BANDS`.
    """
    unknown = sorted(set(bands) - set(KNOWN_BANDS) - {""})
    if unknown:
        warnings.warn(
            f"nothing is known of band {', '.join(map(repr, unknown))}: taken to be optical, as variable as "
            f"g. Known are {', '.join(KNOWN_BANDS)}",
            UnknownBandWarning,
            stacklevel=stacklevel,
        )


def parse_bands(values: npt.ArrayLike, survey: SurveyName = "lsst") -> npt.NDArray[np.str_]:
    """Turn the band names of a survey table into the package's names.

    Parameters
    ----------
    values : array_like of str, shape (n,)
        Names as found in a table: ``"g"``, ``"g_6"``, ``"lsst_g"``, ``"zg"``.
    survey : {"lsst", "ztf", "joint"}
        The survey the table belongs to; it decides what a plain ``"g"`` means. For ``"joint"``
        the names must be the package's own.

    Returns
    -------
    ndarray of str, shape (n,)
        Names out of `BANDS`.

    Raises
    ------
    InputError
        If a name is not a band of the survey.

    Examples
    --------
    >>> parse_bands(["g_6", "r", "y"]).tolist()
    ['g', 'r', 'y']
    >>> parse_bands(["g", "r"], survey="ztf").tolist()
    ['zg', 'zr']
    """
    if survey not in SURVEYS:
        raise InputError(f"unknown survey {survey!r}", allowed=", ".join(SURVEYS))
    array = np.asarray(values).astype(str)
    known = {"lsst": LSST_BANDS, "ztf": ZTF_BANDS, "joint": tuple(BANDS)}[survey]
    names, inverse = np.unique(array, return_inverse=True)
    parsed = []
    for name in names.tolist():
        match = _SPELLING.match(name.strip())
        band = match["band"].lower() if match else ""
        if survey == "joint":
            band = name
        elif survey == "ztf":
            band = "z" + band
        elif match and (match["prefix"] or "").lower() in ("ztf", "z"):
            band = ""  # a ZTF filter in an LSST table
        if band not in known:
            raise InputError(
                f"unknown band {name!r} for survey {survey!r}",
                allowed=", ".join(known) + " (also spelled like 'g_6')",
                remedy="Check the band column, or name the right survey.",
            )
        parsed.append(band)
    return np.array(parsed, dtype="U2")[inverse].reshape(array.shape)
