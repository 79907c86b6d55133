"""Star-to-star scatter of colours and amplitudes that the source model leaves out.

The source model gives all stars of a class one relation between temperature and colours and one
set of amplitude ratios. A classifier would learn these relations to a hundredth of a magnitude and
tell classes apart by them, which no real sky allows. Here stars differ: in their colours, in their
amplitude ratios. Two more kinds of source are made the same way: constant stars, and contaminants
that vary without a period.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.flux import mag_to_flux
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.forced import forced_photometry
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.photometry.noise import flux_error, saturation_magnitude
from pelsvae_cadence.stars import Stars

__all__ = ["AMPLITUDE_SCATTER", "COLOUR_SCATTER", "flicker", "observe_again", "scattered_magnitudes"]

FloatArray = npt.NDArray[np.float64]

#: Standard deviation in mag of a star's mean magnitude in a band about the relation of its class.
#: 0.04: what is left of g r i z colours of real RR Lyrae stars (Sesar et al. 2010, ApJ 708, 717)
#: and the difference between atmosphere models; u: scatter of model atmospheres of 4000-8000 K over
#: gravity and metallicity at one V - I.
COLOUR_SCATTER: Final[dict[str, float]] = {
    "u": 0.165,
    "g": 0.04,
    "r": 0.04,
    "i": 0.04,
    "z": 0.04,
    "y": 0.05,
    "zg": 0.04,
    "zr": 0.04,
    "zi": 0.04,
}
#: Miras have molecular bands instead of a temperature sequence: half a magnitude.
_MIRA_COLOUR_SCATTER: Final = 0.5

#: Relative standard deviation of a star's amplitude in a band about the ratio of its class: RR Lyrae
#: stars and delta Scuti stars after Stripe 82 (Sesar et al. 2010), the others estimates.
AMPLITUDE_SCATTER: Final[dict[str, float]] = {
    "ACEP": 0.08,
    "CEP": 0.10,
    "DSCT": 0.08,
    "ECL": 0.05,
    "ELL": 0.07,
    "LPV": 0.25,
    "RRLYR": 0.06,
    "T2CEP": 0.12,
}
# Three sigma: an amplitude must not change its sign.
_MOST_SIGMA: Final = 3.0

# Flicker of contaminants: the range of quasars in MacLeod et al. (2010, ApJ 721, 1014).
_FLICKER_RMS: Final = (0.05, 0.5)  # mag, at infinite lag
_FLICKER_TIME: Final = (20.0, 1000.0)  # days
_FLICKER_WAVES: Final = 96
# Fastest flicker in 1/d: what is faster than the visits of a night is noise.
_FLICKER_FASTEST: Final = 10.0

_BAND_ITEM: Final[dict[str, int]] = {name: k for k, name in enumerate(COLOUR_SCATTER)}


def scattered_magnitudes(
    stars: Stars,
    visits: Visits,
    mag_true: FloatArray,
    random: KeyedRandom,
    *,
    reference_band: str | None = None,
) -> FloatArray:
    """Let stars differ from the relations of their class.

    Parameters
    ----------
    stars : Stars
        N stars.
    visits : Visits
        The visits.
    mag_true : ndarray of float64, shape (N, n_visits)
        Noise-free magnitudes at the visits, by the relations.
    random : KeyedRandom
        Source of the draws, addressed by star and band.
    reference_band : str, optional
        Band in which mean magnitude and amplitude stay as they are.

    Returns
    -------
    ndarray of float64, shape (N, n_visits)
        Noise-free magnitudes of stars with their own colours and amplitude ratios
        (`COLOUR_SCATTER`, `AMPLITUDE_SCATTER`).
    """
    bands = visits.bands
    mean = mean_magnitudes(stars, bands)
    relative = np.array([AMPLITUDE_SCATTER[c] for c in stars.star_class.tolist()])
    mira = stars.star_class == "LPV"
    result = np.array(mag_true, dtype=np.float64)
    for b, band in enumerate(bands):
        if band == reference_band:
            continue
        here = visits.band == band
        item = _BAND_ITEM[band]
        colour = np.where(mira, _MIRA_COLOUR_SCATTER, COLOUR_SCATTER[band])
        shift = colour * random.normal("colour scatter", stars.star_id, item)
        drawn = random.normal("amplitude scatter", stars.star_id, item)
        factor = 1.0 + relative * np.clip(drawn, -_MOST_SIGMA, _MOST_SIGMA)
        around = result[:, here] - mean[:, b : b + 1]
        result[:, here] = mean[:, b : b + 1] + shift[:, None] + factor[:, None] * around
    return result


def flicker(star_id: npt.NDArray[np.int64], mjd: FloatArray, random: KeyedRandom) -> FloatArray:
    r"""Give the aperiodic variations of contaminants.

    A Gaussian process with the covariance of a damped random walk,
    :math:`\sigma^2 e^{-|\Delta t|/\tau}`, as a sum of waves whose frequencies are drawn from its
    spectrum, a Cauchy distribution of scale :math:`1/2\pi\tau` (Rahimi & Recht 2007, NIPS 20). A
    value depends on its own time only, unlike a walk from point to point.

    Parameters
    ----------
    star_id : ndarray of int64, shape (N,)
        Addresses of the draws.
    mjd : ndarray of float64, shape (n_times,)
        Times in days.
    random : KeyedRandom
        Source of the draws.

    Returns
    -------
    ndarray of float64, shape (N, n_times)
        Magnitude offsets of mean zero, the same in all bands.
    """
    stars = np.asarray(star_id)
    waves = np.arange(_FLICKER_WAVES)

    def log_uniform(purpose: str, low: float, high: float) -> FloatArray:
        u = random.uniform(purpose, stars)
        return np.asarray(low * (high / low) ** u)

    rms = log_uniform("flicker rms", *_FLICKER_RMS)
    tau = log_uniform("flicker time", *_FLICKER_TIME)
    u = random.uniform("flicker frequency", stars[:, None], waves)
    frequency = np.tan(0.5 * np.pi * u) / (2.0 * np.pi * tau[:, None])
    frequency = np.minimum(frequency, _FLICKER_FASTEST)
    turns = random.uniform("flicker phase", stars[:, None], waves)
    offsets = np.empty((stars.size, mjd.size))
    since = mjd - (mjd.min() if mjd.size else 0.0)
    start = mjd.min() if mjd.size else 0.0
    for i in range(stars.size):
        phase = np.outer(frequency[i], since) + (frequency[i] * start + turns[i])[:, None]
        offsets[i] = rms[i] * np.sqrt(2.0 / _FLICKER_WAVES) * np.cos(2.0 * np.pi * phase).sum(axis=0)
    return offsets


def observe_again(light_curves: LightCurves, visits: Visits, mag_true: FloatArray) -> LightCurves:
    """Give light curves other true magnitudes, and keep their draws of the noise.

    Parameters
    ----------
    light_curves : LightCurves
        N light curves, each with a point for every visit.
    visits : Visits
        The visits.
    mag_true : ndarray of float64, shape (N, n_visits)
        The new noise-free magnitudes.

    Returns
    -------
    LightCurves
        What `pelsvae_cadence.simulation.simulate.simulate` would have measured.
    """
    shape = (len(light_curves), len(visits))
    old = mag_to_flux(light_curves.mag_true).reshape(shape)
    draw = (light_curves.flux.reshape(shape) - old) / light_curves.flux_err.reshape(shape)
    true_flux = mag_to_flux(mag_true)
    flux_err = flux_error(true_flux, visits.m5, visits.band)
    flux = true_flux + flux_err * draw
    limit = saturation_magnitude(visits.band, visits.exptime, visits.seeing)
    return forced_photometry(light_curves.star_id, visits, mag_true, flux, flux_err, mag_true < limit)
