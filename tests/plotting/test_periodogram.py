"""The picture of a periodogram and its aliases."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.periodogram import plot_periodogram
from pelsvae_cadence.validate.periods.control import control_sample, control_visits


@pytest.fixture(scope="module")
def sample():
    return control_sample(control_visits(3, years=1.0), ["RRab", "EW"], seed=5, r_range=(18, 19))


def test_the_highest_peak_is_drawn_at_the_true_frequency(sample):
    period = float(sample.period[0])
    axes = plot_periodogram(
        sample.light_curves.star(0), true_period=period, found_period=period, title="one year"
    )
    frequency, power = max((line.get_data() for line in axes.lines), key=lambda xy: len(xy[0]))
    assert frequency[np.argmax(power)] == pytest.approx(1 / period, abs=1 / 365.25)
    words = [text.get_text() for text in axes.texts]
    assert "$f_0$" in words
    assert "found" in words
    marked = sorted(line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 2)
    for alias in (1 / period + 1.0014, 1 / period - 1.0014):
        assert min(abs(x - alias) for x in marked) < 0.01
    assert axes.get_title() == "one year"


def test_long_grids_keep_their_peaks(sample):
    """Ten thousands of frequencies are thinned to a picture's columns by their highest."""
    star = sample.light_curves.star(0)
    fine = plot_periodogram(star, baseline=3652.5)
    coarse = plot_periodogram(star)
    heights = [max(np.max(line.get_ydata()) for line in axes.lines) for axes in (fine, coarse)]
    assert heights[0] >= heights[1] * 0.999
    assert max(len(line.get_xdata()) for line in fine.lines) < 40_000


def test_what_cannot_be_drawn_is_refused(sample):
    with pytest.raises(InputError, match="2 stars"):
        plot_periodogram(sample.light_curves)
