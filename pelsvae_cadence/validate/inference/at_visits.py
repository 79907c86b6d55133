"""Real stars at the visits of Rubin's baseline: each its own template with its own residuals.

Stars of one band (OGLE, Hipparcos) get mean colours and amplitude ratios of their kind out of
`pelsvae_cadence.validate.periods.control`: neither comes from the learned model.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pelsvae_cadence.bands import LSST_BANDS
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.real_data import read_light_curve_set
from pelsvae_cadence.core.times import JULIAN_YEAR, MJD_ZERO
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.validate.inference.real_sets import RealSet
from pelsvae_cadence.validate.periods.control import (
    COLOUR_SCATTER,
    COLOURS,
    LONG_PERIOD_AMPLITUDES,
    PULSATOR_AMPLITUDES,
)
from pelsvae_cadence.validate.real_light_curves import (
    FAINTEST,
    FIVE_BANDS,
    LARGEST_ERROR,
    MEAN_MAGNITUDE,
    SDSS_EXTINCTION,
)
from pelsvae_cadence.validate.templates import (
    MOST_HARMONICS,
    choose_rows,
    harmonic_basis,
    nearest_in_phase,
    observe_known,
    points_of,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["R_RANGE", "WIDE", "first_years", "shows_two_minima", "stars_at_visits", "wide_visits"]

#: Right ascension and declination in degrees of a position of the wide survey.
WIDE: Final = (200.0, -25.0)
#: Mean r magnitudes of the stars: from where Rubin's exposures saturate least to its depth.
R_RANGE: Final = (18.0, 24.0)
_PERIOD_RANGE: Final = (0.03, 1000.0)
_LEAST_POINTS: Final = 60
_LEAST_POINTS_OF_CEPHEIDS: Final = 150
_LEAST_IN_BAND: Final = 20
# A harmonic of a template takes two numbers: so many points carry one.
_POINTS_PER_HARMONIC: Final = 15
# Colours by class, and between which bands the band of the template lies.
_KIND: Final = {"CEP": "CEP", "T2CEP": "CEP", "DSCT": "DSCT", "ECL": "EW", "LPV": "LPV", "RRLYR": "RRab"}
# Where a second minimum is looked for, in cycles from the first, and what counts as one.
_PHASE_BINS: Final = 24
_LEAST_IN_BIN: Final = 3
_BESIDE, _SECOND = 0.12, 0.35
_SIGMAS: Final = 4.0
_LEAST_DEPTH: Final = 0.02
_BETWEEN: Final = {"I": ("i", "i"), "Hp": ("g", "r")}
_SUBTYPES: Final = {
    "Algol (Beta Persei)": "EA",
    "Beta Lyrae": "EB",
    "W Ursae Majoris": "EW",
    "RR Lyrae, Fundamental Mode": "RRab",
    "RR Lyrae, First Overtone": "RRc",
    "RR Lyrae, Double Mode": "RRd",
}


def wide_visits(data: Path) -> Visits:
    """Read the ten-year visits of the Rubin baseline v3.0 to a position of the wide survey."""
    return read_survey(data / "cadence" / "baseline_v3.0_10yrs_12points.db").at(*WIDE)


def first_years(stars: RealSet, years: float) -> RealSet:
    """Keep what a young survey has seen of stars."""
    curves = stars.light_curves
    end = curves.mjd.min() + years * JULIAN_YEAR
    return stars.with_light_curves(curves.keep(curves.mjd < end))


def stars_at_visits(
    data: Path, visits: Visits, n: int, *, seed: int = 0, r_range: tuple[float, float] = R_RANGE
) -> RealSet:
    """Observe real stars at the visits of a survey.

    The magnitudes of a star are its Fourier series, as many harmonics as its points carry and eight at
    most, plus its residuals, drawn anew with replacement; binaries, whose eclipses are too sharp for
    that, take their measured points nearest in phase. The noise of the visit comes on top. Listed periods of
    binaries are machine-found: where the curve shows one minimum, twice the period counts as well.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    visits : Visits
        The visits, in LSST bands.
    n : int
        Stars at most of each source, drawn at random: Stripe 82 (five bands; visits in y see z), OGLE-III
        Cepheids of one mode, OGLE-II binaries (I), all other classes of OGLE-II and of Hipparcos. Ellipsoidal
        variables are left out: their amplitudes are those of Hipparcos' noise.
    seed : int
        Seed of choice, residuals, colours, magnitudes and noise.
    r_range : tuple of float
        Mean r magnitudes, drawn evenly: the stars' own noise has been measured where they are bright.

    Returns
    -------
    RealSet
        The stars, source after source.

    Raises
    ------
    InputError
        If files are missing.

    References
    ----------
    Sesar et al. 2010, ApJ 708, 717; Soszynski et al. 2008, Acta Astron. 58, 163; Debosscher et al. 2007,
    A&A 475, 1159.
    """
    random = KeyedRandom(seed=seed)
    low, high = r_range
    names: list[str] = []
    classes, subtypes, periods, others, curves = [], [], [], [], []
    sources = (
        _stripe82(data, visits, n, seed),
        _cepheids(data, visits, n, seed),
        _others(data, visits, n, seed),
    )
    for source in sources:
        for name, star_class, subtype, period, other, mag_true in source:
            fainter = low + (high - low) * float(random.uniform("r at visits", len(names))) - MEAN_MAGNITUDE
            curves.append(observe_known(len(names), visits, mag_true + fainter, random))
            names.append(name)
            classes.append(star_class)
            subtypes.append(subtype)
            periods.append(period)
            others.append(other)
    return RealSet(
        name="lsst",
        star=np.array(names),
        star_class=np.array(classes),
        subtype=np.array(subtypes),
        period=np.array(periods, dtype=np.float64),
        tuning=np.zeros(len(names), dtype=np.bool_),
        light_curves=LightCurves.concatenate(curves),
        period_range=_PERIOD_RANGE,
        other_period=np.array(others, dtype=np.float64),
    )


# Name, class, subtype, period, another period that is as good, magnitudes.
_Star = tuple[str, str, str, float, float, FloatArray]


def _template(
    time: FloatArray,
    mag: FloatArray,
    err: FloatArray,
    period: float,
    wanted: FloatArray,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Give the Fourier series of a star, less its mean, and residuals at some times."""
    n_harmonics = int(np.clip(time.size // _POINTS_PER_HARMONIC, 1, MOST_HARMONICS))
    basis = harmonic_basis(time / period, n_harmonics)
    coefficients = np.linalg.lstsq(basis / err[:, None], mag / err, rcond=None)[0]
    residual = rng.choice(mag - basis @ coefficients, wanted.size)
    return harmonic_basis(wanted / period, n_harmonics)[:, 1:] @ coefficients[1:], residual


def _stripe82(data: Path, visits: Visits, n: int, seed: int) -> Iterator[_Star]:
    points, table = read_light_curve_set(data / "lightcurves", "sdss_s82_rrlyr_ugriz")
    random = KeyedRandom(seed=seed)
    done = 0
    for k in random.generator("Stripe 82 at visits", 0).permutation(len(table)).tolist():
        if done == n:
            return
        star = table.iloc[k]
        time, mag, err, some = points_of(points, star["row"])
        good = (mag < FAINTEST) & (err < LARGEST_ERROR) & (err > 0)
        band = points["band"][some]
        if np.bincount(band[good], minlength=len(FIVE_BANDS)).min() < _LEAST_IN_BAND:
            continue
        rng = random.generator("Stripe 82 residuals", int(star["row"]))
        mean_r = np.mean(mag[good & (band == FIVE_BANDS.index("r"))]) - star["rExt"]
        mag_true = np.empty(len(visits))
        for name in LSST_BANDS:
            here = visits.band == name
            b = FIVE_BANDS.index("z" if name == "y" else name)
            mine = good & (band == b)
            shape, residual = _template(
                time[mine], mag[mine], err[mine], star["period"], visits.mjd[here], rng
            )
            mean = np.mean(mag[mine]) - star["rExt"] * SDSS_EXTINCTION[b]
            mag_true[here] = MEAN_MAGNITUDE + mean - mean_r + shape + residual
        done += 1
        yield f"S82-{star['id']}", "RRLYR", str(star["subtype"]), float(star["period"]), np.nan, mag_true


def _cepheids(data: Path, visits: Visits, n: int, seed: int) -> Iterator[_Star]:
    points, table = read_light_curve_set(data / "lightcurves", "ogle3_lmc_cep_I")
    usable = table["mode"].isin(["F", "1O"]) & (table["n_points"] >= _LEAST_POINTS_OF_CEPHEIDS)
    table = table[usable & table["period"].notna()]
    for k in choose_rows(len(table), n, seed, "OGLE Cepheids at visits").tolist():
        star = table.iloc[k]
        mag_true = _one_band(points, star, "CEP", "I", visits, seed, "OGLE-III")
        yield str(star["id"]), "CEP", str(star["mode"]), float(star["period"]), np.nan, mag_true


def _others(data: Path, visits: Visits, n: int, seed: int) -> Iterator[_Star]:
    points, table = read_light_curve_set(data / "lightcurves", "hipparcos_ogle2")
    usable = (table["n_points"] >= _LEAST_POINTS) & table["cls"].isin(list(_KIND)) & table["period"].notna()
    low, high = _PERIOD_RANGE
    usable &= table["period"].between(low, high)
    binaries = usable & (table["cls"] == "ECL") & table["band"].str.endswith("I")
    for words, some in (("OGLE-II binaries", binaries), ("other classes", usable & (table["cls"] != "ECL"))):
        chosen = table[some]
        for k in choose_rows(len(chosen), n, seed, f"{words} at visits").tolist():
            star = chosen.iloc[k]
            band = "I" if str(star["band"]).endswith("I") else "Hp"
            mag_true = _one_band(points, star, str(star["cls"]), band, visits, seed, "Debosscher")
            subtype = _SUBTYPES.get(str(star["subtype"]), "")
            period, other = float(star["period"]), np.nan
            if star["cls"] == "ECL":
                time, mag, *_ = points_of(points, int(star["row"]))
                other = np.nan if shows_two_minima(time / period, mag) else 2.0 * period
            yield str(star["id"]), str(star["cls"]), subtype, period, other, mag_true


def shows_two_minima(phase: FloatArray, mag: FloatArray) -> bool:
    """Tell whether a light curve has a second minimum half a cycle from the first.

    Medians in twenty-four bins of phase are compared with the brightest between the two: a dip there of
    four of its errors, and of a fiftieth of the first minimum, is a second one. Where there is none, the
    orbit may be twice as long, with two equal eclipses, or the second eclipse too shallow to be seen.
    """
    which = np.floor((phase % 1.0) * _PHASE_BINS).astype(np.int64)
    filled = [k for k in range(_PHASE_BINS) if np.count_nonzero(which == k) >= _LEAST_IN_BIN]
    if len(filled) < _PHASE_BINS // 2:
        return False
    level = np.array([np.median(mag[which == k]) for k in filled])
    error = np.array([np.std(mag[which == k]) / np.sqrt(np.count_nonzero(which == k)) for k in filled])
    away = np.abs(((np.array(filled) - filled[int(np.argmax(level))]) / _PHASE_BINS + 0.5) % 1.0 - 0.5)
    after = (np.array(filled) - filled[int(np.argmax(level))]) % _PHASE_BINS < _PHASE_BINS // 2
    second = np.flatnonzero(away > _SECOND)
    sides = [np.flatnonzero((away > _BESIDE) & (away <= _SECOND) & side) for side in (after, ~after)]
    if not second.size or not all(side.size for side in sides):
        return False
    dip = second[int(np.argmax(level[second]))]
    bright = max(float(level[side].min()) for side in sides)
    depth = float(level[dip] - bright)
    return bool(depth > max(_SIGMAS * float(error[dip]), _LEAST_DEPTH * float(np.ptp(level))))


def _one_band(
    points: dict[str, Any], star: pd.Series, star_class: str, band: str, visits: Visits, seed: int, words: str
) -> FloatArray:
    """Give magnitudes in all bands of a star that was observed in one."""
    time, mag, err, _ = points_of(points, int(star["row"]))
    time = time + (float(points["time_zero"]) - MJD_ZERO)
    period = float(star["period"])
    rng = KeyedRandom(seed=seed).generator(f"{words} residuals", int(star["row"]))
    if star_class == "ECL":
        # Phases of twice the listed period are right, whether that is the orbital one or half of it.
        orbit = 2.0 * period
        nearest = nearest_in_phase((time / orbit) % 1.0, (visits.mjd / orbit) % 1.0)
        variation = mag[nearest] - np.median(mag)
    else:
        shape, residual = _template(time, mag, err, period, visits.mjd, rng)
        amplitudes = LONG_PERIOD_AMPLITUDES if star_class == "LPV" else PULSATOR_AMPLITUDES
        of_template = np.mean([amplitudes[name] for name in _BETWEEN[band]])
        ratio = np.array([amplitudes[name] for name in visits.band.tolist()]) / of_template
        variation = ratio * shape + residual
    u, g, i, z, y = np.array(COLOURS[_KIND[star_class]]) + rng.normal(0.0, COLOUR_SCATTER)
    colour = dict(zip(LSST_BANDS, (u, g, 0.0, i, z, y), strict=True))
    return np.asarray(MEAN_MAGNITUDE + np.array([colour[name] for name in visits.band.tolist()]) + variation)
