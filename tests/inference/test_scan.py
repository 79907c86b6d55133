"""Candidates: local maxima, and frequencies that hold the true one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.inference.scan import coarse_design, every_frequency, highest_maxima, peaks_and_multiples
from tests.inference.stars_of_bank import group, member_points


@settings(derandomize=True, deadline=None)
@given(
    values=st.lists(st.one_of(st.integers(-5, 5).map(float), st.just(-np.inf)), min_size=1, max_size=40),
    n=st.integers(1, 10),
)
def test_highest_maxima_are_the_highest_of_all_maxima(values, n):
    x = np.array(values)
    found = highest_maxima(x, n)
    padded = [-np.inf, *values, -np.inf]
    # A plateau counts once, with its last value.
    maxima = [
        i for i in range(x.size) if padded[i] <= padded[i + 1] > padded[i + 2] and np.isfinite(padded[i + 1])
    ]
    assert len(found) == min(n, len(maxima))
    assert set(found.tolist()) <= set(maxima)
    assert (np.diff(x[found]) <= 0.0).all()
    left_out = sorted(set(maxima) - set(found.tolist()))
    if found.size and left_out:
        assert x[left_out].max() <= x[found].min()
    if np.isfinite(x).any():
        assert x[found[0]] == x.max()


@pytest.mark.parametrize("subtype", ["RRab", "EA", "ELL", "Mira"])
def test_coarse_members_stand_for_all_periods(subtype):
    shapes = group(subtype)
    design = coarse_design(shapes)
    assert 2 <= len(design.shapes) < 0.6 * len(shapes)
    assert np.isin(design.shapes.ln_period, shapes.ln_period).all()
    assert (np.diff(design.shapes.ln_period) > 0.0).all()
    distance = np.abs(shapes.ln_period[:, None] - design.shapes.ln_period).min(axis=1)
    assert distance.max() < design.reach
    # The scan goes one width beyond the first and the last of them.
    assert design.shapes.ln_period[0] - shapes.ln_period[0] < shapes.width
    assert shapes.ln_period[-1] - design.shapes.ln_period[-1] < shapes.width
    assert design.n_harmonics <= shapes.n_harmonics


@pytest.mark.parametrize(("subtype", "member"), [("RRab", 120), ("RRab", 420), ("RRc", 200)])
def test_every_frequency_holds_the_true_one(subtype, member):
    designs = tuple(coarse_design(group(name)) for name in ("RRab", "RRc"))
    star = member_points(group(subtype), member, n=24, span=80.0, seed=member)
    true = float(np.exp(-group(subtype).ln_period[member]))
    limits = 1.0 / 1.2, 1.0 / 0.2
    found = every_frequency(star, designs, limits, colours=True)
    assert found.wanted.shape == (2, found.frequency.size)
    assert (np.diff(found.frequency) >= 0.0).all()
    assert limits[0] <= found.frequency[0]
    assert found.frequency[-1] <= limits[1]
    mine = found.frequency[found.wanted[["RRab", "RRc"].index(subtype)]]
    assert np.abs(mine - true).min() * star.span < 0.1
    # A choice, not all of them: steps are a fifth of 1/T.
    assert found.frequency.size < 0.5 * (limits[1] - limits[0]) * star.span * 5.0


def test_limits_that_no_class_reaches_leave_no_candidate():
    designs = (coarse_design(group("RRc")),)
    star = member_points(group("RRc"), 100, n=20, span=60.0)
    found = every_frequency(star, designs, (0.02, 0.1), colours=True)
    assert found.frequency.size == 0
    assert found.wanted.shape == (1, 0)


def test_orbits_are_tried_at_half_the_frequency_of_a_peak():
    designs = tuple(coarse_design(group(name)) for name in ("EW", "RRc"))
    shapes = group("EW")
    star = member_points(shapes, 60, n=150, span=400.0)
    orbit = float(np.exp(-shapes.ln_period[60]))
    peaks = np.array([2.0 * orbit, 2.0 * orbit + 1.0, 3.3])
    found = peaks_and_multiples(star, designs, peaks, np.empty(0), (0.05, 20.0), colours=True)
    near = np.abs(found.frequency - orbit) * star.span < 0.15
    assert near.sum() == 3
    assert found.wanted[0, near].all()
    assert found.wanted.any(axis=0).all()
    # What is given beside the peaks is kept whatever the shapes say, within the limits.
    other = np.array([1.7, 30.0])
    kept = peaks_and_multiples(star, designs, peaks, other, (0.05, 20.0), colours=True)
    assert (np.abs(kept.frequency - 1.7) * star.span < 0.15).sum() == 3
    assert kept.frequency.max() <= 20.0
