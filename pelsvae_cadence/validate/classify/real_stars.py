"""Real stars at the visits of a survey: eclipsing binaries of OGLE-II, RR Lyrae stars of Stripe 82."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.real_data import read_light_curve_set
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.noise import DETECTION_SNR, flux_error, flux_to_mag, mag_to_flux

__all__ = ["FIVE_BANDS", "binaries_at", "cepheid_colours", "rr_lyrae_at"]

FloatArray = npt.NDArray[np.float64]

#: The bands of SDSS.
FIVE_BANDS: Final = ("u", "g", "r", "i", "z")
# Extinction of Stripe 82 in u g r i z over that in r (Sesar et al. 2010; checked on the light
# curves themselves).
_SDSS_EXTINCTION: Final = (1.873, 1.377, 1.0, 0.758, 0.537)
# Missing values of the Stripe 82 table.
_FAINTEST: Final = 30.0
_LARGEST_ERROR: Final = 1.0
#: Mean magnitude at which binaries and RR Lyrae stars are put: their own noise stays below LSST's.
_MAGNITUDE: Final = 20.0
_LEAST_POINTS: Final = 60
_LEAST_IN_BAND: Final = 20


def _measured(star_id: int, visits: Visits, mag_true: FloatArray, random: KeyedRandom) -> LightCurves:
    """Observe a star of known magnitudes at visits."""
    flux_true = mag_to_flux(mag_true)
    flux_err = flux_error(flux_true, visits.m5, visits.band)
    noise = random.normal("real stars at visits", star_id, visits.visit_id)
    flux = flux_true + flux_err * noise
    detected = flux > DETECTION_SNR * flux_err
    mag_err = np.full(flux.size, np.nan)
    mag_err[detected] = 2.5 * np.log10(1.0 + flux_err[detected] / flux[detected])
    n = len(visits)
    return LightCurves(
        star_id=np.array([star_id]),
        offsets=np.array([0, n]),
        mjd=visits.mjd,
        band=visits.band,
        visit_id=visits.visit_id,
        mag_true=mag_true,
        mag=np.where(detected, flux_to_mag(flux), np.nan),
        mag_err=mag_err,
        flux=flux,
        flux_err=flux_err,
        detected=detected,
        saturated=np.zeros(n, dtype=bool),
    )


def cepheid_colours(data: Path, name: npt.NDArray[np.str_]) -> FloatArray:
    """Look up the colours of OGLE-III Cepheids of the Large Magellanic Cloud.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    name : ndarray of str, shape (N,)
        Names of the catalogue, such as OGLE-LMC-CEP-0002.

    Returns
    -------
    ndarray of float64, shape (N,)
        V - I of the intensity means in mag, not corrected for reddening; NaN where V is missing.

    Raises
    ------
    InputError
        If the files or a name are missing.

    References
    ----------
    Soszynski et al. 2008, Acta Astron. 58, 163.
    """
    _, table = read_light_curve_set(data / "lightcurves", "ogle3_lmc_cep_I")
    by_name = table.set_index("id")
    for wanted in name.tolist():
        if wanted not in by_name.index:
            raise InputError(f"no Cepheid {wanted!r}", remedy="Give names of OGLE-III.")
    rows = by_name.loc[name]
    return np.asarray(rows["V_mean"] - rows["I_mean"], dtype=np.float64)


def binaries_at(data: Path, visits: Visits, n: int | None = None, *, seed: int = 0) -> LightCurves:
    """Observe eclipsing binaries of OGLE-II at the visits of a survey.

    Each visit takes the real I-band point nearest in phase, its noise included, with the mean
    moved to 20 mag, and adds the noise of the visit. Phases are those of twice the machine-found
    period, which is right whether that is the orbital period or half of it.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    visits : Visits
        The visits; I stands for all of their bands.
    n : int, optional
        Number of stars, drawn at random; all with 60 points or more by default.
    seed : int
        Seed of choice and noise.

    Returns
    -------
    LightCurves
        The light curves.

    Raises
    ------
    InputError
        If the files are missing.

    References
    ----------
    Debosscher et al. 2007, A&A 475, 1159; Udalski et al. 2008, Acta Astron. 58, 69 (OGLE).
    """
    points, table = read_light_curve_set(data / "lightcurves", "hipparcos_ogle2")
    usable = (table["cls"] == "ECL") & table["band"].str.endswith("I")
    usable &= (table["n_points"] >= _LEAST_POINTS) & table["period_archive"].notna()
    rows = table[usable]
    random = KeyedRandom(seed=seed)
    order = random.generator("OGLE-II binaries", 0).permutation(len(rows))[:n]
    rows = rows.iloc[np.sort(order)]
    parts = []
    for row, period in zip(rows["row"].tolist(), rows["period_archive"].tolist(), strict=True):
        some = slice(int(points["offsets"][row]), int(points["offsets"][row + 1]))
        mag = points["mag"][some].astype(np.float64)
        phase = (points["t"][some] / (2.0 * period)) % 1.0
        wanted = (visits.mjd / (2.0 * period)) % 1.0
        nearest = _nearest(phase, wanted)
        shifted = mag[nearest] - np.median(mag) + _MAGNITUDE
        parts.append(_measured(int(row), visits, shifted, random))
    return LightCurves.concatenate(parts)


def _nearest(phase: FloatArray, wanted: FloatArray) -> npt.NDArray[np.intp]:
    """Find the point nearest in phase, across the wrap."""
    order = np.argsort(phase, kind="stable")
    around = np.concatenate([phase[order[-1:]] - 1.0, phase[order], phase[order[:1]] + 1.0])
    index = np.concatenate([order[-1:], order, order[:1]])
    right = np.clip(np.searchsorted(around, wanted), 1, around.size - 1)
    left_is_nearer = wanted - around[right - 1] < around[right] - wanted
    return np.asarray(index[np.where(left_is_nearer, right - 1, right)])


def rr_lyrae_at(data: Path, visits: Visits, n: int | None = None, *, seed: int = 0) -> LightCurves:
    """Observe RR Lyrae stars of Stripe 82 at the u g r i z visits of a survey.

    In each band the magnitudes are interpolated in phase between the star's own SDSS points,
    freed of extinction, and moved by one amount in all bands to a mean r of 20.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    visits : Visits
        Visits in u, g, r, i, z; SDSS bands stand for the LSST bands of the same letter.
    n : int, optional
        Number of stars, drawn at random; all with 20 points in each band by default.
    seed : int
        Seed of choice and noise.

    Returns
    -------
    LightCurves
        The light curves.

    Raises
    ------
    InputError
        If the files are missing, or visits are in other bands.

    References
    ----------
    Sesar et al. 2010, ApJ 708, 717.
    """
    if not set(visits.bands) <= set(FIVE_BANDS):
        raise InputError(f"visits in {', '.join(visits.bands)}", allowed=", ".join(FIVE_BANDS))
    points, table = read_light_curve_set(data / "lightcurves", "sdss_s82_rrlyr_ugriz")
    random = KeyedRandom(seed=seed)
    parts: list[LightCurves] = []
    for k in random.generator("Stripe 82 RR Lyrae", 0).permutation(len(table)).tolist():
        if n is not None and len(parts) == n:
            break
        star = table.iloc[k]
        some = slice(int(points["offsets"][star["row"]]), int(points["offsets"][star["row"] + 1]))
        mag, band = points["mag"][some].astype(np.float64), points["band"][some]
        good = (mag < _FAINTEST) & (points["err"][some] < _LARGEST_ERROR)
        if np.bincount(band[good], minlength=5).min() < _LEAST_IN_BAND:
            continue
        phase = (points["t"][some] / star["period"]) % 1.0
        # A point without a value must not become one by accident.
        mag_true = np.full(len(visits), np.nan)
        for b, name in enumerate(FIVE_BANDS):
            here, mine = visits.band == name, good & (band == b)
            wanted = (visits.mjd[here] / star["period"]) % 1.0
            mag_true[here] = np.interp(wanted, *_sorted(phase[mine], mag[mine]), period=1.0)
            mag_true[here] -= star["rExt"] * _SDSS_EXTINCTION[b]
        r_mean = np.mean(mag[good & (band == 2)]) - star["rExt"]
        parts.append(_measured(int(star["row"]), visits, mag_true - r_mean + _MAGNITUDE, random))
    return LightCurves.concatenate(parts)


def _sorted(phase: FloatArray, mag: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(phase, kind="stable")
    return phase[order], mag[order]
