"""Real light curves for the figures of merit: Stripe 82 RR Lyrae, OGLE Cepheids and binaries.

They are read as they were measured, or observed again at the visits of a survey. Nothing here was
simulated from the learned model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.real_data import read_light_curve_set
from pelsvae_cadence.core.times import MJD_ZERO
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.forced import forced_photometry
from pelsvae_cadence.photometry.noise import SATURATION, flux_error
from pelsvae_cadence.validate.templates import (
    choose_rows,
    harmonic_basis,
    nearest_in_phase,
    observe_known,
    points_of,
)

__all__ = [
    "FAINTER_BY",
    "FAINTEST",
    "FIVE_BANDS",
    "LARGEST_ERROR",
    "MEAN_MAGNITUDE",
    "SDSS_EXTINCTION",
    "RealStars",
    "binaries_at",
    "cepheid_colours",
    "cepheids_at_the_lmc",
    "lmc_visits",
    "rr_lyrae_at",
    "stripe82_rr_lyrae",
]

FloatArray = npt.NDArray[np.float64]

#: The bands of SDSS.
FIVE_BANDS: Final = ("u", "g", "r", "i", "z")
# Extinction of Stripe 82 in u g r i z over that in r (Sesar et al. 2010; checked on the stars).
SDSS_EXTINCTION: Final = (1.873, 1.377, 1.0, 0.758, 0.537)
# Missing values of the Stripe 82 table.
FAINTEST: Final = 30.0
LARGEST_ERROR: Final = 1.0
# From an error in magnitudes to a relative error of the flux.
_LN_RATIO: Final = np.log(10.0) / 2.5

#: OGLE's LMC Cepheids (I about 15.3) saturate in LSST's exposures: they are put to ten times the distance.
FAINTER_BY: Final = 5.0
_LMC: Final = (80.0, -69.0)
#: Mean magnitude at which binaries and RR Lyrae stars are put: their own noise stays below LSST's.
MEAN_MAGNITUDE: Final = 20.0
# Fewer points do not carry the eight harmonics of the fit.
_LEAST_POINTS_OF_CEPHEIDS: Final = 150
_LEAST_POINTS: Final = 60
_LEAST_IN_BAND: Final = 20


@dataclass(frozen=True, kw_only=True)
class RealStars:
    """Light curves of real stars and their catalogue periods.

    Parameters
    ----------
    name : ndarray of str, shape (N,)
        Identifiers of the catalogue.
    subtype : ndarray of str, shape (N,)
        Subtype or pulsation mode of the catalogue.
    period : ndarray of float64, shape (N,)
        Catalogue periods in days.
    light_curves : LightCurves
        The light curves. `mag_true` is the measured magnitude where nothing is simulated.
    """

    name: npt.NDArray[np.str_]
    subtype: npt.NDArray[np.str_]
    period: FloatArray
    light_curves: LightCurves


def stripe82_rr_lyrae(data: Path, n: int | None = None, *, seed: int = 0) -> RealStars:
    """Read RR Lyrae stars of SDSS Stripe 82 in their five bands.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    n : int, optional
        Number of stars, drawn at random; all by default.
    seed : int
        Seed of the choice.

    Returns
    -------
    RealStars
        Stars and light curves. SDSS u, g, r, i, z go under the names of the LSST bands of the
        same letter, of which the search takes its defaults; fluxes are those of SDSS.

    Raises
    ------
    InputError
        If the files are missing.

    References
    ----------
    Sesar et al. 2010, ApJ 708, 717.
    """
    points, table = read_light_curve_set(data / "lightcurves", "sdss_s82_rrlyr_ugriz")
    table = table.iloc[choose_rows(len(table), n, seed, "Stripe 82 stars")]
    letters = np.array(FIVE_BANDS)
    zero = float(points["time_zero"]) - MJD_ZERO
    parts = []
    for row in table["row"].tolist():
        time, mag, err, some = points_of(points, row)
        known = (mag < FAINTEST) & (err < LARGEST_ERROR) & (err > 0)
        keep = np.flatnonzero(known)[np.argsort(time[known] + zero, kind="stable")]
        flux = mag_to_flux(mag[keep])
        parts.append(
            LightCurves(
                star_id=np.array([row]),
                offsets=np.array([0, keep.size]),
                mjd=time[keep] + zero,
                band=letters[points["band"][some][keep]],
                visit_id=np.arange(keep.size),
                mag_true=mag[keep],
                saturated=np.zeros(keep.size, dtype=bool),
                flux=flux,
                flux_err=flux * _LN_RATIO * err[keep],
            )
        )
    return RealStars(
        name=table["id"].to_numpy().astype(str),
        subtype=table["subtype"].to_numpy().astype(str),
        period=table["period"].to_numpy(dtype=np.float64),
        light_curves=LightCurves.concatenate(parts),
    )


def lmc_visits(data: Path) -> Visits:
    """Read the i-band visits of the Rubin baseline v3.0 to the Large Magellanic Cloud.

    Parameters
    ----------
    data : Path
        Folder of the real data.

    Returns
    -------
    Visits
        The visits within 1.75 deg of right ascension 80 deg, declination -69 deg.
    """
    survey = read_survey(data / "cadence" / "baseline_v3.0_10yrs_12points.db")
    visits = survey.at(*_LMC)
    return visits.take(visits.band == "i")


def cepheids_at_the_lmc(
    data: Path, visits: Visits, n: int | None = None, *, seed: int = 0, fainter_by: float = FAINTER_BY
) -> RealStars:
    """Observe OGLE-III Cepheids of the Large Magellanic Cloud at the visits of a survey.

    Each star is its own template: a Fourier series of eight harmonics fitted to its OGLE points
    in I, plus its residuals, drawn anew with replacement for each visit (they hold OGLE's noise
    as well as what is not periodic), plus the noise of the visit.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    visits : Visits
        The visits; the OGLE I magnitudes stand for the magnitudes in all of their bands.
    n : int, optional
        Number of stars, drawn at random; all by default.
    seed : int
        Seed of choice, residuals and noise.
    fainter_by : float
        Magnitudes by which the stars are made fainter; 5 by default (ten times the distance),
        since most are saturated at their own.

    Returns
    -------
    RealStars
        Single-mode Cepheids (F and 1O) with 150 OGLE points or more.

    Raises
    ------
    InputError
        If the files are missing.

    References
    ----------
    Soszynski et al. 2008, Acta Astron. 58, 163.
    """
    points, table = read_light_curve_set(data / "lightcurves", "ogle3_lmc_cep_I")
    usable = table["mode"].isin(["F", "1O"]) & (table["n_points"] >= _LEAST_POINTS_OF_CEPHEIDS)
    usable &= table["period"].notna()
    table = table[usable]
    table = table.iloc[choose_rows(len(table), n, seed, "OGLE Cepheids")]
    random = KeyedRandom(seed=seed)
    zero = float(points["time_zero"]) - MJD_ZERO
    limit = np.array([SATURATION[name] for name in visits.band.tolist()])
    parts = []
    for row, period, number in zip(
        table["row"].tolist(), table["period"].tolist(), table["number"].tolist(), strict=True
    ):
        time, mag, err, _ = points_of(points, row)
        basis = harmonic_basis((time + zero) / period)
        coefficients = np.linalg.lstsq(basis / err[:, None], mag / err, rcond=None)[0]
        rng = random.generator("OGLE Cepheid", number)
        residual = rng.choice(mag - basis @ coefficients, len(visits))
        mag_true = harmonic_basis(visits.mjd / period) @ coefficients + residual + fainter_by
        flux_true = mag_to_flux(mag_true)
        flux_err = flux_error(flux_true, visits.m5, visits.band)
        parts.append(
            forced_photometry(
                np.array([number]),
                visits,
                mag_true,
                flux_true + flux_err * rng.standard_normal(len(visits)),
                flux_err,
                mag_true < limit,
            )
        )
    return RealStars(
        name=table["id"].to_numpy().astype(str),
        subtype=table["mode"].to_numpy().astype(str),
        period=table["period"].to_numpy(dtype=np.float64),
        light_curves=LightCurves.concatenate(parts),
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
    rows = rows.iloc[choose_rows(len(rows), n, seed, "OGLE-II binaries")]
    random = KeyedRandom(seed=seed)
    parts = []
    for row, period in zip(rows["row"].tolist(), rows["period_archive"].tolist(), strict=True):
        time, mag, *_ = points_of(points, row)
        phase = (time / (2.0 * period)) % 1.0
        wanted = (visits.mjd / (2.0 * period)) % 1.0
        nearest = nearest_in_phase(phase, wanted)
        shifted = mag[nearest] - np.median(mag) + MEAN_MAGNITUDE
        parts.append(observe_known(int(row), visits, shifted, random))
    return LightCurves.concatenate(parts)


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
        time, mag, err, some = points_of(points, star["row"])
        band = points["band"][some]
        good = (mag < FAINTEST) & (err < LARGEST_ERROR)
        if np.bincount(band[good], minlength=5).min() < _LEAST_IN_BAND:
            continue
        phase = (time / star["period"]) % 1.0
        # A point without a value must not become one by accident.
        mag_true = np.full(len(visits), np.nan)
        for b, name in enumerate(FIVE_BANDS):
            here, mine = visits.band == name, good & (band == b)
            wanted = (visits.mjd[here] / star["period"]) % 1.0
            mag_true[here] = np.interp(wanted, phase[mine], mag[mine], period=1.0)
            mag_true[here] -= star["rExt"] * SDSS_EXTINCTION[b]
        r_mean = np.mean(mag[good & (band == 2)]) - star["rExt"]
        parts.append(observe_known(int(star["row"]), visits, mag_true - r_mean + MEAN_MAGNITUDE, random))
    return LightCurves.concatenate(parts)
