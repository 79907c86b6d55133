"""Errors of parameters: what is good, how wide intervals are, how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pelsvae_cadence.metrics.parameters.errors import ParameterErrors


def errors(read, half, *, true=0.0, accuracy=0.1, relative=False):
    read, half = np.array(read, dtype=np.float64), np.array(half, dtype=np.float64)
    return ParameterErrors(
        true=np.full(read.size, true),
        read=read,
        low=read - half,
        high=read + half,
        accuracy=accuracy,
        relative=relative,
    )


def test_numbers_are_those_of_the_stars():
    found = errors([0.05, -0.2, 0.3, math.nan], [0.1, 0.1, 0.4, math.nan])
    assert found.good.tolist() == [True, False, False, False]
    assert found.covered.tolist() == [True, False, True, False]
    said = found.summary("distance")
    assert said["distance_good"] == 0.25
    assert said["distance_known"] == 0.75
    assert said["distance_width"] == pytest.approx(0.1)
    assert said["distance_bias"] == pytest.approx(0.05)
    assert said["distance_coverage"] == pytest.approx(2 / 3)


def test_relative_errors_are_fractions():
    found = errors([2.02], [0.04], true=2.0, accuracy=0.01, relative=True)
    assert found.error[0] == pytest.approx(0.01)
    assert found.half_width[0] == pytest.approx(0.04 / 2.02)


def test_without_a_value_there_is_no_width_and_nothing_good():
    said = errors([math.nan], [math.nan]).summary("distance")
    assert said["distance_good"] == said["distance_known"] == 0.0
    assert all(math.isnan(said[f"distance_{key}"]) for key in ("width", "bias", "coverage"))


@given(
    read=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=8),
    accuracies=st.tuples(st.floats(1e-3, 1.0), st.floats(1e-3, 1.0)),
)
@settings(derandomize=True, deadline=None)
def test_more_is_good_to_a_larger_error(read, accuracies):
    less, more = sorted(accuracies)
    half = np.full(len(read), 0.1)
    assert not (errors(read, half, accuracy=less).good & ~errors(read, half, accuracy=more).good).any()
