"""Figures of merit of the photometry: bands, colours, period-luminosity relations, refusals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import RawSFD, TrueEBV, extinction
from pelsvae_cadence.core.real_data import find_data_folder
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.photometry.amplitudes import amplitude_ratio
from pelsvae_cadence.photometry.binaries import eclipse_contrast
from pelsvae_cadence.photometry.colours import colour_minus_i
from pelsvae_cadence.photometry.magnitudes import at_magnitude, mean_magnitudes
from pelsvae_cadence.photometry.noise import flux_error, saturation_magnitude
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.training.archives.stripe82 import SDSS_BANDS, Stripe82, load_stripe82
from pelsvae_cadence.training.binaries.spheres import sphere_orbit
from pelsvae_cadence.training.binaries.stellar_models import combined_light
from pelsvae_cadence.training.binaries.systems import sample_systems
from pelsvae_cadence.training.labels.physical import A_I, DISTANCE_MODULUS, E_VI, wesenheit
from pelsvae_cadence.training.validate.bands import stripe82_figures
from pelsvae_cadence.training.validate.population import halo_energy_distance
from pelsvae_cadence.validate.report import Figure, Report

__all__ = ["photometry_report"]

_DRAWN: Final = 3000
# Slope and zero point at log P = x0 of M = zero + slope (log P - x0), and their scatter: fits to the
# LMC rows of the OGLE-III and Gaia cross-match (DM 18.477, A_I 0.17, W_I = I - 1.55 (V - I)).
_RELATIONS: Final = {
    ("F", "I"): (0.5, -3.00, -3.256, 0.11),
    ("F", "W_I"): (0.5, -3.34, -4.240, 0.067),
    ("1O", "I"): (0.3, -3.32, -3.239, 0.14),
    ("1O", "W_I"): (0.3, -3.46, -4.121, 0.059),
}
# The lines are compared over this range of log P around x0.
_HALF_RANGE: Final = 0.4
_LARGEST_COLOUR: Final = 0.05
_LARGEST_V_I: Final = 0.03
_LARGEST_DISTANCE: Final = 1.5
_SYSTEMS: Final = 600


def _line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    used = np.ones(x.size, dtype=bool)
    slope = zero = 0.0
    for _ in range(5):
        slope, zero = (float(v) for v in np.polyfit(x[used], y[used], 1))
        rest = y - zero - slope * x
        used = np.abs(rest) < 3.0 * rest[used].std()
    return slope, zero


def _cepheids(model: LightCurveModel, seed: int, data: Path | None) -> list[Figure]:
    figures = []
    for mode in ("F", "1O"):
        stars = model.sample("CEP", subtype=mode, n=_DRAWN, seed=seed)
        v, i = mean_magnitudes(stars, ("V", "I")).T
        for name, value in (("I", i), ("W_I", wesenheit(i, v - i))):
            x0, slope, zero, scatter = _RELATIONS[mode, name]
            found = _line(np.log10(stars.period) - x0, value)
            worst = abs(found[1] - zero) + _HALF_RANGE * abs(found[0] - slope)
            figures.append(
                Figure.within(
                    f"CEP {mode}: largest difference from the LMC relation in {name}",
                    worst,
                    high=scatter,
                    unit="mag",
                    note=f"{found[1]:.3f} {found[0]:+.3f} (log P - {x0}), LMC {zero:.3f} "
                    f"{slope:+.3f}; over {2 * _HALF_RANGE:g} dex; target: scatter of the LMC",
                )
            )
        if data is not None:
            figures.append(_cepheid_colour(model, mode, seed, data))
    return figures


def _cepheid_colour(model: LightCurveModel, mode: str, seed: int, data: Path) -> Figure:
    import pandas as pd

    table = pd.read_parquet(data / "lightcurves" / "ogle3_lmc_cep_I_stars.parquet")
    table = table[(table["mode"] == mode) & table["V_mean"].notna() & table["period"].notna()]
    limits = model.ranges("CEP", mode)["period"]
    table = table[table["period"].between(*limits)]
    period = table["period"].to_numpy(dtype=np.float64)
    stars = model.sample("CEP", subtype=mode, period=np.repeat(period, 3), seed=seed)
    v, i = mean_magnitudes(stars, ("V", "I")).T
    real = (table["V_mean"] - table["I_mean"]).to_numpy(dtype=np.float64) - E_VI["LMC"]
    return Figure.within(
        f"CEP {mode}: median V - I of drawn minus real LMC stars",
        float(np.median(v - i) - np.median(real)),
        low=-_LARGEST_V_I,
        high=_LARGEST_V_I,
        unit="mag",
        note=f"at the periods of {real.size} OGLE-III stars; E(V-I) = {E_VI['LMC']:.3f} for "
        f"A_I = {A_I['LMC']:g}, DM = {DISTANCE_MODULUS['LMC']:g}",
    )


def _colours(model: LightCurveModel, stars: Stripe82, seed: int) -> list[Figure]:
    figures = []
    for subtype in ("RRab", "RRc"):
        low, high = model.ranges("RRLYR", subtype)["period"]
        rows = stars.rows(subtype)
        rows = rows[(stars.period[rows] > low) & (stars.period[rows] < high)]
        drawn = model.sample(subtype, period=np.repeat(stars.period[rows], 10), seed=seed)
        ours = mean_magnitudes(drawn, ("g", "r", "i", "z")).mean(axis=0)
        real = stars.mean_mag[rows, 1:].mean(axis=0)
        for j, name in enumerate(("g - r", "r - i", "i - z")):
            figures.append(
                Figure.within(
                    f"{subtype}: mean {name} of drawn minus Stripe 82 stars",
                    float((ours[j] - ours[j + 1]) - (real[j] - real[j + 1])),
                    low=-_LARGEST_COLOUR,
                    high=_LARGEST_COLOUR,
                    unit="mag",
                    note=f"at the periods of {rows.size} stars; Stripe 82 has "
                    f"{real[j] - real[j + 1]:.3f}; the shift of the atmospheres comes from the same "
                    "stars, the temperatures do not",
                )
            )
    return figures


def _bailey_diagram(model: LightCurveModel, stars: Stripe82, seed: int) -> Figure:
    plane, _ = halo_energy_distance(stars, model, seed)
    return Figure.within(
        "halo RRab in (log P, A_g): energy distance to Stripe 82 over real-vs-real",
        plane,
        high=_LARGEST_DISTANCE,
        note=f"drawn stars against {stars.rows('RRab', judged=True).size} stars not learned from",
    )


def _two_temperatures(seed: int) -> list[Figure]:
    """Find the temperatures of simulated eclipsing spheres from their I curves."""
    systems = sample_systems("ECL", _SYSTEMS, seed=seed)
    chosen = np.flatnonzero(systems.spherical)
    phase = np.arange(512) / 512.0
    mag = -2.5 * np.log10([sphere_orbit(systems, row, phase) for row in chosen.tolist()])
    size = np.ptp(mag, axis=1)
    mag, size, chosen = mag[size > 0.05], size[size > 0.05], chosen[size > 0.05]
    first, second = systems.teff_1[chosen], systems.teff_2[chosen]
    teff = combined_light(systems.radius_1[chosen], first, systems.radius_2[chosen], second)["teff"]
    # Phase zero is the deeper eclipse, whichever star is hidden in it.
    later = (phase > 0.25) & (phase < 0.75)
    turned = mag[:, later].max(axis=1) > mag[:, ~later].max(axis=1)
    mag[turned] = np.roll(mag[turned], 256, axis=1)
    true = np.log10(np.where(turned, first / second, second / first))
    shape = (mag - mag.mean(axis=1)[:, None]) / size[:, None]
    contrast = eclipse_contrast(shape, size, teff, ("g",))
    error = np.abs(np.log10(contrast.teff_2 / contrast.teff_1) - true)
    circular = systems.eccentricity[chosen] == 0.0
    return [
        Figure.within(
            f"{name} eclipsing spheres: median error of log T2 / T1 from the I depths",
            float(np.median(error[mine])),
            unit="dex",
            note=f"n = {int(mine.sum())} simulated pairs; 84 % within {np.percentile(error[mine], 84):.3f}",
        )
        for name, mine in (("circular", circular), ("eccentric", ~circular))
    ]


def _refusals(model: LightCurveModel) -> Figure:
    """Count unphysical inputs that are refused with the range that would be accepted."""
    star = model.sample("RRab", n=1, seed=0)

    def number(value: float) -> FloatArray:
        return np.array([value])

    def mixed(value: Any) -> Stars:
        return replace(star, ebv=value)

    cases: tuple[Callable[[], Any], ...] = (
        lambda: replace(star, period=number(-0.5)),
        lambda: model.sample("RRab", period=5.0),
        lambda: model.sample("RRab", teff=20000.0),
        lambda: model.sample("CEP", abs_mag_g=10.0),
        lambda: model.sample("RRab", amplitude_i=float("nan")),
        lambda: replace(star, teff=number(-1.0)),
        lambda: replace(star, ebv=number(-0.1)),
        lambda: mixed(RawSFD(number(0.1))),
        lambda: replace(star, dec=number(100.0)),
        lambda: mean_magnitudes(replace(star, teff=number(2000.0)), ("r",)),
        lambda: mean_magnitudes(star, ("B",)),
        lambda: colour_minus_i("r", 50000.0, "ECL"),
        lambda: amplitude_ratio("B", "CEP", "F", 5.0),
        lambda: at_magnitude(star, "r", 99.0),
        lambda: extinction("r", cast("TrueEBV", RawSFD(number(0.1)))),
        lambda: TrueEBV(number(-1.0)),
        lambda: flux_error(1.0, 24.0, "B"),
        lambda: saturation_magnitude("r", 30.0, 0.0),
        lambda: saturation_magnitude("r", -30.0),
    )
    refused = 0
    accepted = []
    for k, case in enumerate(cases):
        try:
            case()
            accepted.append(str(k))
        except InputError as error:
            refused += bool(error.allowed or error.remedy)
            if not (error.allowed or error.remedy):
                accepted.append(str(error))
    return Figure.within(
        "unphysical inputs refused with the range that is accepted",
        refused / len(cases),
        low=1.0,
        note=f"{refused} of {len(cases)}" + "".join(f"; {a}" for a in accepted),
    )


def photometry_report(seed: int = 0, data: Path | None = None) -> Report:
    """Measure the photometry against real stars.

    Parameters
    ----------
    seed : int
        Seed of the drawn stars.
    data : Path, optional
        Folder of the real data; by default that of
        `pelsvae_cadence.core.real_data.find_data_folder`. Without one the figures that need real stars are left out.

    Returns
    -------
    Report
        Stripe 82 RR Lyrae predicted from i, their colours and Bailey diagram, Cepheid relations,
        and refusals.
    """
    data = data or find_data_folder()
    model = LightCurveModel.load()
    figures: list[Figure] = []
    about = "drawn Cepheids; no folder of real stars (PELSVAE_DATA)"
    if data is not None:
        stars = load_stripe82(data)
        figures += stripe82_figures(stars)
        figures += _colours(model, stars, seed)
        figures.append(_bailey_diagram(model, stars, seed))
        judged = sum(stars.rows(kind, judged=True).size for kind in ("RRab", "RRc"))
        about = f"{judged} Stripe 82 RR Lyrae ({', '.join(SDSS_BANDS)}), OGLE-III LMC Cepheids"
    figures += _cepheids(model, seed, data)
    figures += _two_temperatures(seed)
    figures.append(_refusals(model))
    return Report(topic="photometry", data=about, seed=seed, figures=tuple(figures))
