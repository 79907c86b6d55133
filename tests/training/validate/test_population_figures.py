"""The pictures of populations and Miras beside real stars."""

from __future__ import annotations

import pytest

from pelsvae_cadence.training.validate.population import _double_mode_table, population_report
from pelsvae_cadence.training.validate.population_figures import draw_population_figures


@pytest.mark.slow
def test_pictures_and_figures(shared_data, tmp_path):
    files = draw_population_figures(shared_data, tmp_path)
    assert [file.name for file in files] == ["population.png", "mira_cycles.png"]
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG")
        assert file.stat().st_size > 50_000
    report = population_report(seed=1, data=shared_data)
    assert report.passed, [f.name for f in report.figures if f.passed is False]


def test_defaults_of_double_modes_are_those_of_the_catalogue():
    from pelsvae_cadence.simulation import modulation

    table = _double_mode_table()
    zero, slope, _ = modulation._RRD_RATIO
    assert table["ratio"] == pytest.approx(zero, abs=2e-4)
    assert table["slope"] == pytest.approx(slope, abs=2e-3)
    assert table["scatter"] == pytest.approx(modulation._RRD_SCATTER, rel=0.1)
    assert table["amplitude"] == pytest.approx(modulation._RRD_AMPLITUDE[0], abs=0.01)
    assert table["amplitude_scatter"] == pytest.approx(modulation._RRD_AMPLITUDE[1], abs=0.01)
    assert table["share"] == pytest.approx(modulation.ModulationOptions().rrd, abs=0.005)
