"""Stars meet visits: the cadence contract, keyed noise, honest errors."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from scipy import stats

from pelsvae_cadence.cadence import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import flux_to_mag, mag_to_flux
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.photometry.magnitudes import band_amplitudes, mean_magnitudes
from pelsvae_cadence.simulation.simulate import noise_free_magnitudes, simulate
from pelsvae_cadence.stars import Stars

N_STARS = 30


@pytest.fixture(scope="module")
def stars() -> Stars:
    rng = np.random.default_rng(0)
    return Stars(
        star_id=np.arange(N_STARS) * 7,
        star_class="RRLYR",
        subtype="RRab",
        period=rng.uniform(0.4, 0.8, N_STARS),
        teff=rng.uniform(6000, 7000, N_STARS),
        abs_mag_g=0.6,
        amplitude_i=rng.uniform(0.2, 0.9, N_STARS),
        epoch=2460000.5 + rng.uniform(0, 1, N_STARS),
        ra=150.0,
        dec=2.2,
        distance_modulus=rng.uniform(16, 26, N_STARS),
        ebv=0.05,
        feh=-1.5,
    )


@pytest.fixture(scope="module")
def curve() -> PhaseCurve:
    rng = np.random.default_rng(1)
    k = np.arange(1, 25) ** 1.5
    return PhaseCurve(
        cos=rng.normal(size=(N_STARS, 24)) / k, sin=rng.normal(size=(N_STARS, 24)) / k
    ).normalised()


@pytest.fixture(scope="module")
def visits() -> Visits:
    rng = np.random.default_rng(2)
    n = 400
    return Visits(
        mjd=60218.0 + np.sort(rng.uniform(0, 3650, n)),
        band=rng.choice(list("ugrizy"), n),
        m5=rng.normal(24.0, 0.3, n),
        night=np.arange(n),
        visit_id=rng.permutation(n) + 1000,
        exptime=30.0,
    )


def _by_visit(curves: LightCurves, name: str) -> np.ndarray:
    """Rows of stars, columns sorted by visit number."""
    values = getattr(curves, name).reshape(len(curves), -1)
    order = np.argsort(curves.visit_id[: values.shape[1]])
    return values[:, order]


def test_cadence_contract(stars, curve, visits):
    """Thinning, permuting and adding visits leaves every other point as it was, noise included."""
    full = simulate(stars, visits, curve=curve, seed=3)
    rng = np.random.default_rng(5)
    kept = np.sort(rng.permutation(len(visits))[:57])
    thin = simulate(stars, visits.take(rng.permutation(kept)), curve=curve, seed=3)
    for name in ("mag_true", "flux", "flux_err"):
        wide = getattr(full, name).reshape(N_STARS, -1)[:, kept]
        np.testing.assert_array_equal(getattr(thin, name).reshape(N_STARS, -1), wide)
    one = simulate(stars, visits.take([123]), curve=curve, seed=3)
    np.testing.assert_array_equal(one.mag_true, full.mag_true.reshape(N_STARS, -1)[:, 123])
    extra = Visits(
        mjd=np.concatenate([visits.mjd, visits.mjd + 0.01]),
        band=np.concatenate([visits.band, visits.band]),
        m5=np.concatenate([visits.m5, visits.m5]),
        night=np.concatenate([visits.night, visits.night]),
        visit_id=np.concatenate([visits.visit_id, visits.visit_id + 10**6]),
        exptime=30.0,
    )
    more = simulate(stars, extra, curve=curve, seed=3)
    old = more.visit_id.reshape(N_STARS, -1)[0] < 10**6
    np.testing.assert_array_equal(more.flux.reshape(N_STARS, -1)[:, old], full.flux.reshape(N_STARS, -1))


@pytest.mark.parametrize("chunk", [1, 7, 29])
def test_any_chunking_gives_the_same_bits(stars, curve, visits, chunk):
    full = simulate(stars, visits, curve=curve, seed=3)
    parts = [
        simulate(stars.take(rows), visits, curve=curve.take(rows), seed=3)
        for rows in np.array_split(np.arange(N_STARS), range(chunk, N_STARS, chunk))
    ]
    joined = LightCurves.concatenate(parts)
    for name in ("mag_true", "mag", "mag_err", "flux", "flux_err", "detected", "saturated"):
        np.testing.assert_array_equal(getattr(joined, name), getattr(full, name))
    np.testing.assert_array_equal(joined.offsets, full.offsets)


def test_internal_blocks_change_nothing(stars, curve, visits, monkeypatch):
    full = simulate(stars, visits, curve=curve, seed=3)
    # The room's door gives the function under the module's name.
    monkeypatch.setattr(import_module("pelsvae_cadence.simulation.simulate"), "_BLOCK", 1000)
    np.testing.assert_array_equal(simulate(stars, visits, curve=curve, seed=3).flux, full.flux)


def test_noise_has_the_stated_size(stars, curve, visits):
    curves = simulate(stars, visits, curve=curve, seed=11)
    pull = (curves.flux - mag_to_flux(curves.mag_true)) / curves.flux_err
    assert stats.kstest(pull, "norm").pvalue > 1e-3
    other = simulate(stars, visits, curve=curve, seed=12)
    assert not (other.flux == curves.flux).any()
    np.testing.assert_array_equal(other.mag_true, curves.mag_true)


def test_detections(stars, curve, visits):
    curves = simulate(stars, visits, curve=curve, seed=11)
    np.testing.assert_array_equal(curves.detected, curves.flux > 5 * curves.flux_err)
    np.testing.assert_array_equal(np.isnan(curves.mag), ~curves.detected)
    np.testing.assert_array_equal(np.isnan(curves.mag_err), ~curves.detected)
    np.testing.assert_allclose(curves.mag[curves.detected], flux_to_mag(curves.flux[curves.detected]))
    assert 0.05 < curves.detected.mean() < 0.95  # the distances span the limit
    assert not curves.saturated.any()


def test_saturation_per_visit(stars, curve, visits):
    near = Stars(**{**vars(stars), "distance_modulus": np.full(N_STARS, 15.4)})
    curves = simulate(near, visits, curve=curve, seed=1)
    r = curves.band == "r"
    np.testing.assert_array_equal(curves.saturated[r], curves.mag_true[r] < 15.9)
    assert 0.0 < curves.saturated[r].mean() < 1.0  # bright phases saturate first


def test_intensity_mean_and_amplitude(stars, curve):
    """The flux mean over a cycle is the star's mean magnitude, the range its amplitude."""
    n = 2000
    dense = Visits(
        mjd=60218.0 + np.arange(n) * 1e-3, band="g", m5=30.0, night=0, visit_id=np.arange(n), exptime=30.0
    )
    phase = np.tile(np.arange(n) / n, (N_STARS, 1))
    mag = noise_free_magnitudes(stars, dense, curve, phase=phase)
    mean = flux_to_mag(mag_to_flux(mag).mean(axis=1))
    np.testing.assert_allclose(mean, mean_magnitudes(stars, ("g",))[:, 0], atol=1e-6)
    np.testing.assert_allclose(np.ptp(mag, axis=1), band_amplitudes(stars, ("g",))[:, 0], rtol=1e-3)


def test_phase_zero_is_the_epoch(stars, curve):
    """At the epoch (barycentric) the curve is at phase zero."""
    from pelsvae_cadence.core.times import MJD_ZERO
    from pelsvae_cadence.simulation.timing import light_travel_time

    star = stars.take([4])
    mjd = float(star.epoch[0]) - MJD_ZERO - 32.184 / 86400
    mjd -= float(light_travel_time([mjd], star.ra, star.dec)[0, 0])
    visit = Visits(mjd=[mjd], band="r", m5=24.0, night=0, visit_id=0, exptime=30.0)
    at_epoch = noise_free_magnitudes(star, visit, curve.take([4]))
    at_zero = noise_free_magnitudes(star, visit, curve.take([4]), phase=np.zeros((1, 1)))
    np.testing.assert_allclose(at_epoch, at_zero, atol=1e-6)


def test_without_noise(stars, curve, visits):
    curves = simulate(stars, visits, curve=curve, seed=3, noise=False)
    np.testing.assert_array_equal(curves.flux, mag_to_flux(curves.mag_true))


def test_nothing_to_observe(stars, curve, visits):
    assert simulate(stars, visits.take([]), curve=curve, seed=3).n_points == 0
    none = simulate(stars.take([]), visits, curve=curve.take([]), seed=3)
    assert len(none) == 0
    assert none.n_points == 0


def test_curves_must_match_stars(stars, curve, visits):
    with pytest.raises(InputError, match="29 phase curves for 30 stars"):
        simulate(stars, visits, curve=curve.take(np.arange(29)), seed=3)
