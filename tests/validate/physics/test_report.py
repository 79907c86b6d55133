"""The report judges what is asked for, and says what it cannot find."""

from __future__ import annotations

import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.validate.physics import report
from pelsvae_cadence.validate.physics.distances import Distances, distance_figures
from pelsvae_cadence.validate.physics.report import physics_report


def test_unknown_parts_are_refused():
    with pytest.raises(InputError, match="unknown set 'mars'"):
        physics_report(sets=["mars"])
    with pytest.raises(InputError, match="0 stars a set"):
        physics_report(n=0)


def test_real_sets_are_left_out_where_there_are_none(monkeypatch):
    monkeypatch.setattr(report, "find_data_folder", lambda: None)
    found = physics_report(sets=["field", "stripe82"])
    assert found.passed
    assert [figure.name for figure in found.figures] == ["field: left out", "stripe82: left out"]
    assert "PELSVAE_DATA" in found.figures[0].note


@pytest.mark.parametrize(
    ("bias", "scatter", "passed"), [(0.0, 0.1, True), (0.2, 0.1, False), (0.0, 0.4, False)]
)
def test_bias_and_scatter_of_distances_are_judged(bias, scatter, passed):
    rng = np.random.default_rng(3)
    n, error = 200, 0.1
    true = rng.uniform(10.0, 12.0, n)
    ours = true + bias + scatter * rng.standard_normal(n)
    figures = distance_figures(
        "field",
        Distances(
            modulus=ours,
            low=ours - 0.2,
            high=ours + 0.2,
            true=true + error * rng.standard_normal(n),
            true_error=np.full(n, error),
            right=np.ones(n, dtype=bool),
        ),
    )
    assert figures[0].value == pytest.approx(bias, abs=0.1)
    assert figures[1].value == pytest.approx(scatter, abs=0.04)
    assert all(figure.passed is not False for figure in figures) == passed


@pytest.mark.slow
def test_simulated_stars_are_read():
    found = physics_report(sets=["40 points"], n=1)
    names = [figure.name for figure in found.figures]
    assert "40 points: truths of DM in 68 % intervals" in names
    assert found.extra["table"]["rows"]
