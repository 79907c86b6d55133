"""Control sources: analytic variables under a regular LSST-like cadence.

They share nothing with the learned source model, so a period search that does well on both is not
merely tuned to one. The cadence is a toy - visits in pairs 33 min apart, seasons of half a year,
blue bands in dark time - and says nothing about Rubin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import LSST_BANDS
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.arrays import freeze
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.forced import forced_photometry
from pelsvae_cadence.photometry.noise import flux_error

__all__ = [
    "COLOURS",
    "COLOUR_SCATTER",
    "CONTROL_CLASSES",
    "LONG_PERIOD_AMPLITUDES",
    "PULSATOR_AMPLITUDES",
    "ControlSample",
    "control_sample",
    "control_visits",
]

FloatArray = npt.NDArray[np.float64]

CONTROL_CLASSES: Final = ("RRab", "RRc", "CEP", "EA", "EW", "DSCT", "LPV", "constant")

_MJD_START: Final = 60218.0
# Ten-year medians of the LSST v3.0 baseline depths, and typical pairs of bands in a night.
_M5: Final = {"u": 23.57, "g": 24.36, "r": 23.95, "i": 23.37, "z": 22.76, "y": 21.98}
_PAIRS: Final = ["ug"] * 27 + ["ur"] * 28 + ["gr"] * 43 + ["ri"] * 114 + ["iz"] * 76 + ["zy"] * 84
_PAIRS_ALL: Final = [*_PAIRS, *["yy"] * 40]

#: Mean colours u-r, g-r, i-r, z-r, y-r.
COLOURS: Final = {
    "RRab": (1.2, 0.2, -0.1, -0.15, -0.17),
    "RRc": (1.1, 0.1, -0.05, -0.08, -0.08),
    "CEP": (1.7, 0.6, -0.2, -0.3, -0.35),
    "EA": (1.6, 0.5, -0.2, -0.3, -0.35),
    "EW": (1.9, 0.7, -0.25, -0.37, -0.45),
    "DSCT": (1.1, 0.05, -0.02, 0.0, 0.0),
    "LPV": (4.5, 1.7, -1.6, -2.6, -3.1),
    "constant": (1.2, 0.2, -0.1, -0.15, -0.17),
}
#: Scatter of the same in mag.
COLOUR_SCATTER: Final = (0.25, 0.12, 0.08, 0.1, 0.12)
#: Amplitudes relative to g (pulsators) and to r (long-period variables), and lags in cycles.
PULSATOR_AMPLITUDES: Final = {"u": 0.95, "g": 1.0, "r": 0.72, "i": 0.57, "z": 0.52, "y": 0.5}
LONG_PERIOD_AMPLITUDES: Final = {"u": 1.1, "g": 1.15, "r": 1.0, "i": 0.65, "z": 0.5, "y": 0.42}
_LAG: Final = {"u": -0.01, "g": 0.0, "r": 0.01, "i": 0.02, "z": 0.025, "y": 0.03}


@dataclass(frozen=True, kw_only=True)
class ControlSample:
    """Control sources and what the survey sees of them.

    Parameters
    ----------
    kind : ndarray of str, shape (N,)
        Out of `CONTROL_CLASSES`.
    period : ndarray of float64, shape (N,)
        True periods in days (orbital for EA and EW); 1 for constant stars, whose fluxes ignore it.
    r_mag : ndarray of float64, shape (N,)
        Mean r magnitudes.
    light_curves : LightCurves
        Their forced photometry.
    """

    kind: npt.NDArray[np.str_]
    period: FloatArray
    r_mag: FloatArray
    light_curves: LightCurves

    def __post_init__(self) -> None:
        for value in (self.kind, self.period, self.r_mag):
            freeze(value)


def control_visits(seed: int, years: float = 10.0) -> Visits:
    """Make the toy cadence of one position."""
    if not 0 < years <= 10:
        raise InputError(f"years = {years!r}", allowed="0 < years <= 10")
    rng = KeyedRandom(seed=seed).generator("control cadence", 0)
    opposition = rng.uniform(0.0, JULIAN_YEAR)
    nights: list[float] = []
    for year in range(-1, 11):
        day = year * JULIAN_YEAR + opposition - 91.0 + rng.uniform(0.0, 4.0)
        while day < year * JULIAN_YEAR + opposition + 91.0:
            nights.append(np.floor(day))
            day += 1.0 + rng.exponential(3.0)
    night = np.unique([n for n in nights if 0 <= n < 3650])
    pairs = np.array(_PAIRS_ALL)
    if night.size > pairs.size:
        night = np.sort(rng.choice(night, pairs.size, replace=False))
    pairs = rng.permutation(pairs)[: night.size]
    # Pairs with u or g go to the darkest nights.
    dark = np.isin(pairs, ["ug", "ur", "gr"])
    moon = 0.5 * (1.0 + np.cos(2.0 * np.pi * night / 29.53)) + 0.15 * rng.standard_normal(night.size)
    assigned = np.empty_like(pairs)
    assigned[np.argsort(moon)] = np.concatenate([pairs[dark], pairs[~dark]])
    # Hours before and after the transit, which moves by four minutes a night.
    day_of_season = (night - opposition + 182.6) % JULIAN_YEAR - 182.6
    transit = -day_of_season / JULIAN_YEAR
    low = np.maximum(transit - 3.5 / 24, -4.7 / 24)
    high = np.maximum(np.minimum(transit + 3.5 / 24, 4.7 / 24 - 0.03), low + 0.01)
    first = night + 0.5 + rng.uniform(low, high)
    mjd = _MJD_START + np.concatenate([first, first + rng.normal(33.0, 5.0, night.size) / 1440.0])
    band = np.array([p[0] for p in assigned] + [p[1] for p in assigned])
    m5 = np.array([_M5[b] for b in band]) + np.clip(rng.normal(0.0, 0.3, band.size), -0.9, 0.5)
    keep = np.flatnonzero(mjd < _MJD_START + years * JULIAN_YEAR)
    return Visits(
        mjd=mjd[keep],
        band=band[keep],
        m5=m5[keep],
        night=np.concatenate([night, night])[keep].astype(np.int64),
        visit_id=keep.astype(np.int64),
        exptime=np.full(keep.size, 30.0),
    )


def _fourier(phase: FloatArray, size: FloatArray, angle: FloatArray) -> FloatArray:
    order = np.arange(1, size.size + 1)
    grid = np.arange(512)[:, None] / 512.0
    norm = np.ptp((size * np.cos(2 * np.pi * order * grid + angle)).sum(axis=1))
    wave = size * np.cos(2 * np.pi * order * phase[:, None] + angle)
    value: FloatArray = wave.sum(axis=1) / norm
    return value


def _period(rng: np.random.Generator, kind: str) -> float:
    draws = {
        "RRab": lambda: float(np.clip(rng.normal(0.58, 0.08), 0.42, 0.85)),
        "RRc": lambda: float(np.clip(rng.normal(0.32, 0.04), 0.22, 0.44)),
        "CEP": lambda: float(10 ** rng.uniform(0.2, 1.75)),
        "EA": lambda: float(10 ** rng.uniform(-0.2, 1.3)),
        "EW": lambda: float(np.clip(rng.normal(0.36, 0.07), 0.22, 0.75)),
        "DSCT": lambda: float(10 ** rng.uniform(np.log10(0.04), np.log10(0.2))),
        "LPV": lambda: float(10 ** rng.uniform(2.0, 2.78)),
        "constant": lambda: 1.0,
    }
    return draws[kind]()


def _variation(
    rng: np.random.Generator, kind: str, period: float, time: FloatArray, band: npt.NDArray[np.str_]
) -> FloatArray:
    """Magnitude minus mean magnitude at each visit."""
    phase = time / period + rng.uniform()
    if kind == "constant":
        return np.zeros_like(time)
    if kind == "EW":
        amplitude = rng.uniform(0.2, 0.7)
        unequal = 0.5 * rng.uniform(0.0, 0.25) * amplitude
        # Two near-equal minima an orbit; the second term makes them differ.
        ew: FloatArray = amplitude * (0.5 - np.abs(np.sin(2 * np.pi * phase)) ** 0.8)
        return ew + unequal * np.cos(2 * np.pi * phase)
    if kind == "EA":
        width = float(np.clip(0.07 * period**-0.5 * rng.uniform(0.7, 1.4), 0.008, 0.09))
        deep = rng.uniform(0.25, 1.0)
        eclipses = (
            (0.0, deep, width),
            (0.5 + rng.normal(0, 0.02), deep * rng.uniform(0.1, 0.95), width * rng.uniform(0.8, 1.2)),
        )
        light = np.ones_like(time)
        for centre, depth, half_width in eclipses:
            distance = np.abs((phase - centre + 0.5) % 1.0 - 0.5) / half_width
            light -= (1.0 - 10 ** (-0.4 * depth)) * np.clip((1.0 - distance) / 0.6, 0.0, 1.0)
        ea: FloatArray = -2.5 * np.log10(light) + 0.015 * np.cos(4 * np.pi * phase)
        return ea
    if kind == "RRab":
        order = np.arange(1, 8)
        amplitude = float(np.clip(1.9 - 1.7 * period + rng.normal(0, 0.12), 0.3, 1.3))
        size, angle = (0.75 ** (order - 1) / order**0.55, 0.525 * (order - 1) + rng.normal(0, 0.05, 7))
    elif kind == "RRc":
        amplitude = rng.uniform(0.3, 0.55)
        size = np.array([1.0, rng.uniform(0.05, 0.2), 0.05])
        angle = np.arange(3.0) + rng.normal(0, 0.2, 3)
    elif kind == "CEP":
        amplitude = rng.uniform(0.4, 1.1)
        size = np.array([1.0, rng.uniform(0.3, 0.5), rng.uniform(0.1, 0.3), rng.uniform(0.05, 0.15), 0.05])
        angle = 0.55 * np.arange(5) + rng.normal(0, 0.2, 5)
    elif kind == "DSCT":
        amplitude = 10 ** rng.uniform(-1.0, -0.2)
        size = np.array([1.0, rng.uniform(0.1, 0.4), rng.uniform(0.0, 0.15)])
        angle = 0.6 * np.arange(3) + rng.normal(0, 0.2, 3)
    else:  # LPV: the amplitude differs by a tenth from cycle to cycle
        amplitude = rng.uniform(0.6, 3.0)
        size, angle = np.array([1.0, rng.uniform(0.0, 0.3)]), rng.normal(0, 0.3, 2)
        cycle = rng.normal(0.0, 0.1, 64)[np.floor(phase).astype(int) % 64]
        ratio = np.array([LONG_PERIOD_AMPLITUDES[b] for b in band])
        lpv: FloatArray = amplitude * ratio * (1.0 + cycle) * _fourier(phase, size, angle)
        return lpv
    lag = np.array([_LAG[b] for b in band]) * (kind in ("RRab", "CEP"))
    ratio = np.array([PULSATOR_AMPLITUDES[b] for b in band])
    pulsator: FloatArray = amplitude * ratio * _fourier(phase - lag, size, angle)
    return pulsator


def control_sample(
    visits: Visits, kinds: list[str], *, seed: int, r_range: tuple[float, float] = (17.0, 24.0)
) -> ControlSample:
    """Observe control sources.

    Parameters
    ----------
    visits : Visits
        When the survey looks, in LSST bands.
    kinds : list of str
        One entry of `CONTROL_CLASSES` per source.
    seed : int
        Random seed; source j depends on the seed and j only.
    r_range : tuple of float
        Range of mean r magnitudes, drawn uniformly.

    Returns
    -------
    ControlSample
        Sources and forced photometry in nJy, with the noise of
        `pelsvae_cadence.photometry.noise`.
    """
    unknown = sorted(set(kinds) - set(CONTROL_CLASSES))
    if unknown:
        raise InputError(f"unknown kind {unknown[0]!r}", allowed=", ".join(CONTROL_CLASSES))
    n = len(visits)
    time = visits.mjd - _MJD_START
    random = KeyedRandom(seed=seed)
    periods, magnitudes, true, noise = [], [], [], []
    for j, kind in enumerate(kinds):
        rng = random.generator("control source", j)
        r_mag = rng.uniform(*r_range)
        u, g, i, z, y = np.array(COLOURS[kind]) + rng.normal(0, COLOUR_SCATTER)
        colour = dict(zip(LSST_BANDS, (u, g, 0.0, i, z, y), strict=True))
        period = _period(rng, kind)
        mean = r_mag + np.array([colour[b] for b in visits.band])
        true.append(mean + _variation(rng, kind, period, time, visits.band))
        noise.append(rng.standard_normal(n))
        periods.append(period)
        magnitudes.append(r_mag)
    mag_true = np.array(true).reshape(len(kinds), n)
    flux_true = mag_to_flux(mag_true)
    error = flux_error(flux_true, visits.m5, visits.band)
    flux = flux_true + error * np.array(noise).reshape(error.shape)
    light_curves = forced_photometry(np.arange(len(kinds)), visits, mag_true, flux, error)
    return ControlSample(
        kind=np.array(kinds, dtype="U8"),
        period=np.array(periods),
        r_mag=np.array(magnitudes),
        light_curves=light_curves,
    )
