"""Speed of simulated catalogues beside LightCurveLynx, in one process.

Only ratios mean anything: both sides run one after the other on one thread, and are charged for
processor time. ``pytest -s tests/benchmarks/test_catalog_speed.py`` prints them.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.writer import write_catalog
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.times import start_of_exposure
from pelsvae_cadence.model.blocks import single_thread
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import at_magnitude
from pelsvae_cadence.simulation.simulate import simulate
from pelsvae_cadence.validate.report import Figure

pytest.importorskip("lightcurvelynx", reason="LightCurveLynx is an option")


def _processor_time(function: Callable[[], Any], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def speed_figures(seed: int = 0, n_stars: int = 1000) -> list[Figure]:
    """Ratios of processor times; both sides run in this process on one thread."""
    model = LightCurveModel.load()
    visits = SyntheticSurvey(preset="lsst-v3", seed=1).at(35.6, -4.8)
    batch: list[Any] = []

    def draw() -> None:
        stars = model.sample("RRab", n=n_stars, ra=35.6, dec=-4.8, seed=seed)
        batch[:1] = [at_magnitude(stars, "r", 21.0)]

    def observe() -> None:
        batch[1:] = [simulate(batch[0], visits, model=model, seed=seed)]

    with single_thread():
        for function in (draw, observe, observe):  # loads what is loaded only once
            function()
        drawn, mine = _processor_time(draw), _processor_time(observe, 5)
    provenance = Provenance(seed=seed, model_name="", model_hash="", survey_name="")
    random = KeyedRandom(seed=seed)
    stars, points = batch
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.h5"
        written = _processor_time(
            lambda: write_catalog(
                path, [(stars, visits, points)], provenance=provenance, overwrite=True, compression="repeats"
            )
        )
        size = path.stat().st_size
        raw = np.random.default_rng(0).bytes(size)
        bound = _processor_time(lambda: random.normal("bound", stars.star_id[:, None], visits.visit_id))
        bound += _processor_time(lambda: (Path(folder) / "raw").write_bytes(raw))
    what = f"{n_stars:,} stars x {len(visits)} visits with noise"
    figures = [
        Figure(
            name="time to simulate and write, over random numbers and plain bytes",
            value=(mine + written) / bound,
            note=f"{mine:.2f} s to decode and observe, {written:.2f} s to write and check "
            f"{size / 1e6:.0f} MB, against {bound:.3f} s (processor time)",
        )
    ]
    theirs = _lightcurvelynx(visits, n_stars)
    rate = n_stars / mine
    return [
        Figure.within(
            "light curves per second over LightCurveLynx's periodic template",
            theirs / mine,
            10.0,
            math.inf,
            unit="x",
            note=f"{what}: {rate:,.0f} (decoding included) against {n_stars / theirs:,.0f} a "
            f"processor second; {rate * len(visits):,.0f} points a second",
        ),
        Figure(
            name="the same with the drawing of the stars from the population",
            value=theirs / (drawn + mine),
            unit="x",
            note="LightCurveLynx repeats one template; it has nothing to draw",
        ),
        *figures,
    ]


def _lightcurvelynx(visits: Any, n_stars: int) -> float:
    """Time LightCurveLynx's periodic template model on the same visits."""
    opsim: Any = import_module("lightcurvelynx.obstable.opsim").OpSim
    passbands: Any = import_module("lightcurvelynx.astro_utils.passbands")
    info: Any = import_module("lightcurvelynx.survey_info").SurveyInfo
    templates: Any = import_module("lightcurvelynx.models.lightcurve_template_model")
    simulate: Any = import_module("lightcurvelynx.simulate").simulate_lightcurves
    n = len(visits)
    table = opsim(
        pd.DataFrame(
            {
                "fieldRA": np.full(n, 35.6),
                "fieldDec": np.full(n, -4.8),
                "filter": visits.band,
                "observationStartMJD": start_of_exposure(visits.mjd, visits.exptime),
                "visitExposureTime": visits.exptime,
                "fiveSigmaDepth": visits.m5,
                "numExposures": np.ones(n, int),
                "rotSkyPos": np.zeros(n),
                "airmass": np.full(n, 1.2),
                "seeingFwhmEff": np.full(n, 0.9),
                "skyBrightness": np.full(n, 21.0),
            }
        )
    )
    group = []
    for band in visits.bands:
        wave = np.arange(-500.0, 500.0, 5.0) + 10.0 * BANDS[band].wavelength
        group.append(passbands.Passband(np.column_stack([wave, np.hanning(wave.size)]), "LSST", band))
    phase = np.linspace(0.0, 0.55, 101)
    flux = 2e4 * (1.0 + 0.3 * np.sin(2.0 * np.pi * phase / 0.55))
    model = templates.LightcurveTemplateModel(
        {band: np.column_stack([phase, flux]) for band in visits.bands},
        None,
        0.0,
        periodic=True,
        ra=35.6,
        dec=-4.8,
        t0=61000.0,
    )
    survey = info(table, passbands=passbands.PassbandGroup(group))
    return _processor_time(lambda: simulate(model, n_stars, survey, progress_bar=False))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_light_curves_beside_lightcurvelynx(benchmark) -> None:
    """1,000 stars at ten years of visits, with noise: ours decoded and observed, theirs a template."""
    figures = benchmark.pedantic(speed_figures, rounds=1, iterations=1)
    for figure in figures:
        benchmark.extra_info[figure.name] = figure.value
        print(f"{figure.name}: {figure.value:.3g} {figure.unit} ({figure.note})")
    # The target is ten; below half of it something is broken.
    assert figures[0].value > 5.0
