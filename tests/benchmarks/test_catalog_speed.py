"""Speed of simulated catalogues beside LightCurveLynx, in one process.

Only ratios mean anything: both sides run one after the other on one thread, and are charged for
processor time.
"""

from __future__ import annotations

import pytest

from pelsvae_cadence.validate.catalog.report import speed_figures

pytest.importorskip("lightcurvelynx", reason="LightCurveLynx is an option")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_light_curves_beside_lightcurvelynx(benchmark) -> None:
    """1,000 stars at ten years of visits, with noise: ours decoded and observed, theirs a template."""
    figures = benchmark.pedantic(speed_figures, rounds=1, iterations=1)
    for figure in figures:
        benchmark.extra_info[figure.name] = figure.value
    # The target is ten; below half of it something is broken.
    assert figures[0].value > 5.0
