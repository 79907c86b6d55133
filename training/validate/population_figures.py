"""Pictures of drawn populations and modulated stars beside real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.magnitudes import band_amplitudes
from pelsvae_cadence.plotting.population import (
    plot_colour_colour,
    plot_period_amplitude,
    plot_period_luminosity,
    plot_population_sky,
)
from pelsvae_cadence.plotting.styles import CLASS_STYLES
from pelsvae_cadence.population.survey import draw_population
from pelsvae_cadence.simulation.modulation import ModulationOptions
from pelsvae_cadence.training.archives.ogle3 import clean_catalogue, read_ogle3
from pelsvae_cadence.training.archives.stripe82 import load_stripe82
from pelsvae_cadence.training.labels.physical import A_I, DISTANCE_MODULUS
from pelsvae_cadence.training.shapes.mira_cycles import MiraSet, read_miras, simulate_miras

__all__ = ["draw_population_figures"]

_SHOWN = 900  # real stars of a class in a diagram


def _real_cloud(seed: int) -> tuple[FloatArray, FloatArray]:
    """Periods and absolute I magnitudes of OGLE-III stars of the LMC, of the pulsating classes."""
    table = clean_catalogue(read_ogle3()).table
    table = table[(table.galaxy == "LMC") & table.star_class.isin(["CEP", "RRLYR", "T2CEP"])]
    rng = np.random.default_rng(seed)
    rows = np.concatenate(
        [
            rng.permutation(np.flatnonzero(table.star_class == name))[: _SHOWN // 3]
            for name in ("CEP", "RRLYR", "T2CEP")
        ]
    )
    some = table.iloc[rows]
    m_i = some.i_mag.to_numpy() - A_I["LMC"] - DISTANCE_MODULUS["LMC"]
    return some.period.to_numpy(), m_i


def _population_figure(data: Path, seed: int) -> Figure:
    """Draw sky, period-luminosity, colour-colour and period-amplitude diagrams; real stars are black rings."""
    model = LightCurveModel.load()
    figure: Any = Figure(figsize=(12.5, 9.0), layout="constrained")
    grid = figure.add_gridspec(2, 2)

    mix = {"RRLYR": 0.45, "CEP": 0.15, "LPV": 0.25, "ECL": 0.15}
    everywhere = draw_population(model, mix, n=4000, seed=seed, where="sky").stars
    sky = plot_population_sky(everywhere, ax=figure.add_subplot(grid[0, 0], projection="mollweide"))
    sky.set_title("4,000 stars with 16 < r < 24, Milky Way and Clouds")
    sky.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=4, frameon=False, markerscale=3.0, fontsize=9
    )

    cloud = draw_population(
        model,
        {"CEP": 0.5, "RRLYR": 0.4, "T2CEP": 0.1},
        n=_SHOWN,
        seed=seed,
        where="LMC",
        magnitude_range=(10.0, 24.0),
    ).stars
    period, m_i = _real_cloud(seed)
    diagram = plot_period_luminosity(
        cloud, real=(period, m_i, "OGLE-III, LMC"), ax=figure.add_subplot(grid[0, 1])
    )
    diagram.set_title("Large Magellanic Cloud, without dust")
    diagram.legend(frameon=False, fontsize=9)

    real = load_stripe82(data)
    halo = draw_population(model, "RRLYR", n=900, seed=seed, where="halo", magnitude_range=(14.0, 21.0)).stars
    g, r, i = (real.mean_mag[:, k] for k in (1, 2, 3))
    colours = plot_colour_colour(
        halo, real=(r - i, g - r, "Stripe 82 (SDSS bands)"), ax=figure.add_subplot(grid[1, 0])
    )
    colours.set_title("RR Lyrae stars of the halo, without dust")
    colours.set_xlim(-0.25, 0.35)
    colours.set_ylim(-0.25, 0.5)
    colours.legend(frameon=False, fontsize=9)

    bailey = plot_period_amplitude(
        halo.period,
        band_amplitudes(halo, ("g",))[:, 0],
        halo,
        real=(real.period, real.amplitude[:, 1], "Stripe 82"),
        ax=figure.add_subplot(grid[1, 1]),
    )
    bailey.set_title("the same stars: period and amplitude")
    bailey.legend(frameon=False, fontsize=9)
    return figure  # type: ignore[no-any-return]


def _mira_figure(data: Path, seed: int) -> Figure:
    """Draw Miras as ASAS saw them, strictly periodic, and with changing cycles, at the same times."""
    n = 4
    real = read_miras(data / "lightcurves")
    counts = np.array([len(curve[0]) for curve in real.light_curves])
    cycles = np.array([np.ptp(curve[0]) for curve in real.light_curves]) / real.period
    # Well-observed stars with many cycles, spread over periods.
    good = np.flatnonzero((counts > 350) & (cycles > 6) & (real.period > 220))
    order = good[np.argsort(real.period[good])]
    rows = order[np.linspace(0, len(order) - 1, n).round().astype(int)]
    some = MiraSet(
        name=real.name[rows],
        period=real.period[rows],
        light_curves=[real.light_curves[k] for k in rows.tolist()],
    )
    off = ModulationOptions(mira_amplitude=0, mira_mean=0, mira_phase=0, mira_walk=0)
    columns = (
        ("real, ASAS V", some),
        ("strictly periodic", simulate_miras(some, off, seed=seed)),
        ("cycles that differ", simulate_miras(some, ModulationOptions(), seed=seed)),
    )
    figure: Any = Figure(figsize=(13.0, 2.3 * n), layout="constrained")
    axes = figure.subplots(n, 3, sharey="row", sharex="row", squeeze=False)
    colour = CLASS_STYLES["LPV"].colour
    for j, (title, miras) in enumerate(columns):
        for i, (time, mag, _) in enumerate(miras.light_curves):
            ax = axes[i, j]
            ax.plot(time - time.min(), mag, ".", ms=2.5, color="#222222" if j == 0 else colour)
            if i == 0:
                ax.set_title(title)
            if j == 0:
                ax.set_ylabel("V [mag]")
                ax.text(0.02, 0.04, f"P = {miras.period[i]:.0f} d", transform=ax.transAxes, fontsize=9)
    for i in range(n):
        axes[i, 0].invert_yaxis()
    for ax in axes[-1]:
        ax.set_xlabel("time [d]")
    return figure  # type: ignore[no-any-return]


def draw_population_figures(data: Path, folder: Path, seed: int = 0) -> list[Path]:
    """Write the pictures of ``docs/populations.md``.

    Parameters
    ----------
    data : Path
        Folder of the real data.
    folder : Path
        Where to write ``population.png`` and ``mira_cycles.png``.
    seed : int
        Seed of every draw.

    Returns
    -------
    list of Path
        The files.
    """
    files = []
    for name, figure in (
        ("population", _population_figure(data, seed)),
        ("mira_cycles", _mira_figure(data, seed)),
    ):
        file = folder / f"{name}.png"
        with replacing(file) as partial:
            figure.savefig(partial, dpi=85)
        files.append(file)
    return files
