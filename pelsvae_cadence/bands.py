"""Photometric bands: names, order, colours. Nothing else in the package knows them.

LSST bands keep their usual names ``u g r i z y``. The ZTF bands are different filters and are
named by the survey's own filter codes ``zg zr zi``, so that a light curve may hold both surveys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError

__all__ = [
    "BANDS",
    "LSST_BANDS",
    "STANDARD_BANDS",
    "SURVEYS",
    "ZTF_BANDS",
    "Band",
    "SurveyName",
    "filter_wavelength",
    "parse_bands",
]

SurveyName = Literal["lsst", "ztf", "joint"]
#: ``"joint"`` is several surveys at one position, whose bands carry the package's own names.
SURVEYS: Final[tuple[SurveyName, ...]] = ("lsst", "ztf", "joint")


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

# "g", "g_6", "LSST_g", "lsst-g", "zg", "ztfg", "ZTF_g": what databases in the wild hold.
_SPELLING = re.compile(r"^(?:(?P<prefix>lsst|ztf|z)[-_ ]?)?(?P<band>[ugrizy])(?:_\d+)?$", re.IGNORECASE)


def filter_wavelength(band: str) -> float:
    """Give the wavelength of a band.

    Parameters
    ----------
    band : str
        A band out of `BANDS` or `STANDARD_BANDS`.

    Returns
    -------
    float
        Effective or pivot wavelength in nm.

    Raises
    ------
    InputError
        For an unknown band.
    """
    if band in BANDS:
        return BANDS[band].wavelength
    if band in STANDARD_BANDS:
        return STANDARD_BANDS[band]
    raise InputError(f"unknown band {band!r}", allowed=", ".join((*BANDS, *STANDARD_BANDS)))


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
