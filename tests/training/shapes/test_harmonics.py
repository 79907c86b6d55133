"""Fourier shapes: the catalogue's convention on real stars, fits, completion."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.training.shapes.completion import N_PULSATOR, learn_completion, rotate_to_first
from pelsvae_cadence.training.shapes.donors import read_light_curves
from pelsvae_cadence.training.shapes.full_curves import fit_full_curves
from pelsvae_cadence.training.shapes.harmonics import (
    catalogue_shape,
    fit_harmonics,
    from_complex,
    peak_to_peak,
    to_complex,
    to_standard_shape,
)
from pelsvae_cadence.training.shapes.miras import _fit_mira_shapes, borrow_mira_shapes

GRID = np.arange(512) / 512


def sawteeth(n: int, seed: int) -> np.ndarray:
    """Coefficients of skewed waves: d_k = steepness^(k-1) with a phase that goes with it."""
    rng = np.random.default_rng(seed)
    steep = rng.uniform(0.3, 0.7, n)
    k = np.arange(1, N_PULSATOR + 1)
    d = (steep[:, None] ** (k - 1)) * np.exp(1j * (1.2 - steep[:, None]) * (k - 1))
    phase = rng.uniform(0, 2 * np.pi, n)
    size = rng.uniform(0.1, 0.4, n)
    return d * size[:, None] * np.exp(1j * k * phase[:, None])


def test_complex_coefficients_and_shapes_are_inverse() -> None:
    c = sawteeth(5, 1)
    np.testing.assert_allclose(to_complex(from_complex(c)), c)
    curve = from_complex(c[:1])
    k = np.arange(1, N_PULSATOR + 1)
    direct = (c[:1] @ np.exp(2j * np.pi * np.outer(k, GRID))).real
    np.testing.assert_allclose(curve.evaluate(GRID), direct, atol=1e-12)


def test_standard_shape_puts_the_extremum_at_zero() -> None:
    curve = from_complex(sawteeth(20, 2))
    for binary, extreme in ((False, np.min), (True, np.max)):
        shape = to_standard_shape(curve, binary=binary)
        value = shape.evaluate(np.arange(8192) / 8192)
        assert peak_to_peak(shape) == pytest.approx(1.0, abs=1e-6)
        assert value[:, 0] == pytest.approx(extreme(value, axis=1), abs=1e-4)
    # Moving and scaling keeps the invariant harmonics.
    np.testing.assert_allclose(
        rotate_to_first(to_complex(to_standard_shape(curve, binary=False))),
        rotate_to_first(to_complex(curve)),
        atol=1e-10,
    )


def test_a_ratio_needs_a_phase() -> None:
    with pytest.raises(InputError, match="without phase"):
        catalogue_shape([0.4], [np.nan], [0.1], [1.0])
    flat = catalogue_shape([0.0], [np.nan], [0.0], [np.nan])
    assert to_complex(flat)[0].tolist() == [1.0, 0.0, 0.0]


def test_fit_finds_the_series_and_leaves_out_bad_points() -> None:
    rng = np.random.default_rng(3)
    c = sawteeth(1, 3)[0, :6]
    time = rng.uniform(0, 500, 400)
    curve = from_complex(c[None])
    mag = 15.0 + curve.evaluate(time / 3.7)[0] + 0.005 * rng.normal(size=400)
    mag[:10] += 1.0
    found, rms, kept = fit_harmonics(time, mag, np.full(400, 0.005), 3.7, 6)
    assert np.abs(found - c).max() < 0.002
    assert rms == pytest.approx(0.005, rel=0.15)
    assert not kept[:10].any()
    with pytest.raises(InputError, match="10 points for 6 harmonics"):
        fit_harmonics(time[:10], mag[:10], np.ones(10), 3.7, 6)


def test_catalogue_convention_on_real_cepheids(shared_data) -> None:
    """Fits to OGLE-III light curves agree with the catalogue's A, R21, phi21, R31, phi31."""
    stars, curves = read_light_curves(shared_data / "lightcurves", "ogle3_lmc_cep_I")
    rows = np.flatnonzero((stars["mode"] == "F") & (stars.R31 > 0.05))[:60]
    differences = []
    for i in rows:
        star = stars.iloc[i]
        c, _, _ = fit_harmonics(*curves[i][:3], star.period, 6)
        d = rotate_to_first(c[None])[0]
        turn = np.angle(d[1:3] * np.exp(-1j * np.array([star.phi21, star.phi31])))
        size = peak_to_peak(from_complex(c[None]))[0]
        ratios = np.abs(d[1:3]) - [star.R21, star.R31]
        differences.append([size - star.A_I, *ratios, *turn])
    median = np.median(np.abs(differences), axis=0)
    assert (median < [0.005, 0.002, 0.002, 0.006, 0.01]).all()


def test_completion_learns_the_relation_and_keeps_what_is_known() -> None:
    c = sawteeth(300, 4)
    d = rotate_to_first(c)
    period, amplitude = np.full(300, 0.5), np.ones(300)
    teach = slice(0, 240)
    model = learn_completion(
        d[teach], np.zeros(d[teach].shape), period[teach], amplitude[teach], n_known=3, use_period=False
    )
    test = d[240:]
    mean = model.predict(test, period[240:], amplitude[240:])
    assert np.abs(mean - test[:, 3:]).max() < 0.05
    drawn = model.draw(test, period[240:], amplitude[240:], np.arange(60), seed=1)
    np.testing.assert_array_equal(drawn[:, :3], test[:, :3])
    # A star's draw does not depend on the others.
    alone = model.draw(test[7:8], period[7:8], amplitude[7:8], np.array([7]), seed=1)
    np.testing.assert_allclose(alone[0], drawn[7], atol=1e-12)
    other = model.draw(test, period[240:], amplitude[240:], np.arange(60), seed=2)
    assert np.abs(other - drawn)[:, 3:].max() > 0


def test_completion_knows_nothing_far_from_its_donors() -> None:
    d = rotate_to_first(sawteeth(100, 5))
    model = learn_completion(d, np.zeros(d.shape), np.ones(100), np.ones(100), n_known=3, use_period=False)
    strange = d[:1].copy()
    strange[0, 1:3] *= -1.0
    assert model.trust(d[:10], 1.0, 1.0) == pytest.approx(1.0, abs=1e-6)
    assert model.trust(strange, 1.0, 1.0)[0] < 1e-3
    drawn = model.draw(strange, np.ones(1), np.ones(1), np.array([0]), seed=1)
    assert np.abs(drawn[0, 3:]).max() < 1e-3


def test_full_curves_are_fitted_without_ringing() -> None:
    """Sixty noisy points a star, as in Stripe 82: the fits come close to the true shapes."""
    rng = np.random.default_rng(6)
    c = sawteeth(80, 6)
    curve = from_complex(c)
    size = peak_to_peak(curve)
    period = rng.uniform(0.45, 0.7, 80)
    light = []
    for i in range(80):
        time = rng.uniform(0, 2000, 60)
        true = curve.take([i]).evaluate(time / period[i])[0]
        error = np.full(60, 0.02 * size[i])
        light.append((time, 16.0 + true + error * rng.normal(size=60), error))
    fitted, _ = fit_full_curves(light, period, rounds=8)
    assert fitted.row.size > 40
    truth = curve.take(fitted.row).evaluate(GRID)
    found = from_complex(fitted.c).evaluate(GRID)
    rms = np.std(truth - found, axis=1) / size[fitted.row]
    free = []
    for i in fitted.row:
        own, _, _ = fit_harmonics(*light[i], period[i], 12)
        free.append(np.std(from_complex(own[None]).evaluate(GRID)[0] - curve.evaluate(GRID)[i]))
    assert np.median(rms) < 0.012
    assert np.median(rms) < 0.7 * np.median(np.array(free) / size[fitted.row])


def test_mira_shapes_are_smooth_and_keyed() -> None:
    rng = np.random.default_rng(7)
    period = rng.uniform(200, 450, 12)
    light = []
    for p in period:
        time = np.sort(rng.uniform(0, 1200, 90))
        mag = 9.0 + 2.0 * np.cos(2 * np.pi * time / p) + 0.2 * rng.normal(size=90)
        light.append((time, mag, np.full(90, 0.02)))
    names = np.array([f"H{i}" for i in range(12)])
    shapes = _fit_mira_shapes(names, period, light)
    assert len(shapes.curve) + sum(shapes.rejected.values()) == 12
    cosine = PhaseCurve(cos=[[-0.5]], sin=[[0.0]]).evaluate(GRID)
    assert np.median(np.std(shapes.curve.evaluate(GRID) - cosine, axis=1)) < 0.03
    log_p = np.log10(rng.uniform(200, 450, 5))
    split = np.full(5, "train")
    curve, source = borrow_mira_shapes(shapes, log_p, np.arange(5), split=split, seed=1)
    again, _ = borrow_mira_shapes(shapes, log_p[3:4], np.array([3]), split=split[3:4], seed=1)
    np.testing.assert_array_equal(again.cos[0], curve.cos[3])
    assert source.max() < len(shapes.curve)
