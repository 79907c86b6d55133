"""Figures of merit of populations and of stars that are not strictly periodic, on real stars."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.real_data import data_folder
from pelsvae_cadence.model.reference_stars import GROUPS
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.colours import colour_minus_i
from pelsvae_cadence.photometry.magnitudes import band_amplitudes, mean_magnitudes
from pelsvae_cadence.population.survey import HALO_RRAB, draw_population, halo_features, metallicity
from pelsvae_cadence.simulation.modulation import RRD_PERIODS, ModulationOptions
from pelsvae_cadence.training.archives.ogle3 import read_ogle3
from pelsvae_cadence.training.archives.splits import is_reserved
from pelsvae_cadence.training.archives.stripe82 import Stripe82, load_stripe82
from pelsvae_cadence.training.shapes.mira_cycles import cycle_scatter, read_miras, simulate_miras
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["halo_energy_distance", "halo_preference", "population_report"]

_G, _R, _I = 1, 2, 3  # columns of Stripe82.amplitude
_RIDGE = 1.0
_REPEATS = 200
# A_i(SDSS) / A_I of RRab stars: see `pelsvae_cadence.photometry.amplitudes`.
_SDSS_I = 1.05


def halo_preference(stars: Stripe82, model: LightCurveModel) -> FloatArray:
    """Learn how halo RRab stars differ from the reference stars.

    Stripe 82 gives period, amplitude in i, and the temperature of the mean g-r by the colours of
    `pelsvae_cadence.photometry.colours`; the difference between SDSS and LSST filters is left out.

    Parameters
    ----------
    stars : Stripe82
        Real halo stars; the half that judges is not used.
    model : LightCurveModel
        Its reference stars, with the weights that give them the halo's metallicities.

    Returns
    -------
    ndarray of float64, shape (9,)
        Coefficients of `pelsvae_cadence.population.survey.halo_features`: a logistic regression
        between the two sets with a ridge, whose logit is the log ratio of the densities.
    """
    group = model.population.groups("RRLYR", "RRab")[0]
    rows, weight = model.population.reference(group, metallicity("RRab", "halo"))
    mine = stars.rows("RRab", judged=False)
    real = halo_features(
        np.log10(stars.period[mine]),
        np.log10(_teff_of_colour(stars.mean_mag[mine, _G] - stars.mean_mag[mine, _R])),
        np.log10(stars.amplitude[mine, _I] / _SDSS_I),
    )
    ours = halo_features(rows[:, 0], rows[:, 1], rows[:, 3])
    share = weight / weight.sum()

    def loss(c: FloatArray) -> float:
        seen, drawn = c[0] + real @ c[1:], c[0] + ours @ c[1:]
        fit = np.logaddexp(0.0, -seen).mean() + np.sum(share * np.logaddexp(0.0, drawn))
        return float(fit + _RIDGE * np.sum(c[1:] ** 2) / len(mine))

    return np.asarray(minimize(loss, np.zeros(real.shape[1] + 1)).x[1:])


def _teff_of_colour(g_r: FloatArray) -> FloatArray:
    teff = np.linspace(7600.0, 5400.0, 500)
    kind = np.full(teff.size, "RRLYR")
    colour = colour_minus_i("g", teff, kind) - colour_minus_i("r", teff, kind)
    return np.interp(g_r, colour, teff)  # colours rise as temperatures fall


def _energy(a: FloatArray, b: FloatArray) -> float:
    return float(2.0 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean())


def _halo_judges(stars: Stripe82, model: LightCurveModel) -> npt.NDArray[np.int64]:
    """Rows of the real halo RRab stars that neither weights nor reference stars know, by their periods."""
    rows = stars.rows("RRab", judged=True)
    reference, _ = model.population.reference(model.population.groups("RRLYR", "RRab")[0])
    step = np.abs(np.log10(stars.period[rows])[:, None] - reference[None, :, 0]).min(axis=1)
    # The table of reference stars has single precision.
    return np.asarray(rows[step > 1e-6], dtype=np.int64)


def halo_energy_distance(stars: Stripe82, model: LightCurveModel, seed: int) -> tuple[float, float]:
    """Compare drawn with real halo RRab stars by energy distance.

    Parameters
    ----------
    stars : Stripe82
        Real halo stars; only those of `_halo_judges` are used.
    model : LightCurveModel
        The source model.
    seed : int
        Seed of the population and of the splits.

    Returns
    -------
    plane, space : float
        Mean distance between real and drawn stars, over that between two halves of the real ones,
        in (log P, A_g), and in (log P, A_g, g-r); as many stars in every comparison.
    """
    drawn = draw_population(
        model, "RRab", n=4000, seed=seed, where="halo", magnitude_range=(14.0, 21.0)
    ).stars
    g, r = mean_magnitudes(replace(drawn, ebv=np.zeros(len(drawn))), ("g", "r")).T
    judges = _halo_judges(stars, model)
    real = np.stack(
        [np.log10(stars.period), stars.amplitude[:, _G], stars.mean_mag[:, _G] - stars.mean_mag[:, _R]],
        axis=1,
    )
    ours = np.stack([np.log10(drawn.period), band_amplitudes(drawn, ("g",))[:, 0], g - r], axis=1)
    unit = real[judges].std(axis=0)
    ratios = []
    for n_axes in (2, 3):
        a, b = (real / unit)[:, :n_axes], (ours / unit)[:, :n_axes]
        rng, half = np.random.default_rng(seed), len(judges) // 2
        split, across = 0.0, 0.0
        for _ in range(_REPEATS):
            order = rng.permutation(judges)
            split += _energy(a[order[:half]], a[order[half : 2 * half]])
            across += _energy(a[order[:half]], b[rng.choice(len(b), half, replace=False)])
        ratios.append(across / split)
    return ratios[0], ratios[1]


def _double_mode_table() -> dict[str, float]:
    """Measure the double-mode RR Lyrae stars of the OGLE-III catalogue."""
    table = read_ogle3()
    table = table[table.Type == "RRLyr"]
    table = table[~is_reserved(table["ID"].astype(str))]
    first, second = table.P_1.astype(float), table.P_2.astype(float)
    double = table.Subtype == "RRd"
    ratio, p = (first / second)[double].to_numpy(), first[double].to_numpy()
    good = np.abs(ratio - 0.7445) < 0.01
    slope, zero = np.polyfit(p[good] - 0.36, ratio[good], 1)
    left = ratio[good] - zero - slope * (p[good] - 0.36)
    size = (table.A_2.astype(float) / table.A_1.astype(float))[double].to_numpy()
    low, middle, high = np.percentile(size[size > 0], [16, 50, 84])
    inside = (first > RRD_PERIODS[0]) & (first < RRD_PERIODS[1])
    n_double = int((double & inside).sum())
    n_single = int(((table.Subtype == "RRc") & inside).sum())
    return {
        "n": float(good.sum()),
        "ratio": float(zero),
        "slope": float(slope),
        "scatter": float(left.std()),
        "amplitude": float(middle),
        "amplitude_scatter": float(0.5 * np.log(high / low)),
        "share": n_double / (n_double + n_single),
    }


def _mira_figures(data: Path, seed: int, repeats: int) -> list[Figure]:
    real = read_miras(data / "lightcurves")
    measured = cycle_scatter(real).as_dict()
    runs = [
        cycle_scatter(simulate_miras(real, ModulationOptions(), seed=seed + k)).as_dict()
        for k in range(repeats)
    ]
    labels = {
        "amplitude": "amplitude of a cycle, relative",
        "mean": "mean of a cycle, in amplitudes",
        "phase_1": "phase between neighbouring cycles",
        "phase_4": "phase over four cycles",
        "residual": "rms about the mean curve, in amplitudes",
    }
    figures = []
    for key, label in labels.items():
        ours = float(np.mean([run[key] for run in runs]))
        figures.append(
            Figure.within(
                f"Miras, {label}: simulated over real",
                ours / measured[key],
                low=0.85,
                high=1.15,
                note=f"real {measured[key]:.4f}, simulated {ours:.4f}; {measured['n_stars']:.0f} ASAS "
                f"stars, {measured['n_cycles']:.0f} cycles",
            )
        )
    return figures


def population_report(seed: int = 0, data: Path | None = None, *, quick: bool = False) -> Report:
    """Measure populations and modulated stars against real ones.

    Parameters
    ----------
    seed : int
        Seed of every draw.
    data : Path, optional
        Folder of the real data; by default that of
        `pelsvae_cadence.core.real_data.find_data_folder`.
    quick : bool
        The halo alone.

    Returns
    -------
    Report
        The topic "population".
    """
    data = data_folder(data)
    model = LightCurveModel.load()
    stars = load_stripe82(data)
    plane, space = halo_energy_distance(stars, model, seed)
    note = (
        f"{len(_halo_judges(stars, model))} Stripe 82 stars that are neither reference stars nor "
        "those the halo's weights were learned from"
    )
    figures = [
        Figure.within(
            "halo RRab, (log P, A_g): energy distance over a real split", plane, high=1.5, note=note
        ),
        Figure.within(
            "halo RRab, (log P, A_g, g-r): energy distance over a real split", space, high=1.5, note=note
        ),
    ]
    if not quick:
        figures += _mira_figures(data, seed, 4)
        modes = _double_mode_table()
        note = f"{modes['n']:.0f} RRd of OGLE-III"
        figures += [
            Figure.within("RRd: P1 / P0 at P1 = 0.36 d", modes["ratio"], note=note),
            Figure.within("RRd: slope of P1 / P0 with P1", modes["slope"], unit="1/d"),
            Figure.within("RRd: scatter of P1 / P0", modes["scatter"]),
            Figure.within(
                "RRd: A0 / A1", modes["amplitude"], note=f"log scatter {modes['amplitude_scatter']:.2f}"
            ),
            Figure.within("RRd: share of overtone stars of 0.33 to 0.43 d", modes["share"]),
        ]
        refit = halo_preference(stars, model)
        figures.append(
            Figure.within(
                "halo weights learned anew: largest change of a coefficient",
                float(np.abs(refit - np.array(HALO_RRAB)).max()),
                note=", ".join(f"{c:.2f}" for c in refit),
            )
        )
    about = f"Stripe 82, ASAS, OGLE-III; model {model.name}, {len(GROUPS)} groups"
    return Report(topic="population", data=about, seed=seed, figures=tuple(figures))
