"""Stars with full light curves: OGLE Cepheids and Stripe 82 RR Lyrae, and what they teach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.real_data import read_light_curve_set
from pelsvae_cadence.training.archives.splits import is_reserved, star_numbers
from pelsvae_cadence.training.open_set.table import split_of
from pelsvae_cadence.training.shapes.completion import Completion, learn_completion
from pelsvae_cadence.training.shapes.full_curves import FullCurves, LightCurve, fit_full_curves

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Donors", "fit_donors", "held_out_completion", "read_light_curves"]

#: SDSS band -> (code in the file, amplitude over the Cousins I amplitude of RRab stars): Sesar et
#: al. 2010 (ApJ 708, 717) ratios and Kurucz colours.
_SDSS: Final = {"i": (3, 1.05), "r": (2, 1.31), "g": (1, 1.79)}
#: Completions that pool donors of several kinds: kinds and longest period [d].
_POOLS: Final = {
    "ACEP": (("RRab", "CEP F"), 6.0),
    # Three harmonics describe RRc stars to the noise of Stripe 82, which therefore teaches nothing
    # about the others; overtone Cepheids, as sinusoidal, say how small they are.
    "RRc": (("CEP 1O",), 100.0),
    "T2CEP": (("RRab", "CEP F", "CEP 1O"), 100.0),
    "DSCT": (("RRab", "CEP F", "CEP 1O"), 6.0),
}
_POOL_SIZE: Final = 300  # donors of one kind in a pool


@dataclass(frozen=True, kw_only=True)
class Donors:
    """Fitted stars of one kind.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per fitted star with at least ``star`` and ``period``.
    curves : FullCurves
        Their fits, in the same order.
    completion : Completion
        Higher harmonics of this kind of star.
    light : list of (time, mag, err)
        Their light curves.
    """

    table: pd.DataFrame
    curves: FullCurves
    completion: Completion
    light: list[LightCurve]


def read_light_curves(folder: Path, name: str) -> tuple[pd.DataFrame, list[tuple[FloatArray, ...]]]:
    """Read one set of real light curves.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.
    name : str
        Name of the set.

    Returns
    -------
    stars : pandas.DataFrame
        The table of stars.
    curves : list of tuple of ndarray
        (time, mag, err) of each star, with the band code as a fourth array where there is one.
    """
    arrays, stars = read_light_curve_set(folder, name)
    offsets = arrays["offsets"]
    keys = ("t", "mag", "err", "band") if "band" in arrays else ("t", "mag", "err")
    curves = []
    for row in stars["row"].to_numpy():
        points = slice(int(offsets[row]), int(offsets[row + 1]))
        curves.append(tuple(arrays[k][points].astype(np.float64) for k in keys))
    return stars, curves


def _cepheids(folder: Path) -> tuple[pd.DataFrame, list[LightCurve]]:
    """Single-mode LMC Cepheids: OGLE-III light curves, OGLE-IV for the stars found later."""
    import pandas as pd

    tables, curves = [], []
    seen: set[str] = set()
    for name in ("ogle3_lmc_cep_I", "ogle4_lmc_cep_I"):
        stars, light = read_light_curves(folder, name)
        new = (
            ~stars.id.isin(seen)
            & stars["mode"].isin(["F", "1O"])
            & (stars.period > 0)
            & (stars.I_mean > 0)
            & ~is_reserved(stars.id)
        ).to_numpy()
        seen |= set(stars.id)
        tables.append(stars[new])
        curves += [(light[i][0], light[i][1], light[i][2]) for i in np.flatnonzero(new)]
    table = pd.concat(tables, ignore_index=True)
    return table.rename(columns={"id": "star", "mode": "subtype"}), curves


def _stripe82(folder: Path, subtype: str) -> tuple[pd.DataFrame, list[LightCurve], FloatArray]:
    """RR Lyrae of Stripe 82 in i, r and g, band after band, with I over observed amplitude."""
    import pandas as pd

    stars, light = read_light_curves(folder, "sdss_s82_rrlyr_ugriz")
    mine = np.flatnonzero((stars.subtype == subtype).to_numpy())
    table = stars.iloc[mine].copy()
    table["star"] = "S82-" + table.id.astype(str)
    curves: list[LightCurve] = []
    for code, _ in _SDSS.values():
        for i in mine:
            time, mag, err, band = light[i]
            # Magnitudes above 30 and errors above 1 stand for missing values.
            good = (band == code) & (mag < 30.0) & (err < 1.0)
            curves.append((time[good], mag[good], err[good]))
    repeated = pd.concat([table.assign(sdss_band=name) for name in _SDSS], ignore_index=True)
    scale = np.repeat([1.0 / ratio for _, ratio in _SDSS.values()], len(table))
    return repeated, curves, scale


def fit_donors(folder: Path) -> tuple[dict[str, Donors], dict[str, Completion]]:
    """Fit all stars with full light curves and learn completions from those in the train split.

    Parameters
    ----------
    folder : path
        The folder ``lightcurves``.

    Returns
    -------
    donors : dict of Donors
        Per kind: RRab, RRc (Stripe 82; rows of i, r and g), CEP F, CEP 1O (OGLE LMC).
    completions : dict of Completion
        Per kind; ACEP, T2CEP, DSCT and RRc from pools of donors.
    """
    donors: dict[str, Donors] = {}
    for subtype in ("RRab", "RRc"):
        table, curves, scale = _stripe82(folder, subtype)
        donors[subtype] = _fit(table, curves, scale, rounds=25)
    table, curves = _cepheids(folder)
    for subtype in ("F", "1O"):
        mine = np.flatnonzero((table.subtype == subtype).to_numpy())
        part = table.iloc[mine].reset_index(drop=True)
        chosen = [curves[i] for i in mine]
        donors[f"CEP {subtype}"] = _fit(part, chosen, np.ones(mine.size), rounds=5)
    completions = {kind: d.completion for kind, d in donors.items()}
    for star_class, (kinds, longest) in _POOLS.items():
        completions[star_class] = _pool(
            [donors[k] for k in kinds], longest, n_known=2 if star_class == "DSCT" else 3
        )
    return donors, completions


def _fit(table: pd.DataFrame, curves: list[LightCurve], scale: FloatArray, *, rounds: int) -> Donors:
    fitted, completion = fit_full_curves(
        curves,
        table.period.to_numpy(),
        learn_from=split_of(table.star) == "train",
        rounds=rounds,
        amplitude_scale=scale,
    )
    rows = table.iloc[fitted.row].reset_index(drop=True)
    light = [curves[i] for i in fitted.row]
    return Donors(table=rows, curves=fitted, completion=completion, light=light)


def held_out_completion(donor: Donors, completion: Completion, *, seed: int) -> dict[str, float]:
    """Judge a completion on the light curves of stars of the test split.

    Parameters
    ----------
    donor : Donors
        Fitted stars of one kind.
    completion : Completion
        The completion of this kind of star.
    seed : int
        Seed of the drawn scatter.

    Returns
    -------
    dict of float
        ``stars``, and medians over the test stars of the root mean square residual of the light
        curve, in units of the amplitude, about the star's own full fit (``own``), its first three
        harmonics (``three``), these completed by the mean relation (``mean``) and completed with
        drawn scatter (``drawn``).
    """
    test = np.flatnonzero(split_of(donor.table.star) == "test")
    if "sdss_band" in donor.table:
        test = test[(donor.table.sdss_band.iloc[test] == "i").to_numpy()]
    d, period = donor.curves.d[test], donor.table.period.to_numpy()[test]
    amplitude = donor.curves.amplitude[test]
    numbers = star_numbers(donor.table.star.iloc[test])
    mean = np.concatenate([d[:, :3], completion.predict(d, period, amplitude)], axis=1)
    three = d.copy()
    three[:, 3:] = 0.0
    trial = {
        "own": d,
        "three": three,
        "mean": mean,
        "drawn": completion.draw(d, period, amplitude, numbers, seed=seed),
    }
    k = np.arange(1, d.shape[1] + 1)
    residual: dict[str, list[float]] = {name: [] for name in trial}
    for j, i in enumerate(test):
        time, mag, _ = donor.light[i]
        first = donor.curves.c[i, 0]
        angle = 2 * np.pi * np.outer(time / period[j], k)
        wave = np.exp(1j * angle) * abs(first) * np.exp(1j * k * np.angle(first))
        size = float(np.ptp(mag[np.abs(mag - np.median(mag)) < 2.0]))
        for name, shape in trial.items():
            rest = mag - (wave @ shape[j]).real
            # Median absolute deviation: single bad points are not the shape's fault.
            scatter = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
            residual[name].append(scatter / size)
    medians = {name: float(np.median(values)) for name, values in residual.items()}
    return {"stars": float(test.size), **medians}


def _pool(kinds: list[Donors], longest: float, *, n_known: int) -> Completion:
    """Learn from several kinds at once, without period and amplitude."""
    d, variance, period, amplitude = [], [], [], []
    for donor in kinds:
        usable = (split_of(donor.table.star) == "train") & (donor.table.period < longest).to_numpy()
        rows = np.flatnonzero(usable)
        rows = rows[np.argsort(star_numbers(donor.table.star.iloc[rows]))][:_POOL_SIZE]
        d.append(donor.curves.d[rows])
        variance.append(donor.curves.variance[rows])
        period.append(donor.table.period.to_numpy()[rows])
        amplitude.append(donor.curves.amplitude[rows])
    return learn_completion(
        np.concatenate(d),
        np.concatenate(variance),
        np.concatenate(period),
        np.concatenate(amplitude),
        n_known=n_known,
        use_period=False,
    )
