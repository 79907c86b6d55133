"""Spellings of bands in tables of light curves, and the names that they stand for."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["band_names"]

# What others write: "LSST_r", "lsstr", "ps1::g", "PS1_g", "Gaia_BP", "bessell-V", "ATLAS_o", "DES_g".
_LETTERS: Final = {
    ("lsst", "lsstcam", "lsstcomcam", "rubin"): {band: band for band in "ugrizy"},
    ("ztf",): {band: f"z{band}" for band in "gri"},
    ("sdss",): {band: f"sdss_{band}" for band in "ugriz"},
    ("ps", "ps1", "panstarrs", "pan-starrs"): {band: f"ps_{band}" for band in "grizyw"},
    ("decam", "des"): {band: f"decam_{band}" for band in "ugriz"} | {"y": "decam_Y"},
    ("johnson", "bessell", "bessel", "cousins", "landolt", "ogle"): {b.lower(): b for b in "UBVRI"},
    ("gaia", "gaiadr2", "gaiadr3"): {
        "g": "G",
        "bp": "BP",
        "rp": "RP",
        "gbp": "BP",
        "grp": "RP",
        "g_bp": "BP",
        "g_rp": "RP",
    },
    ("atlas",): {"c": "c", "o": "o", "cyan": "c", "orange": "o"},
    ("hst", "acs", "acswf", "hst_acs_wfc"): {f.lower(): f for f in ("F475W", "F606W", "F814W")},
    ("eros",): {"b": "B_E", "r": "R_E", "b_e": "B_E", "r_e": "R_E"},
}
_OURS: Final = {name for letters in _LETTERS.values() for name in letters.values()}
_SYSTEMS: Final = {prefix: letters for prefixes, letters in _LETTERS.items() for prefix in prefixes}
_BARE: Final = {"g_bp": "BP", "g_rp": "RP", "gbp": "BP", "grp": "RP"} | _SYSTEMS["hst"]
_WITH_PREFIX: Final = re.compile(
    rf"^({'|'.join(sorted(_SYSTEMS, key=len, reverse=True))})[-_ :./]*(\w+?)(?:_\d+)?$", re.IGNORECASE
)
_RUBIN: Final = re.compile(r"[ugrizy]_\d+")  # of physical filters


def band_names(values: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """Translate the spellings of bands that light curves come with.

    Parameters
    ----------
    values : ndarray of str
        Names such as ``"LSST_r"``, ``"ps1::g"``, ``"Gaia_BP"``, ``"bessell-V"``, ``"g_6"``.

    Returns
    -------
    ndarray of str
        Names out of `pelsvae_cadence.bands.KNOWN_BANDS`; one that is no spelling of these stays as it is.

    Examples
    --------
    >>> band_names(np.array(["LSST_r", "PS1_g", "V", "white"])).tolist()
    ['r', 'ps_g', 'V', 'white']
    """
    if values.dtype.itemsize <= np.dtype("U2").itemsize:  # shorter than any other spelling
        return values
    names, which = np.unique(values, return_inverse=True)
    ours = [_translated(name) for name in names.tolist()]
    return np.array(ours, dtype=np.str_)[which].reshape(values.shape) if ours else values


def _translated(name: str) -> str:
    text = name.strip()
    if text in _OURS:
        return text
    if text.lower() in _BARE:
        return _BARE[text.lower()]
    if found := _WITH_PREFIX.match(text):
        return _SYSTEMS[found[1].lower()].get(found[2].lower(), text)
    return text[0] if _RUBIN.fullmatch(text) else text
