r"""Draws of temperature, luminosity, amplitude, dust and distance from the modes of a posterior.

A mode (frequency and subtype) is chosen by its probability. Given its period P, stars are drawn from the
model's own population, p(Teff, M_G | P, subtype), and weighted by how well their colours explain the
mean magnitudes, colour excess and distance integrated out (importance sampling). Shape and amplitude
tell class and period; at a given period they tell next to nothing of Teff and M_G in the model, so
nothing is decoded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.extinction import EXTINCTION, TrueEBV, extinction
from pelsvae_cadence.core.flux import VEGA_TO_AB
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.inference.bank import MODEL_BANDS, GroupShapes, band_weights
from pelsvae_cadence.inference.modes import UNSEEN, Mode
from pelsvae_cadence.inference.physics.brightness import Brightness, observed_brightness, peak_to_peak
from pelsvae_cadence.inference.physics.dust import DustAndDistance, DustPrior, dust_and_distance
from pelsvae_cadence.inference.physics.samples import PHYSICS_COLUMNS, StarSamples
from pelsvae_cadence.inference.points import StarPoints, colour_scatter
from pelsvae_cadence.model.reference_stars import GROUPS, Population
from pelsvae_cadence.photometry.colours import colour_minus_i, g_minus_i

__all__ = ["NO_DISTANCE", "draw_samples"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Subtypes without a period-luminosity relation in the model, and why: the scatter of M_G at a period.
NO_DISTANCE: Final[dict[tuple[str, str], str]] = {
    ("ECL", "EA"): "M_G scatters by 2 to 3 mag at a period",
    ("ECL", "EB"): "M_G scatters by 1 to 3 mag at a period",
    ("ELL", "ELL"): "M_G scatters by 0.5 (giants) to 2 mag (dwarfs) at a period",
    ("LPV", "Mira"): "M_G scatters by 1.1 mag at a period; their relation is one of the infrared",
}
# Stars of the population for each sample of a mode, fewest and most.
_STARS_PER_SAMPLE: Final = 8
_FEWEST_STARS: Final = 128
_MOST_STARS: Final = 1024
_ADDRESSES: Final = 1 << 20  # of the draws of one mode
# Below so many cycles a period is not sharp, whatever a fit says: shapes of the bank differ as much as parts of
# one cycle do. Standard deviation of ln P where next to nothing is seen.
_CYCLES: Final = 2.0
_PART_OF_A_CYCLE: Final = 0.5
_BROAD: Final = 0.01  # error of ln P with which temperature and luminosity move
# Relative error of an amplitude beyond that of the curve's size: the extremes need not be observed.
_AMPLITUDE_ERROR: Final = 0.02
_AMPLITUDE_POINTS: Final = 0.4  # over the square root of the number of points, beside it


def draw_samples(
    star: StarPoints,
    star_id: int,
    modes: Sequence[Mode],
    groups: Sequence[GroupShapes],
    population: Population,
    *,
    n_samples: int,
    prior: DustPrior,
    colours: bool,
    temper: float = 1.0,
    seed: int,
) -> StarSamples:
    """Draw samples of one star.

    Parameters
    ----------
    star : StarPoints
        The points.
    star_id : int
        Number of the star, the address of its draws.
    modes : sequence of Mode
        Its modes, one or more.
    groups : sequence of GroupShapes
        The subtypes that the modes speak of, with the members in the bands of the star.
    population : Population
        The model's population.
    n_samples : int
        Samples S.
    prior : DustPrior
        Prior of the colour excess.
    colours : bool
        Whether mean colours count.
    temper : float
        Power to which the modes' evidences count: the slope of the calibration, below 1 because matches overstate.
    seed : int
        Seed of the draws.

    Returns
    -------
    StarSamples
        The samples.
    """
    # One number of the star's own is the seed of all its draws, which have addresses of their own.
    own_seed = int(KeyedRandom(seed=seed).uniform("physics of a star", star_id) * 2.0**53)
    random = KeyedRandom(seed=own_seed)
    count = _shares(temper * np.array([mode.log_evidence for mode in modes]), n_samples, random)
    chosen = [j for j in range(len(modes)) if count[j]]
    columns = {name: np.full(n_samples, np.nan) for name in PHYSICS_COLUMNS}
    subtype = np.full(n_samples, len(groups), dtype=np.int64)
    mean_mag = np.full((n_samples, len(star.bands)), np.nan)
    start = 0
    for j, brightness in zip(chosen, observed_brightness(star, [modes[j] for j in chosen]), strict=True):
        mode, rows = modes[j], np.arange(start, start + int(count[j]))
        start += rows.size
        error = _period_error(star, mode, brightness)
        columns["period"][rows] = np.exp(error * random.normal("period", 0, rows)) / mode.frequency
        mean_mag[rows] = _normal(brightness, random, rows)
        if mode.group != UNSEEN:
            group = groups[mode.group]
            subtype[rows] = mode.group
            columns["amplitude_i"][rows] = _amplitudes(star, mode, group, brightness, error, random, rows)
            physics = _physics(star, mode, group, brightness, population, prior, colours, error, random, rows)
            for name, value in physics.items():
                columns[name][rows] = value
    return StarSamples(bands=star.bands, subtype=subtype, columns=columns, mean_mag=mean_mag)


def _period_error(star: StarPoints, mode: Mode, brightness: Brightness) -> float:
    """Give the standard deviation of ln P: that of the fit, and more where less than two cycles are seen."""
    unseen = max(1.0 - mode.frequency * star.span / _CYCLES, 0.0)
    own = min(mode.frequency_error, brightness.frequency_error)
    return max(own / mode.frequency, _PART_OF_A_CYCLE * unseen)


def _shares(log_evidence: FloatArray, n_samples: int, random: KeyedRandom) -> IntArray:
    """Share samples out among modes, each within one of its expected number."""
    share = np.exp(log_evidence - log_evidence.max())
    edges = np.cumsum(share) / share.sum() * n_samples
    edges[-1] = n_samples
    return np.asarray(np.diff(np.floor(edges + random.uniform("modes", 0)).astype(np.int64), prepend=0))


def _normal(brightness: Brightness, random: KeyedRandom, rows: npt.NDArray[np.intp]) -> FloatArray:
    """Draw mean magnitudes."""
    known = np.isfinite(brightness.mean_mag)
    out = np.full((rows.size, known.size), np.nan)
    if known.any():
        root = np.linalg.cholesky(brightness.covariance[np.ix_(known, known)])
        z = random.normal("mean magnitudes", rows[:, None], np.flatnonzero(known))
        out[:, known] = brightness.mean_mag[known] + z @ root.T
    return out


def _amplitudes(
    star: StarPoints,
    mode: Mode,
    group: GroupShapes,
    brightness: Brightness,
    period_error: float,
    random: KeyedRandom,
    rows: npt.NDArray[np.intp],
) -> FloatArray:
    """Draw I amplitudes: that of the member, times what the curve is larger than the member's."""
    flux = star.mean_flux + star.unit * mode.offset
    usable = flux > 0.0
    own = peak_to_peak(mode.curves[usable] * (star.unit / np.where(usable, flux, 1.0))[usable, None])
    if not own.size:
        return np.full(rows.size, np.nan)
    precision = np.bincount(star.band, weights=star.error**-2.0, minlength=len(star.bands))
    weight = np.asarray(precision[usable], dtype=np.float64)
    if mode.member < 0:  # eclipses, as deep in I as elsewhere
        amplitude = float((weight * own).sum() / weight.sum())
    else:
        member = peak_to_peak(group.harmonics[mode.member, usable])
        weight = weight * member**2
        amplitude = float(group.amplitude_i[mode.member] * (weight * own / member).sum() / weight.sum())
    few = _AMPLITUDE_POINTS * star.time.size**-0.5
    error = float(np.sqrt(brightness.size_error**2 + _AMPLITUDE_ERROR**2 + few**2 + period_error**2))
    return amplitude * max(brightness.size, 0.1) * np.exp(error * random.normal("amplitude", 0, rows))


def _physics(
    star: StarPoints,
    mode: Mode,
    group: GroupShapes,
    brightness: Brightness,
    population: Population,
    prior: DustPrior,
    colours: bool,
    period_error: float,
    random: KeyedRandom,
    rows: npt.NDArray[np.intp],
) -> dict[str, FloatArray]:
    """Draw temperature, luminosity, dust and distance at the mode's period."""
    subtype = group.star_class, group.subtype
    n = int(np.clip(_STARS_PER_SAMPLE * rows.size, _FEWEST_STARS, _MOST_STARS))
    fixed = np.full((n, 4), np.nan)
    fixed[:, 0] = -np.log10(mode.frequency)
    index = GROUPS.index(subtype)
    address = _ADDRESSES * (1 + int(rows[0])) + np.arange(n)
    broad = period_error > _BROAD
    if broad:  # temperatures and luminosities follow a period that is not sharp
        low, high = np.log10(population.ranges(*subtype)["period"])
        step = period_error / np.log(10.0) * random.normal("star's period", address)
        fixed[:, 0] = np.clip(fixed[:, 0] + step, low, high)
    _, stars, feh = population.draw((index,), fixed, address, random)
    teff, abs_mag_g = 10.0 ** stars[:, 1], stars[:, 2]
    known = np.isfinite(brightness.mean_mag)
    bands = tuple(band for band, there in zip(star.bands, known.tolist(), strict=True) if there)
    if not bands:
        pick = np.arange(rows.size) % n
        found = {"teff": teff[pick], "abs_mag_g": abs_mag_g[pick]}
        return found | ({"period": 10.0 ** stars[pick, 0]} if broad else {})
    scatter = colour_scatter(bands, group.star_class, colours=colours)
    posterior = dust_and_distance(
        brightness.mean_mag[known],
        brightness.covariance[np.ix_(known, known)] + np.diag(scatter**2),
        _absolute_magnitudes(bands, group.star_class, teff, abs_mag_g, feh),
        _reddening(bands, teff, prior.centre),
        prior,
    )
    pick = _resample(posterior, rows.size, float(random.uniform("stars of the population", int(rows[0]))))
    ebv, modulus = posterior.draw(
        pick, random.uniform("colour excess", 0, rows), random.normal("distance", 0, rows)
    )
    if subtype in NO_DISTANCE:
        modulus = np.full(rows.size, np.nan)
    found = {"teff": teff[pick], "abs_mag_g": abs_mag_g[pick], "ebv": ebv, "distance_modulus": modulus}
    return found | ({"period": 10.0 ** stars[pick, 0]} if broad else {})


def _resample(posterior: DustAndDistance, n: int, uniform: float) -> npt.NDArray[np.intp]:
    """Choose sets by their evidence, each as often as it should within one."""
    total = np.cumsum(np.exp(posterior.log_evidence - posterior.log_evidence.max()))
    at = (np.arange(n) + uniform) / n * total[-1]
    return np.asarray(np.minimum(np.searchsorted(total, at), total.size - 1))


def _absolute_magnitudes(
    bands: tuple[str, ...], star_class: str, teff: FloatArray, abs_mag_g: FloatArray, feh: FloatArray
) -> FloatArray:
    """Give absolute AB magnitudes, (D, n_bands), as the simulation has them."""
    weights = np.array([band_weights(band) for band in bands])
    used = np.flatnonzero(weights.any(axis=0))
    m_i = abs_mag_g - g_minus_i(teff, star_class)
    own = np.empty((teff.size, used.size))
    for k, name in enumerate(MODEL_BANDS[j] for j in used.tolist()):
        to_ab = VEGA_TO_AB[name] if name in ("V", "I", "G") else 0.0
        own[:, k] = m_i + colour_minus_i(name, teff, star_class, feh) + to_ab
    return np.asarray(own @ weights[:, used].T)


def _reddening(bands: tuple[str, ...], teff: FloatArray, ebv: float) -> FloatArray:
    """Give extinction coefficients, (D, n_bands); none where nothing is known of the band."""
    dust = TrueEBV(np.asarray(ebv))
    out = np.zeros((teff.size, len(bands)))
    for k, band in enumerate(bands):
        if band in EXTINCTION:
            out[:, k] = extinction(band, dust, teff) / ebv
    return out
