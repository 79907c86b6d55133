"""Simulate noisy multi-band light curves of stars at the visits of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import flux_to_mag, mag_to_flux
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import MJD_ZERO
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.band_curves import band_curves
from pelsvae_cadence.photometry.forced import forced_photometry
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.photometry.noise import fiducial_seeing, flux_error, saturation_magnitude
from pelsvae_cadence.simulation.timing import barycentric_time
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.population.crowding import CrowdedField
    from pelsvae_cadence.simulation.modulation import CycleModulation

__all__ = ["noise_free_magnitudes", "orbital_phase", "simulate"]

FloatArray = npt.NDArray[np.float64]

# Stars times visits worked on at once: arrays of 1.6 MB stay in the allocator and the cache.
_BLOCK = 200_000


def orbital_phase(stars: Stars, mjd: npt.ArrayLike) -> FloatArray:
    """Give the phases of the stars' cycles at visit times.

    Parameters
    ----------
    stars : Stars
        N stars.
    mjd : array_like, shape (n_visits,)
        Mid-exposure times, MJD (TAI), in days.

    Returns
    -------
    ndarray of float64, shape (N, n_visits)
        Phases in cycles since the epoch, not reduced to 0..1, with the light-travel time to the
        barycentre taken into account.
    """
    since_epoch = barycentric_time(mjd, stars.ra, stars.dec) - (stars.epoch - MJD_ZERO)[:, None]
    return np.asarray(since_epoch / stars.period[:, None])


def noise_free_magnitudes(
    stars: Stars,
    visits: Visits,
    curve: PhaseCurve,
    *,
    phase: FloatArray | None = None,
    modulation: CycleModulation | None = None,
) -> FloatArray:
    r"""Give the true magnitudes of stars at the visits.

    .. math:: m_b(t) = \bar m_b + \Delta_b(\phi(t))

    with the intensity mean :math:`\bar m_b` of `pelsvae_cadence.photometry.magnitudes.mean_magnitudes` and the
    curve :math:`\Delta_b` of `pelsvae_cadence.photometry.band_curves.band_curves`, whose mean flux is that of
    magnitude 0.

    Parameters
    ----------
    stars : Stars
        N stars.
    visits : Visits
        The visits.
    curve : PhaseCurve
        Their shapes in Cousins I, in the same order.
    phase : ndarray, shape (N, n_visits), optional
        Phases, if already known (see `orbital_phase`).
    modulation : CycleModulation, optional
        How the stars deviate from strict periodicity; one row per star.

    Returns
    -------
    ndarray of float64, shape (N, n_visits)
        AB magnitudes. Each depends on its own visit alone.

    Raises
    ------
    InputError
        If stars and curves differ in number.
    """
    if len(curve) != len(stars):
        raise InputError(f"{len(curve)} phase curves for {len(stars)} stars")
    bands = visits.bands
    if not bands:
        return np.empty((len(stars), 0))
    order = np.argsort(bands)  # position of the sorted names in `bands`
    index = order[np.searchsorted(np.sort(bands), visits.band)]
    curves = band_curves(stars, curve, bands)
    mean = mean_magnitudes(stars, bands)
    if phase is None:
        phase = orbital_phase(stars, visits.mjd)
    if modulation is None:
        return np.asarray(mean[:, index] + curves.evaluate(phase, index))
    change = modulation.at(stars, phase)
    zero = curves.zero[:, index]
    swing = curves.evaluate(phase + change.phase, index) - zero
    offset = zero + change.amplitude * swing + curves.amplitude[:, index] * change.brightness
    return np.asarray(mean[:, index] + offset)


def simulate(
    stars: Stars,
    visits: Visits,
    *,
    seed: int,
    model: LightCurveModel | None = None,
    curve: PhaseCurve | None = None,
    noise: bool = True,
    systematic: bool = True,
    modulation: CycleModulation | None = None,
    crowding: CrowdedField | None = None,
) -> LightCurves:
    """Observe stars at one sky position with the visits of a survey.

    Parameters
    ----------
    stars : Stars
        N stars; all of them get all visits.
    visits : Visits
        The visits to the position.
    seed : int
        Seed of the noise. The noise of a point is keyed by (seed, star_id, visit_id): it does not
        change with other stars, other visits, chunks or workers.
    model : LightCurveModel, optional
        Source model that draws the shapes; the default model if neither it nor `curve` is given.
    curve : PhaseCurve, optional
        The shapes, if already decoded; one per star.
    noise : bool
        Add photometric noise. Without it, flux is the true flux and the errors stay.
    systematic : bool
        Include the systematic floor of the survey in the errors.
    modulation : CycleModulation, optional
        How the stars deviate from strict periodicity (`pelsvae_cadence.simulation.modulation`); without it
        they repeat exactly.
    crowding : CrowdedField, optional
        Star counts of the position (`pelsvae_cadence.population.crowding`): neighbours add their light, true
        magnitudes included, and an error to every visit. Without it stars are isolated.

    Returns
    -------
    LightCurves
        N light curves of ``len(visits)`` points each.

    Raises
    ------
    InputError
        If stars and curves differ in number, or a star's parameters are out of range.
    """
    random = KeyedRandom(seed=seed)
    if curve is None:
        if model is None:
            from pelsvae_cadence.model.source import LightCurveModel

            model = LightCurveModel.load()
        curve = model.phase_curve(stars, seed=seed)
    n_stars, n_visits = len(stars), len(visits)
    for what, number in (
        ("phase curves", len(curve)),
        ("modulated stars", n_stars if modulation is None else len(modulation)),
    ):
        if number != n_stars:
            raise InputError(f"{number} {what} for {n_stars} stars")
    step = max(1, _BLOCK // max(n_visits, 1))
    parts = []
    limit = saturation_magnitude(visits.band, visits.exptime, visits.seeing)
    seeing = fiducial_seeing(visits.band) if visits.seeing is None else visits.seeing
    for start in range(0, max(n_stars, 1), step):
        rows = np.arange(start, min(start + step, n_stars))
        part = stars.take(rows)
        mag_true = noise_free_magnitudes(
            part, visits, curve.take(rows), modulation=None if modulation is None else modulation.take(rows)
        )
        true_flux = mag_to_flux(mag_true)
        blur: FloatArray | float = 0.0
        if crowding is not None and n_visits:
            blur = true_flux * crowding.visit_error(mag_true, visits.band, seeing)
            mean_r = mean_magnitudes(part, ("r",))[:, 0]
            light = crowding.third_light(mean_r, part.star_id, tuple(BANDS), seed)
            true_flux = true_flux + light[:, [list(BANDS).index(b) for b in visits.band.tolist()]]
            mag_true = flux_to_mag(true_flux)
        flux_err = flux_error(true_flux, visits.m5, visits.band, systematic=systematic)
        flux_err = np.hypot(flux_err, blur) if crowding is not None else flux_err
        flux = true_flux
        if noise:
            draw = random.normal("photometric noise", part.star_id[:, None], visits.visit_id)
            flux = true_flux + flux_err * draw
        parts.append(forced_photometry(part.star_id, visits, mag_true, flux, flux_err, mag_true < limit))
    return LightCurves.concatenate(parts)
