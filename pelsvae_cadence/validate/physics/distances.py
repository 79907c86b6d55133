"""Distances of real RR Lyrae stars against Gaia's parallaxes and those of Stripe 82."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pelsvae_cadence.core.arrays import BoolArray, FloatArray
from pelsvae_cadence.core.extinction import RawSFD
from pelsvae_cadence.core.real_data import read_light_curve_set
from pelsvae_cadence.inference.infer import infer
from pelsvae_cadence.inference.priors import Priors
from pelsvae_cadence.validate.inference.real_sets import REAL_SETS, RealSet, real_set
from pelsvae_cadence.validate.report import Figure

__all__ = ["DISTANCE_SETS", "PARALLAX_ZERO_POINT", "Distances", "distance_figures", "read_distances"]

#: Mean offset of Gaia's parallaxes at the magnitudes of these stars, in mas; added to them.
#: Lindegren et al. (2021, A&A 649, A4): -0.02 to -0.04 mas.
PARALLAX_ZERO_POINT: Final = 0.03
#: Parts by name: set of real stars, points a band (None: all), most scatter and most bias in mag.
DISTANCE_SETS: Final[dict[str, tuple[str, int | None, float, float]]] = {
    "field": ("field", None, 0.15, 0.08),
    "stripe82": ("stripe82", None, 0.15, 0.10),
    "stripe82_8": ("stripe82", 8, 0.20, 0.10),
}
# A_r over the value of the map in the tables of Stripe 82 (Schlegel et al. 1998, table 6).
_SDSS_R: Final = 2.751
_RR_LYRAE: Final = Priors(classes={"RRLYR": 1.0}, unseen=0.0, no_period=0.0)


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Distance moduli of real stars: ours and those of others.

    Parameters
    ----------
    modulus, low, high : ndarray of float64, shape (N,)
        Medians and 68 % intervals, in mag.
    true, true_error : ndarray of float64, shape (N,)
        Those of parallaxes or of a catalogue, and their errors.
    right : ndarray of bool, shape (N,)
        Whether the period is that of the catalogue to a per cent.
    """

    modulus: FloatArray
    low: FloatArray
    high: FloatArray
    true: FloatArray
    true_error: FloatArray
    right: BoolArray


def read_distances(
    name: str, data: Path, n: int, *, seed: int = 0, progress: Callable[[int], None] | None = None
) -> Distances:
    """Read stars whose class is known and whose dust a map tells.

    Parameters
    ----------
    name : str
        Out of `DISTANCE_SETS`.
    data : Path
        Folder of the real data.
    n : int
        Most stars.
    seed : int
        Seed of the choice of stars and points.
    progress : callable, optional
        Called with the number of stars read.

    Returns
    -------
    Distances
        The stars.
    """
    source, few, _, _ = DISTANCE_SETS[name]
    stars = real_set(source, data, part="test", n=n, seed=seed, points_per_band=few)
    ebv, true, error = _truth(source, data, stars)
    found = infer(
        stars.light_curves, priors=_RR_LYRAE, period_range=stars.period_range, physics=True, ebv=ebv
    )
    if progress is not None:
        progress(len(stars))
    assert found.physics is not None
    ends = found.physics.interval()["distance_modulus"]
    return Distances(
        modulus=found.physics.median()["distance_modulus"],
        low=ends[:, 0],
        high=ends[:, 1],
        true=true,
        true_error=error,
        right=np.asarray(np.abs(found.period / stars.period - 1.0) < 0.01),
    )


def _truth(source: str, data: Path, stars: RealSet) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give true E(B-V), distance moduli and their errors."""
    _, table = read_light_curve_set(data / REAL_SETS[source].folder, REAL_SETS[source].file)
    rows = table.set_index("row").loc[stars.light_curves.star_id]
    if source == "field":
        parallax = rows["parallax_mas"].to_numpy(dtype=np.float64) + PARALLAX_ZERO_POINT
        error = 5.0 / np.log(10.0) * rows["parallax_err"].to_numpy(dtype=np.float64) / parallax
        return rows["ebv"].to_numpy(dtype=np.float64), 10.0 - 5.0 * np.log10(parallax), error
    ebv = RawSFD(rows["rExt"].to_numpy(dtype=np.float64) / _SDSS_R).to_true().value
    modulus = 10.0 + 5.0 * np.log10(rows["d"].to_numpy(dtype=np.float64))
    return ebv, modulus, np.zeros(len(rows))


def distance_figures(name: str, found: Distances) -> list[Figure]:
    """Judge bias and scatter.

    Parameters
    ----------
    name : str
        Out of `DISTANCE_SETS`.
    found : Distances
        The stars.

    Returns
    -------
    list of Figure
        Median difference, scatter beyond the errors of the truth, and coverage for information.
    """
    _, _, most_scatter, most_bias = DISTANCE_SETS[name]
    known = np.isfinite(found.modulus) & np.isfinite(found.true)
    rest = (found.modulus - found.true)[known]
    n = rest.size
    if not n:
        return []
    total = 0.5 * float(np.subtract(*np.percentile(rest, [84.13, 15.87])))
    own = float(np.sqrt(np.mean(found.true_error[known] ** 2)))
    scatter = float(np.sqrt(max(total**2 - own**2, 0.0)))
    note = f"n = {n}, periods right {found.right[known].mean():.2f}"
    wide = 0.5 * float(np.median((found.high - found.low)[known]))
    error = np.hypot(0.5 * (found.high - found.low), found.true_error)[known]
    return [
        Figure.within(
            f"{name}: median difference of distance moduli",
            float(np.median(rest)),
            -most_bias,
            most_bias,
            error=1.25 * total / np.sqrt(n),
            unit="mag",
            note=note,
        ),
        Figure.within(
            f"{name}: scatter of distance moduli" + (" beyond parallax errors" if own else ""),
            scatter,
            high=most_scatter,
            error=total / np.sqrt(2.0 * n),
            unit="mag",
            note=f"{note}; {total:.2f} in all" if own else note,
        ),
        Figure(
            name=f"{name}: differences within the stated 68 %",
            value=float(np.mean(np.abs(rest - np.median(rest)) < error)),
            note=f"median bias taken off; stated {wide:.2f} mag",
        ),
    ]
