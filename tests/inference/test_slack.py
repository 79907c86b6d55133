"""Room around a member: directions of its neighbours, low harmonics, and shapes of no class."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.inference.slack import N_SLACK, curves_with_slack, harmonic_curves
from tests.inference.stars_of_bank import curve, group

PHASE = np.arange(128) / 128


def rms(harmonics: np.ndarray) -> float:
    return float(np.sqrt(2.0 * (np.abs(harmonics[..., 1:]) ** 2).sum()))


@pytest.mark.parametrize("subtype", ["RRab", "EA", "Mira"])
def test_members_come_first_and_low_harmonics_last(subtype):
    shapes = group(subtype)
    member = np.array([0, 70, len(shapes) - 1])
    out = curves_with_slack(shapes, member)
    assert out.shape == (3, 3, shapes.n_harmonics + 1, 1 + N_SLACK)
    np.testing.assert_allclose(out[..., 0], shapes.harmonics[member])
    for h in range(3):
        for b in range(3):
            share = [rms(out[h, b, :, j]) / rms(out[h, b, :, 0]) for j in range(5, 1 + N_SLACK)]
            assert share == pytest.approx([share[0]] * 6)
            assert 0.01 < share[0] < 0.3
            # A cosine and a sine, of zero mean, at right angles.
            cosine, sine = (curve(out[h, b, :, j], PHASE) for j in (5, 6))
            assert abs(cosine.mean()) < 1e-9
            assert abs(cosine @ sine) < 1e-9 * (cosine @ cosine)


@pytest.mark.parametrize("subtype", ["RRab", "RRc", "EW", "DSCT"])
def test_slack_reaches_other_stars_of_the_same_period(subtype):
    """A neighbour is fitted by a member with slack better than without, at a few sigma of slack."""
    shapes = group(subtype)
    member = np.arange(40, len(shapes) - 40, 23)
    basis = curves_with_slack(shapes, member)
    left, coefficients = [], []
    for h, m in enumerate(member.tolist()):
        flat = np.concatenate([basis[h, :, 1:].real, basis[h, :, 1:].imag]).reshape(-1, 1 + N_SLACK)
        other = shapes.harmonics[m + 7][:, 1:].astype(np.complex128)
        target = np.concatenate([other.real, other.imag]).ravel()
        rest = target - flat[:, 0]
        # Ridge regression: coefficients are N(0, 1) and the noise a twentieth of the curve.
        noise = 0.05 * np.sqrt(np.mean(target**2))
        normal = flat[:, 1:].T @ flat[:, 1:] / noise**2 + np.eye(N_SLACK)
        found = np.linalg.solve(normal, flat[:, 1:].T @ rest / noise**2)
        left.append(np.linalg.norm(rest - flat[:, 1:] @ found) / np.linalg.norm(rest))
        coefficients.append(np.abs(found).max())
    assert np.median(left) < 0.6
    # Two members differ by sqrt(2) / 0.7 standard deviations of the slack in each direction.
    assert np.median(coefficients) < 4.0
    assert np.max(coefficients) < 8.0


@settings(derandomize=True, deadline=None, max_examples=20)
@given(
    n_harmonics=st.integers(1, 20),
    amplitude=st.floats(1e-3, 10.0),
    ratio=st.floats(0.1, 3.0),
    narrow=st.booleans(),
)
def test_free_harmonics_have_the_sizes_they_are_said_to_have(n_harmonics, amplitude, ratio, narrow):
    out = harmonic_curves(
        np.array([1.0, ratio]), np.array([amplitude, 2.0 * amplitude]), n_harmonics, narrow=narrow
    )
    assert out.shape == (2, 2, n_harmonics + 1, 1 + 2 * n_harmonics)
    assert not out[..., 0].any()
    assert not out[:, :, 0].any()
    np.testing.assert_allclose(out[:, 1], ratio * out[:, 0])
    np.testing.assert_allclose(out[1], 2.0 * out[0])
    size = np.array([np.ptp(curve(out[0, 0, :, j], np.arange(400) / 400)) / 2.0 for j in (1, 2)])
    first = amplitude / (np.sqrt(n_harmonics) if narrow else 1.0)
    np.testing.assert_allclose(size, first, rtol=1e-3)
    variance = (2.0 * np.abs(out[0, 0]) ** 2).sum()
    orders = np.arange(1, n_harmonics + 1)
    expected = amplitude**2 * (1.0 if narrow else (1.0 / orders**2).sum())
    assert variance == pytest.approx(expected)
