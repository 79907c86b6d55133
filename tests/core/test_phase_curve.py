"""Phase curves: pointwise, periodic, and the same bits under any chunking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.phase_curve import PhaseCurve, with_phase_zero


@pytest.fixture(scope="module")
def curve() -> PhaseCurve:
    rng = np.random.default_rng(0)
    k = np.arange(1, 25) ** 1.5
    return PhaseCurve(cos=rng.normal(size=(40, 24)) / k, sin=rng.normal(size=(40, 24)) / k)


def test_against_the_plain_sum(curve):
    phase = np.random.default_rng(1).uniform(-5000, 5000, (40, 300))
    k = np.arange(1, 25)
    angle = 2 * np.pi * k * (phase[..., None] % 1.0)
    plain = (curve.cos[:, None] * np.cos(angle) + curve.sin[:, None] * np.sin(angle)).sum(-1)
    np.testing.assert_allclose(curve.evaluate(phase), plain, atol=2e-13)


@settings(derandomize=True, max_examples=40, deadline=None)
@given(st.integers(1, 700), st.integers(0, 39), st.randoms(use_true_random=False))
def test_other_points_and_stars_change_no_bit(n, star, shuffler):
    rng = np.random.default_rng(2)
    k = np.arange(1, 25) ** 1.5
    curve = PhaseCurve(cos=rng.normal(size=(40, 24)) / k, sin=rng.normal(size=(40, 24)) / k)
    phase = rng.uniform(-100, 100, (40, n))
    together = curve.evaluate(phase)[star]
    order = list(range(n))
    shuffler.shuffle(order)
    keep = order[: max(1, n // 2)]
    alone = curve.take(star).evaluate(phase[star][keep])[0]
    np.testing.assert_array_equal(alone, together[keep])


def test_one_set_of_phases_serves_all(curve):
    phase = np.linspace(0, 1, 17)
    np.testing.assert_array_equal(curve.evaluate(phase), curve.evaluate(np.tile(phase, (len(curve), 1))))


def test_periodic_and_mean_zero(curve):
    phase = np.arange(256) / 256
    np.testing.assert_allclose(curve.evaluate(phase), curve.evaluate(phase + 3), atol=1e-12)
    np.testing.assert_allclose(curve.evaluate(phase).mean(axis=1), 0.0, atol=1e-12)


def test_normalised_and_shifted_are_what_they_say(curve):
    unit = curve.normalised()
    np.testing.assert_allclose(np.ptp(unit.evaluate(np.arange(1024) / 1024), axis=1), 1.0)
    shift = np.linspace(0, 0.9, len(curve))
    there_and_back = curve.shifted(shift).shifted(-shift)
    np.testing.assert_allclose(there_and_back.cos, curve.cos, atol=1e-12)
    phase = np.linspace(0, 1, 50)
    np.testing.assert_allclose(
        curve.shifted(shift).evaluate(phase), curve.evaluate(phase + shift[:, None]), atol=1e-12
    )


def test_bad_curves():
    with pytest.raises(InputError, match=r"\(2, 3\).*\(2, 4\)"):
        PhaseCurve(cos=np.zeros((2, 3)), sin=np.zeros((2, 4)))
    with pytest.raises(InputError, match="finite"):
        PhaseCurve(cos=np.full((2, 3), np.nan), sin=np.zeros((2, 3)))
    with pytest.raises(InputError, match="constant"):
        PhaseCurve(cos=np.zeros((2, 3)), sin=np.zeros((2, 3))).normalised()


def test_zero_harmonics_cost_nothing_and_change_nothing(curve):
    wide = PhaseCurve(cos=np.pad(curve.cos, ((0, 0), (0, 40))), sin=np.pad(curve.sin, ((0, 0), (0, 40))))
    phase = np.random.default_rng(3).uniform(-10, 10, (len(curve), 200))
    np.testing.assert_array_equal(wide.evaluate(phase), curve.evaluate(phase))
    nothing = PhaseCurve(cos=np.zeros((2, 5)), sin=np.zeros((2, 5)))
    np.testing.assert_array_equal(nothing.evaluate([0.1, 0.9]), np.zeros((2, 2)))


def test_the_grid_is_the_curve_at_equidistant_phases(curve):
    np.testing.assert_allclose(curve.on_grid(256), curve.evaluate(np.arange(256) / 256), atol=1e-12)
    coarse = PhaseCurve(cos=curve.cos[:, :15], sin=curve.sin[:, :15])
    np.testing.assert_allclose(curve.on_grid(32), coarse.evaluate(np.arange(32) / 32), atol=1e-12)


def test_shorter_series_are_filled_up_when_curves_are_joined(curve):
    short = PhaseCurve(cos=curve.cos[:3, :4], sin=curve.sin[:3, :4])
    joined = PhaseCurve.concatenate([short, curve])
    phase = np.linspace(0, 1, 9)
    np.testing.assert_array_equal(joined.take([0, 1, 2]).evaluate(phase), short.evaluate(phase))
    np.testing.assert_array_equal(joined.take(np.arange(3, 43)).evaluate(phase), curve.evaluate(phase))
    with pytest.raises(InputError, match="no PhaseCurve to join"):
        PhaseCurve.concatenate([])


def test_phase_zero_is_the_brightest_phase_or_the_deepest_minimum_of_a_binary(curve):
    binary = np.arange(len(curve)) % 2 == 0
    found, shift = with_phase_zero(curve, binary)
    values = found.on_grid(512)
    np.testing.assert_allclose(np.ptp(values, axis=1), 1.0, atol=2e-3)
    extreme = np.where(binary, values.max(axis=1) - values[:, 0], values[:, 0] - values.min(axis=1))
    assert (extreme < 0.005).all()
    again, none = with_phase_zero(found, binary)
    np.testing.assert_array_equal(none, 0.0)
    np.testing.assert_allclose(again.cos, found.cos, atol=2e-3)
    size = np.ptp(curve.on_grid(1024), axis=1)[:, None]
    back = found.shifted(-shift)
    np.testing.assert_allclose(back.cos * size, curve.cos, atol=1e-6)
