"""Cost of colours, dust and band shapes beside a light curve that has none of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.core.flux import DETECTION_SNR, flux_to_mag, mag_to_flux
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.noise import flux_error, saturation_magnitude
from pelsvae_cadence.simulation.simulate import orbital_phase, simulate

N_STARS = N_VISITS = 1000


def _processor_time(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("star_class", ["RRab", "CEP", "ECL"])
def test_a_million_magnitudes_with_and_without_colours(benchmark, star_class: str) -> None:
    """Both decode, evaluate and add noise; only one knows bands, colours and dust."""
    rng = np.random.default_rng(0)
    visits = Visits(
        mjd=60218.0 + np.sort(rng.uniform(0, 3650, N_VISITS)),
        band=rng.choice(list("ugrizy"), N_VISITS),
        m5=24.0,
        night=np.arange(N_VISITS),
        visit_id=np.arange(N_VISITS),
        exptime=30.0,
    )
    model = LightCurveModel.load()
    stars = model.sample(star_class, n=N_STARS, seed=1)
    stars = replace(stars, distance_modulus=np.full(N_STARS, 16.0), ebv=np.full(N_STARS, 0.1))
    random = KeyedRandom(seed=1)

    def plain() -> LightCurves:
        shape = model.phase_curve(stars, seed=1).evaluate(orbital_phase(stars, visits.mjd))
        mag_true = 20.0 + stars.amplitude_i[:, None] * shape
        true_flux = mag_to_flux(mag_true)
        flux_err = flux_error(true_flux, visits.m5, visits.band)
        noise = random.normal("photometric noise", stars.star_id[:, None], visits.visit_id)
        flux = true_flux + flux_err * noise
        detected = flux > DETECTION_SNR * flux_err
        mag_err = np.full_like(flux, np.nan)
        mag_err[detected] = 2.5 * np.log10(1.0 + flux_err[detected] / flux[detected])
        limit = saturation_magnitude(visits.band, visits.exptime)
        columns = {
            "mag_true": mag_true,
            "mag": np.where(detected, flux_to_mag(flux), np.nan),
            "mag_err": mag_err,
            "flux": flux,
            "flux_err": flux_err,
            "detected": detected,
            "saturated": mag_true < limit,
        }
        return LightCurves(
            star_id=stars.star_id,
            offsets=np.arange(N_STARS + 1) * N_VISITS,
            mjd=np.tile(visits.mjd, N_STARS),
            band=np.tile(visits.band, N_STARS),
            visit_id=np.tile(visits.visit_id, N_STARS),
            **{name: value.ravel() for name, value in columns.items()},
        )

    def full() -> LightCurves:
        return simulate(stars, visits, model=model, seed=1)

    assert full().n_points == plain().n_points == N_STARS * N_VISITS
    # In turn, so that whatever else the machine does falls on both.
    times = [(_processor_time(full), _processor_time(plain)) for _ in range(3)]
    ratio = np.median([with_colours / without for with_colours, without in times])
    benchmark.extra_info["with colours / without"] = round(float(ratio), 2)
    benchmark.pedantic(full, rounds=2)
    assert ratio < 2.0
