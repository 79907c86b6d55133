"""The pictures of populations and Miras beside real stars."""

from __future__ import annotations

import pytest

from pelsvae_cadence.simulation import modulation
from pelsvae_cadence.training.validate.population import population_report
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
    # The defaults of double modes are those of the catalogue.
    found = {figure.name.removeprefix("RRd: "): figure for figure in report.figures}
    zero, slope, _ = modulation._RRD_RATIO
    assert found["P1 / P0 at P1 = 0.36 d"].value == pytest.approx(zero, abs=2e-4)
    assert found["slope of P1 / P0 with P1"].value == pytest.approx(slope, abs=2e-3)
    assert found["scatter of P1 / P0"].value == pytest.approx(modulation._RRD_SCATTER, rel=0.1)
    amplitude = found["A0 / A1"]
    assert amplitude.value == pytest.approx(modulation._RRD_AMPLITUDE[0], abs=0.01)
    scatter = float(amplitude.note.removeprefix("log scatter "))
    assert scatter == pytest.approx(modulation._RRD_AMPLITUDE[1], abs=0.01)
    share = found["share of overtone stars of 0.33 to 0.43 d"]
    assert share.value == pytest.approx(modulation.ModulationOptions().rrd, abs=0.005)
