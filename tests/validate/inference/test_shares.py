"""Shares of stars: paired differences, reliability, expected calibration error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.validate.inference.shares import (
    BINS,
    calibration_error,
    calibration_figures,
    paired,
    reliability_figure,
)


def _stars(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Give stated probabilities that hold."""
    rng = np.random.default_rng(seed)
    stated = rng.uniform(0.0, 1.0, n) ** 0.2
    return stated, rng.random(n) < stated


def test_a_paired_difference_of_equal_answers_has_no_error():
    hits = np.arange(20) % 3 == 0
    gain = paired(hits, hits)
    assert (gain.difference, gain.low, gain.high, gain.error) == (0.0, 0.0, 0.0, 0.0)


def test_a_paired_difference_is_surer_than_an_unpaired_one():
    rng = np.random.default_rng(3)
    theirs = rng.random(400) < 0.6
    ours = theirs | (rng.random(400) < 0.1)  # what they find, and a little more
    gain = paired(ours, theirs, seed=2)
    assert gain.difference == pytest.approx(ours.mean() - theirs.mean())
    assert 0.0 < gain.low < gain.difference < gain.high
    unpaired = np.sqrt(ours.var() / 400 + theirs.var() / 400)
    assert gain.error < 0.5 * unpaired


@settings(derandomize=True, deadline=None, max_examples=30)
@given(n=st.integers(1, 200), seed=st.integers(0, 99))
def test_the_interval_holds_the_difference_and_turns_with_the_sign(n, seed):
    rng = np.random.default_rng(seed)
    first, second = rng.random((2, n)) < 0.5
    one, other = paired(first, second, seed=seed), paired(second, first, seed=seed)
    assert one.low <= one.difference <= one.high or one.error == 0.0
    assert one.difference == pytest.approx(-other.difference)
    assert one.low == pytest.approx(-other.high)


def test_probabilities_that_hold_pass_as_often_as_they_should():
    passed = []
    for seed in range(100):
        stated, right = _stars(500, seed)
        figure = reliability_figure("x", stated, right, 0.8, 0.9)
        assert figure is not None
        passed.append(figure.passed)
    assert 0.88 <= np.mean(passed) < 1.0  # 0.954 and more, since numbers of stars are whole


def test_boasts_do_not_pass():
    stated, right = _stars(4000)
    figures = calibration_figures(
        {"a": (stated[:2000], right[:2000], right[:2000]), "b": (stated[2000:],) + 2 * (right[2000:],)}
    )
    assert len(figures) == 3 * len(BINS) + 1
    assert figures[-1].passed
    assert figures[-1].value < 0.02
    boast = np.minimum(1.0, stated + 0.15)
    boasting = calibration_figures({"a": (boast, right, right)})
    assert all(figure.passed is False for figure in boasting)
    assert boasting[-1].value > 0.05


def test_bins_without_stars_are_left_out_and_one_is_in_the_last():
    stated, right = np.array([0.5, 1.0, 1.0]), np.array([True, True, True])
    assert reliability_figure("x", stated, right, 0.8, 0.9) is None
    last = reliability_figure("x", stated, right, 0.99, 1.0)
    assert last is not None
    assert "n = 2" in last.note
    assert last.passed


def test_calibration_error_is_the_mean_gap():
    stated = np.array([0.25, 0.25, 0.75, 0.75])
    right = np.array([True, False, True, True])
    assert calibration_error(stated, right) == pytest.approx(0.25)
