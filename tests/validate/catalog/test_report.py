"""The figures of merit of catalogues: what they count and what they print."""

from __future__ import annotations

import pytest

from pelsvae_cadence.validate.catalog.report import _cost_figures
from pelsvae_cadence.validate.catalog.workers import worker_figures


@pytest.mark.slow
def test_a_killed_worker_costs_one_partition() -> None:
    """Times belong to the machine of the moment; what is computed twice does not."""
    figures = {figure.name: figure for figure in worker_figures(n_partitions=4)}
    assert figures["partitions computed twice because a worker was killed"].value == 1
    assert figures["speed of two Dask workers over one"].value > 0.0


@pytest.mark.slow
def test_the_cost_of_growing_catalogues_is_measured() -> None:
    memory, slope, cost, size, projected = _cost_figures((100, 300))
    assert memory.name == "peak memory for 300 stars"
    assert 0.1 < memory.value < 1.5
    assert 0.0 < slope.value < 2.0
    assert projected.value == pytest.approx(cost.value * 1e4 / 3600.0)
    # 42 bytes a point, 840 visits.
    assert 30.0 < size.value < 45.0
