"""Figures of merit of catalogues: ``pelsvae_cadence validate catalog``."""

from __future__ import annotations

import os
from typing import Final

import numpy as np

from pelsvae_cadence.validate.catalog.scaling import measure_cost
from pelsvae_cadence.validate.catalog.workers import worker_figures
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["catalog_report"]

_SIZES: Final = (1_000, 10_000, 100_000)


def catalog_report(*, seed: int = 0) -> Report:
    """Measure parallel work and cost.

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
    figures = [*worker_figures(seed), *_cost_figures(_SIZES, seed)]
    return Report(
        topic="catalog",
        data="RR Lyrae at synthetic LSST cadences",
        seed=seed,
        figures=tuple(figures),
        extra={"load": os.getloadavg(), "cores": os.cpu_count()},
    )


def _cost_figures(sizes: tuple[int, ...], seed: int = 0) -> list[Figure]:
    """Measure memory and processor time of catalogues of growing size."""
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
