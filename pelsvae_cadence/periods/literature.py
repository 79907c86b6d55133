"""Our recovery next to what others have published for the same question."""

from __future__ import annotations

from typing import Final

import nifty_ls
import numpy as np
import numpy.typing as npt

from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods.control import ControlSample, control_sample, control_visits
from pelsvae_cadence.periods.grid import FrequencyGrid
from pelsvae_cadence.periods.periodogram import highest_peaks
from pelsvae_cadence.periods.search import search
from pelsvae_cadence.report import Figure

__all__ = [
    "VANDERPLAS_IVEZIC",
    "few_epochs",
    "single_band_sum_figures",
    "vanderplas_ivezic_figures",
]

FloatArray = npt.NDArray[np.float64]

#: Fraction of RR Lyrae stars with the right period in simulated LSST light curves, by years of the
#: survey and g magnitude (VanderPlas & Ivezic 2015, ApJ 812, 18, section 6).
VANDERPLAS_IVEZIC: Final[dict[tuple[float, float], float]] = {
    (1.0, 20.0): 0.89, (1.0, 22.0): 0.76, (1.0, 24.5): 0.24,
    (2.0, 20.0): 0.96, (2.0, 22.0): 0.89, (2.0, 24.5): 0.63,
}  # fmt: skip

# g - r of the control sources' RRab and RRc stars; seven of ten RR Lyrae are RRab (Sesar et al.
# 2010, ApJ 708, 717: 379 of 483 in Stripe 82).
_G_MINUS_R: Final = {"RRab": 0.2, "RRc": 0.1}
_KINDS: Final = ("RRab",) * 8 + ("RRc",) * 2
_RANGE: Final = (0.2, 1.2)
_YEAR: Final = 365.25


def _error(share: float, n: int) -> float:
    return float(np.sqrt(max(share * (1.0 - share), 1.0 / n) / n))


def vanderplas_ivezic_figures(seed: int = 0, n_positions: int = 6) -> tuple[Figure, ...]:
    """Search RR Lyrae control stars at the magnitudes and years of VanderPlas & Ivezic (2015).

    Parameters
    ----------
    seed : int
        Seed of cadences, stars and noise.
    n_positions : int
        Positions with ten stars each, for each of the six cases.

    Returns
    -------
    tuple of Figure
        Fraction of periods right to one per cent, searched over 0.2-1.2 d, with theirs in the
        note. Their cadence is that of an older simulation, with other visits a year and without
        pairs of bands: the numbers stand side by side, they are not a target.
    """
    figures = []
    for (years, g_mag), published in VANDERPLAS_IVEZIC.items():
        hits: list[npt.NDArray[np.bool_]] = []
        n_visits = 0
        for position in range(n_positions):
            visits = control_visits(1000 * seed + 500 + position, years)
            n_visits += len(visits)
            for kind in ("RRab", "RRc"):
                r_mag = g_mag - _G_MINUS_R[kind]
                sample = control_sample(
                    visits, [k for k in _KINDS if k == kind], seed=1000 * seed + position,
                    r_range=(r_mag, r_mag),
                )  # fmt: skip
                found = search(
                    sample.light_curves, baseline=years * _YEAR, period_range=_RANGE
                ).period
                hits.append(np.abs(found / sample.period - 1.0) < 0.01)
        right = np.concatenate(hits)
        share = float(right.mean())
        figures.append(
            Figure(
                name=f"RR Lyrae, {years:g} yr, g = {g_mag:g}: period within 1 %",
                value=share,
                note=f"VanderPlas & Ivezic 2015: {published:g}; n = {right.size}, "
                f"+-{_error(share, right.size):.3f}, {n_visits / n_positions:.0f} visits",
            )
        )
    return tuple(figures)


def few_epochs(light_curves: LightCurves, n_epochs: int, rng: np.random.Generator) -> LightCurves:
    """Keep a few points of each star and band, as a young survey has them.

    Parameters
    ----------
    light_curves : LightCurves
        The stars.
    n_epochs : int
        Points to keep of each star in each band, drawn at random and for each band anew: bands
        that were observed together are torn apart.
    rng : numpy.random.Generator
        Draws the points.

    Returns
    -------
    LightCurves
        The points that were drawn.
    """
    keep = np.zeros(light_curves.n_points, dtype=bool)
    for i in range(len(light_curves)):
        rows = np.arange(light_curves.n_points)[light_curves.rows(i)]
        for name in np.unique(light_curves.band[rows]):
            mine = rows[light_curves.band[rows] == name]
            keep[rng.permutation(mine)[:n_epochs]] = True
    counts = np.add.reduceat(keep.astype(np.int64), light_curves.offsets[:-1])
    return LightCurves(
        star_id=light_curves.star_id,
        offsets=np.concatenate([[0], np.cumsum(counts)]),
        **{
            name: getattr(light_curves, name)[keep]
            for name in (
                "mjd", "band", "visit_id", "mag_true", "mag", "mag_err", "flux", "flux_err",
                "detected", "saturated",
            )
        },
    )  # fmt: skip


def _single_band_sum(light_curves: LightCurves, i: int, grid: FrequencyGrid) -> float:
    """Give the highest peak of the sum of the single-band periodograms, by nifty-ls."""
    one = light_curves.star(i)
    power = np.zeros(grid.n)
    for name in np.unique(one.band):
        rows = np.flatnonzero(one.band == name)
        for first, size in grid.blocks():
            power[first : first + size] += nifty_ls.lombscargle(
                one.mjd[rows] - one.mjd[0], one.flux[rows], one.flux_err[rows],
                fmin=grid.fmin + first * grid.df, fmax=grid.fmin + (first + size - 1) * grid.df,
                Nf=size, normalization="psd", backend="finufft", nthreads=1,
            ).power  # fmt: skip
    return float(highest_peaks(np.nan_to_num(power), grid, 1)[0][0])


def single_band_sum_figures(
    sample: ControlSample, kinds_of_binaries: tuple[str, ...], years: float
) -> tuple[Figure, Figure]:
    """Compare highest peaks with those of nifty-ls in each band.

    Parameters
    ----------
    sample : ControlSample
        Control sources.
    kinds_of_binaries : tuple of str
        Kinds whose half period counts: no periodogram finds orbital periods.
    years : float
        Length of the survey.

    Returns
    -------
    tuple of Figure
        Fraction of highest peaks at the true frequency: the sum of the single-band periodograms
        of nifty-ls (Garrison et al. 2024, RNAAS 8, 250), and the joint periodogram of
        `pelsvae_cadence.periods.search` without refinement.
    """
    baseline = years * _YEAR
    grid = FrequencyGrid.from_baseline(baseline)
    n = sample.period.size
    theirs = np.array([_single_band_sum(sample.light_curves, i, grid) for i in range(n)])
    ours = search(sample.light_curves, baseline=baseline, refine_peaks=False).frequency
    truth = 1.0 / sample.period
    binary = np.isin(sample.kind, kinds_of_binaries)

    def share(found: FloatArray) -> float:
        right = np.abs(found - truth) * baseline < 1.0
        right |= binary & (np.abs(found - 2.0 * truth) * baseline < 1.0)
        return float(right.mean())

    when = f"{years:g} yr, highest peak, half periods of binaries allowed"
    return (
        Figure(name=f"{when}: joint periodogram", value=share(ours), note=f"n = {n}"),
        Figure(
            name=f"{when}: sum of six bands (nifty-ls)", value=share(theirs),
            note=f"n = {n}; 46 times the cost (tests/benchmarks/test_period_search.py)",
        ),
    )  # fmt: skip
