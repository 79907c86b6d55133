"""Figures of merit of catalogues: ``pelsvae_cadence validate catalog``."""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.writer import write_catalog
from pelsvae_cadence.core.times import start_of_exposure
from pelsvae_cadence.validate.catalog.scaling import measure_cost
from pelsvae_cadence.validate.catalog.workers import worker_figures
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["catalog_report", "cost_figures", "speed_figures"]

_SIZES: Final = (1_000, 10_000, 100_000)
_INF: Final = math.inf


def catalog_report(*, seed: int = 0) -> Report:
    """Measure speed, parallel work and cost.

    Parameters
    ----------
    seed : int
        Seed of the stars.

    Returns
    -------
    Report
        All figures; it takes a quarter of an hour on an unloaded machine, most of it for the
        catalogue of 100,000 stars.
    """
    figures = [*speed_figures(seed), *worker_figures(seed), *cost_figures(_SIZES, seed)]
    return Report(
        topic="catalog",
        data="RR Lyrae at synthetic LSST cadences",
        seed=seed,
        figures=tuple(figures),
        extra={"load": os.getloadavg(), "cores": os.cpu_count()},
    )


def _processor_time(function: Callable[[], Any], repeats: int = 3) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def speed_figures(seed: int = 0, n_stars: int = 1000) -> list[Figure]:
    """Time the simulation beside LightCurveLynx and beside what cannot be done without.

    Parameters
    ----------
    seed : int
        Seed of the stars.
    n_stars : int
        Number of stars.

    Returns
    -------
    list of Figure
        Ratios; both sides run in this process on one thread and are charged for processor time.
    """
    from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
    from pelsvae_cadence.core.randomness import KeyedRandom
    from pelsvae_cadence.model.blocks import single_thread
    from pelsvae_cadence.model.source import LightCurveModel
    from pelsvae_cadence.photometry.magnitudes import at_magnitude
    from pelsvae_cadence.simulation.simulate import simulate

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
    if theirs is None:
        note = "LightCurveLynx is not installed"
        return [
            Figure(name="light curves per second over LightCurveLynx", value=math.nan, note=note),
            *figures,
        ]
    rate = n_stars / mine
    return [
        Figure.within(
            "light curves per second over LightCurveLynx's periodic template",
            theirs / mine,
            10.0,
            _INF,
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


def _lightcurvelynx(visits: Any, n_stars: int) -> float | None:
    """Time LightCurveLynx's periodic template model on the same visits."""
    from importlib import import_module

    from pelsvae_cadence.bands import BANDS

    try:
        opsim: Any = import_module("lightcurvelynx.obstable.opsim").OpSim
        passbands: Any = import_module("lightcurvelynx.astro_utils.passbands")
        info: Any = import_module("lightcurvelynx.survey_info").SurveyInfo
        templates: Any = import_module("lightcurvelynx.models.lightcurve_template_model")
        simulate: Any = import_module("lightcurvelynx.simulate").simulate_lightcurves
    except ImportError:
        return None
    import pandas as pd

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


def cost_figures(sizes: tuple[int, ...], seed: int = 0) -> list[Figure]:
    """Measure memory and processor time of catalogues of growing size.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of stars, growing.
    seed : int
        Seed of the stars.

    Returns
    -------
    list of Figure
        Peak memory of the largest, the slope of time against size, and the cost of a star.
    """
    costs = [measure_cost(n, seed) for n in sizes]
    last = costs[-1]
    slope = np.polyfit(np.log([c["n_stars"] for c in costs]), np.log([c["cpu"] for c in costs]), 1)[0]
    table = "; ".join(f"{c['n_stars']:,.0f}: {c['cpu']:.1f} s, {c['rss'] / 1e9:.2f} GB" for c in costs)
    return [
        Figure.within(
            f"peak memory for {last['n_stars']:,.0f} stars",
            last["rss"] / 1e9,
            0.0,
            1.5,
            unit="GB",
            note=f"{last['n_points']:,.0f} points, one process",
        ),
        Figure.within(
            "growth of processor time with the number of stars (exponent)", float(slope), 0.9, 1.1, note=table
        ),
        Figure(
            name="processor time of a star",
            value=1e3 * last["cpu"] / last["n_stars"],
            unit="ms",
            note=f"{last['n_points'] / last['n_stars']:.0f} visits; drawn, observed, written, checked; "
            f"{1e3 * last['writing'] / last['n_stars']:.2f} ms of it in the one process that writes",
        ),
        Figure(name="bytes of a star", value=last["bytes"] / last["n_stars"] / 1e3, unit="kB"),
        Figure(
            name="ten million stars, projected",
            value=last["cpu"] / last["n_stars"] * 1e7 / 3600.0,
            unit="core-hours",
            note=f"{last['writing'] / last['n_stars'] * 1e7 / 3600.0:.1f} h of them in the process "
            f"that writes {last['bytes'] / last['n_stars'] * 1e7 / 1e9:,.0f} GB",
        ),
    ]
