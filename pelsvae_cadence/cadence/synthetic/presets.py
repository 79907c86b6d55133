"""Presets of the synthetic survey: LSST-like and ZTF-like numbers, and the tilting of their bands.

The numbers, and where they were measured, are in ``lsst_v3.json`` and ``ztf_2018.json`` beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.synthetic.almanac import SIDEREAL_RATE, Nights, Site, wrap_angle

__all__ = [
    "HALF_HOURS",
    "LSST_V3",
    "LSST_V5_EXPOSURE_TIME",
    "LSST_V5_VISITS",
    "ZTF_2018",
    "DepthModel",
    "RollingModel",
    "SurveyModel",
    "hour_angle_distribution",
    "over_positions",
    "season_profile",
    "tilt_patterns",
    "usable_hour_angles",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Edges of the hour angle tables, degrees.
HALF_HOURS: Final = np.linspace(-6.0, 6.0, 25) * 15.0


@dataclass(frozen=True, kw_only=True)
class DepthModel:
    """How deep a visit of one band goes; all coefficients in mag.

    Parameters
    ----------
    zenith : float
        Five-sigma depth at airmass 1 in a dark, ordinary night, AB mag.
    extinction : float
        Loss per unit of 2.5 log10(airmass): atmosphere and the seeing that grows with airmass.
    moon : float
        Loss under the Moon, times illuminated fraction.
    moon_high : float
        The same, times the sine of the Moon's altitude.
    moon_near : float
        Loss when a full, high Moon stands at the position; it fades to zero 60 deg away.
    twilight : float
        Loss when the Sun is at -12 deg, fading to zero at -18 deg.
    night : float
        Standard deviation between nights (seeing, transparency).
    visit : float
        Standard deviation between the visits of a night.
    """

    zenith: float
    extinction: float
    moon: float
    moon_high: float
    moon_near: float
    twilight: float
    night: float
    visit: float


@dataclass(frozen=True, kw_only=True)
class RollingModel:
    """How a survey spreads its visits over the observing seasons.

    Parameters
    ----------
    mean : tuple of float
        Visits of the n-th observing season at a position, relative to each other.
    contrast : tuple of float
        Relative excess of the favoured stripe; its sign tells which one is favoured.
    rolling_seasons : tuple of int
        The seasons, counted from 1, in which the preset rolls.
    epoch : float
        Survey day on which the third season begins: a position's n-th season is the one whose
        opposition falls in the year from ``epoch + 365.25 (n - 3)`` on.
    """

    mean: tuple[float, ...]
    contrast: tuple[float, ...]
    rolling_seasons: tuple[int, ...]
    epoch: float


@dataclass(frozen=True, kw_only=True)
class SurveyModel:
    """The numbers behind a preset.

    Parameters
    ----------
    survey : {"lsst", "ztf"}
        Which bands and which footprint.
    bands : tuple of str
        The bands, blue to red.
    site : Site
        The observatory.
    fov_radius : float
        Radius of the field of view, degrees.
    mjd_start : float
        Begin of the first survey year, MJD (TAI).
    years : float
        Length of the survey in Julian years.
    twilight : float
        Altitude of the Sun, degrees, below which is observed.
    airmass_limit : float
        Highest airmass at which is observed.
    exposure_time : mapping of str to float
        Seconds per visit, by band.
    reference_time : float
        Exposure time, in seconds, to which the depths belong.
    down_fraction : tuple of float, length 12
        Share of the nights lost to weather in each twelfth of a Julian year counted from MJD 0.
    down_memory : float
        Correlation of the weather of successive nights, 0 to 1.
    stoppages : tuple of (int, int)
        First night and length of planned stoppages.
    season_dec : tuple of float
        Declinations to which the season profiles belong.
    season_profile : tuple of tuple of float
        Relative chance of a visit against right ascension minus that of the midnight meridian, in
        36 steps of 10 deg from -175 (opposition long past) to +175.
    gaps : tuple of (float, float)
        Quantiles of the gaps between observed nights on a clock that runs with the chance of a
        visit, in units of their mean: probability, gap.
    nights : tuple of (float, float)
        Quantiles of the number of observed nights over positions: probability, nights.
    visits_per_band : mapping of str to tuple of (float, float)
        Quantiles of the visits per band over positions: probability, visits. A single pair is
        used for all positions.
    rolling : RollingModel or None
        The rolling; None where seasons differ at random.
    year_mean : tuple of float
        Activity of the survey years relative to each other; beyond its end, 1.
    year_scatter : float
        Standard deviation of the logarithm of the visits of a season about its expectation.
    year_patch : int
        HEALPix nside of the patches of sky that share this scatter.
    patterns : tuple of str
        What is done at a position in a night: bands of the successive passes.
    pattern_weights : tuple of tuple of float
        Chance of each pattern, by phase of the Moon (equal steps of its elongation from 0).
    repeats_single, repeats_pair : tuple of float
        Chances that a pass of a single-pass, or of a longer, pattern holds 1, 2, ... visits:
        overlapping neighbour fields taken one after the other.
    overlap : tuple of float
        Quantiles, evenly spaced, of the minutes between such visits.
    later_visit, later_block : float
        Chances that hours later one visit in the last band, or the whole pattern, follows.
    later : tuple of float
        Quantiles of the minutes until then.
    intervals : mapping of str to tuple of float
        Quantiles, evenly spaced, of the minutes between passes: by pattern, by number of passes
        (``"2"``), or for all others (``""``).
    hour_angle_dec : tuple of float
        Declinations to which the hour angle tables belong.
    hour_angle : tuple of tuple of float
        Chance of the first visit's hour angle, in 24 steps of half an hour from -6 h.
    depth : mapping of str to DepthModel
        Depths by band.
    seeing : float or None
        Median seeing (FWHM at the zenith) in arcsec; None where it is not modelled.
    """

    survey: SurveyName
    bands: tuple[str, ...]
    site: Site
    fov_radius: float
    mjd_start: float
    years: float
    twilight: float
    airmass_limit: float
    exposure_time: Mapping[str, float]
    reference_time: float
    down_fraction: tuple[float, ...]
    down_memory: float
    stoppages: tuple[tuple[int, int], ...]
    season_dec: tuple[float, ...]
    season_profile: tuple[tuple[float, ...], ...]
    gaps: tuple[tuple[float, float], ...]
    nights: tuple[tuple[float, float], ...]
    visits_per_band: Mapping[str, tuple[tuple[float, float], ...]]
    rolling: RollingModel | None
    year_mean: tuple[float, ...]
    year_scatter: float
    year_patch: int
    patterns: tuple[str, ...]
    pattern_weights: tuple[tuple[float, ...], ...]
    repeats_single: tuple[float, ...]
    repeats_pair: tuple[float, ...]
    overlap: tuple[float, ...]
    later_visit: float
    later_block: float
    later: tuple[float, ...]
    intervals: Mapping[str, tuple[float, ...]]
    hour_angle_dec: tuple[float, ...]
    hour_angle: tuple[tuple[float, ...], ...]
    depth: Mapping[str, DepthModel]
    seeing: float | None


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _read(name: str) -> SurveyModel:
    numbers = json.loads((files("pelsvae_cadence.cadence.synthetic") / name).read_text())
    del numbers["notes"]
    for key in ("exposure_time", "visits_per_band", "intervals", "rolling", "depth"):
        numbers[key] = numbers[key] and {item: _tuples(value) for item, value in numbers[key].items()}
    numbers["site"] = Site(**numbers["site"])
    numbers["rolling"] = numbers["rolling"] and RollingModel(**numbers["rolling"])
    numbers["depth"] = {band: DepthModel(**depth) for band, depth in numbers["depth"].items()}
    return SurveyModel(**{name: _tuples(value) for name, value in numbers.items()})


#: Statistics of the Rubin OpSim baseline v3.0, ten years.
LSST_V3: Final = _read("lsst_v3.json")
#: Statistics of the ZTF pointings of 2018 to 2022.
ZTF_2018: Final = _read("ztf_2018.json")

# The v5 baselines expose 29 s, and 38 s in u, which leaves about a tenth fewer visits. The rest
# of the preset is v3.0: an approximation, not a measurement of a v5 run.
LSST_V5_EXPOSURE_TIME: Final = {"u": 38.0, "g": 29.0, "r": 29.0, "i": 29.0, "z": 29.0, "y": 29.0}
LSST_V5_VISITS: Final = 0.9


def tilt_patterns(
    weights: FloatArray, counts: FloatArray, target: FloatArray, *, iterations: int = 40
) -> FloatArray:
    """Change the chances of patterns as little as possible so that each band gets its visits.

    The answer has the form ``p ∝ weights · exp(counts · λ)``, which of all chances with the
    wanted expectations is the one nearest to `weights` in relative entropy.

    Parameters
    ----------
    weights : ndarray, shape (n_phases, n_patterns)
        Chances to start from; rows are equally likely.
    counts : ndarray, shape (n_patterns, n_bands)
        Visits in each band that a pattern brings.
    target : ndarray, shape (n_bands,)
        Wanted visits per observed night and band.
    iterations : int
        Newton steps at most.

    Returns
    -------
    ndarray, shape (n_phases, n_patterns)
        Chances, each row sums to 1. Targets that no mixture reaches are approached, not met.

    References
    ----------
    Csiszár 1975, Annals of Probability 3, 146, theorem 3.1 (I-projection on linear constraints).
    """
    goal = np.maximum(target, 1e-3)
    multiplier = np.zeros(goal.size)
    chance = weights / weights.sum(axis=1, keepdims=True)
    for _ in range(iterations):
        mean = chance @ counts  # (n_phases, n_bands)
        miss = goal - mean.mean(axis=0)
        if np.abs(miss / goal).max() < 1e-6:
            break
        second = (counts.T * chance.mean(axis=0)) @ counts
        covariance = second - mean.T @ mean / len(mean)
        # A floor keeps the step finite where a band is all but absent.
        step = np.linalg.solve(covariance + 1e-9 * np.eye(goal.size), miss)
        multiplier = np.clip(multiplier + np.clip(step, -1.0, 1.0), -12.0, 12.0)
        exponent = counts @ multiplier
        tilted = weights * np.exp(exponent - exponent.max())
        chance = tilted / tilted.sum(axis=1, keepdims=True)
    return np.asarray(chance)


def over_positions(table: tuple[tuple[float, float], ...], u: float) -> float:
    """Draw a position's value from quantiles over positions.

    Parameters
    ----------
    table : tuple of (float, float)
        Probability and value; in between, the logarithm of the value is linear in the normal
        score of the probability.
    u : float
        The position's rank, 0 to 1.

    Returns
    -------
    float
        The value. Beyond the outer quantiles the last slope goes on, out to where one position in
        fifty lies.
    """
    if len(table) == 1:
        return table[0][1]
    score = ndtri(np.array([probability for probability, _ in table]))
    value = np.log(np.array([max(value, 0.5) for _, value in table]))
    x = float(np.clip(ndtri(u), -2.05, 2.05))
    slope = np.diff(value) / np.diff(score)
    if x < score[0]:
        return float(np.exp(value[0] + slope[0] * (x - score[0])))
    if x > score[-1]:
        return float(np.exp(value[-1] + slope[-1] * (x - score[-1])))
    return float(np.exp(np.interp(x, score, value)))


def season_profile(model: SurveyModel, dec: float) -> FloatArray:
    """Interpolate the season profile at a declination.

    Parameters
    ----------
    model : SurveyModel
        The preset.
    dec : float
        Declination, degrees.

    Returns
    -------
    ndarray of float64, shape (36,)
        See `SurveyModel`.
    """
    return _between_rows(np.asarray(model.season_profile), model.season_dec, dec)


def _between_rows(table: FloatArray, knots: tuple[float, ...], dec: float) -> FloatArray:
    """Interpolate between the rows of a table that belong to declinations."""
    if len(knots) == 1:
        return np.asarray(table[0], dtype=np.float64)
    upper = int(np.clip(np.searchsorted(knots, dec), 1, len(knots) - 1))
    weight = np.clip((dec - knots[upper - 1]) / (knots[upper] - knots[upper - 1]), 0.0, 1.0)
    return np.asarray((1.0 - weight) * table[upper - 1] + weight * table[upper])


def hour_angle_distribution(model: SurveyModel, dec: float) -> FloatArray:
    """Interpolate the distribution of the hour angle of a night's first visit.

    Parameters
    ----------
    model : SurveyModel
        The preset.
    dec : float
        Declination, degrees.

    Returns
    -------
    ndarray of float64, shape (25,)
        Cumulative probability at `HALF_HOURS`.
    """
    table = np.asarray(model.hour_angle, dtype=np.float64)
    table = table / table.sum(axis=1, keepdims=True)
    share = _between_rows(table, model.hour_angle_dec, dec)
    return np.asarray(np.concatenate([[0.0], np.cumsum(share)]) / share.sum())


def usable_hour_angles(
    model: SurveyModel, nights: Nights, ra: float, dec: float, night: IntArray | slice
) -> tuple[FloatArray, FloatArray]:
    """Compute between which hour angles a position can be taken in each night.

    Parameters
    ----------
    model : SurveyModel
        The preset.
    nights : Nights
        Its nights.
    ra, dec : float
        ICRS position, degrees.
    night : ndarray of int64 or slice
        The nights that matter.

    Returns
    -------
    first, last : ndarray of float64
        Hour angles, degrees, in the dark and above the airmass limit; crossed where there are none.
    """
    at_midnight = wrap_angle(nights.sidereal_time[night] - ra)
    half = nights.half_dark[night] * SIDEREAL_RATE
    phi, delta = np.radians(model.site.latitude), np.radians(dec)
    cosine = (1.0 / model.airmass_limit - np.sin(phi) * np.sin(delta)) / max(
        np.cos(phi) * np.cos(delta), 1e-9
    )
    # A position that never gets that high is taken within an hour of culmination.
    limit = max(float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))), 15.0)
    return np.maximum(at_midnight - half, -limit), np.minimum(at_midnight + half, limit)
