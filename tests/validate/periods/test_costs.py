"""What the search costs beside others: the figures are measured, whole, and in their places."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from pelsvae_cadence.periods import FrequencyGrid
from pelsvae_cadence.validate.periods.costs import _ten_year_stars, alternatives, search_cost_figures


def test_the_grid_is_that_of_ten_years_blind():
    stars = _ten_year_stars(2)
    assert stars.grid == FrequencyGrid.from_baseline(3650.0)
    assert stars.grid.n == 608_317
    assert stars.series[0].time.size == 824
    np.testing.assert_array_equal(stars.series[0].time, stars.series[1].time)


def test_alternatives_find_the_same_period():
    """They are asked the same question: a bright RR Lyrae star's frequency is in this range."""
    stars = _ten_year_stars(1, 40_000)
    calls = alternatives(stars)
    power = calls["astropy fastnifty"]()
    assert power.shape == (stars.grid.n,)
    best = stars.grid.frequencies()[int(np.argmax(power))]
    from pelsvae_cadence.periods.periodogram import highest_peaks, periodograms

    (ours,) = periodograms(stars.series, stars.grid)
    assert highest_peaks(ours, stars.grid, 1)[0][0] == pytest.approx(best, abs=stars.grid.df)


@pytest.mark.slow
def test_every_figure_is_there():
    figures = {figure.name: figure for figure in search_cost_figures(n_frequencies=32_768)}
    installed = importlib.util.find_spec("gatspy") is not None
    assert len(figures) == 10
    for name, figure in figures.items():
        missing = name.startswith("gatspy") and not installed
        assert missing == math.isnan(figure.value)
        assert missing or figure.value > 0.0
    assert "not installed" in figures["gatspy fast / our periodogram"].note or installed
