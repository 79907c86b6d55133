"""The picture of a periodogram, with the true frequency and its aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.styles import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.light_curves import LightCurves

__all__ = ["plot_periodogram"]

_INK = "#1f2933"
_TRUTH = "#0b7a3b"
_ALIAS = "#c2410c"
_HALF = "#3155a6"
# One and two days, sidereal and solar; k sidereal days reach k solar ones k years away.
_DAYS = (1, 2)
# Columns of a picture: more points than this are drawn by their highest in each.
_COLUMNS = 4000


def plot_periodogram(
    light_curve: LightCurves,
    *,
    true_period: float | None = None,
    found_period: float | None = None,
    frequency_range: tuple[float, float] = (0.05, 6.0),
    baseline: float | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the periodogram that the search looks at, and where its aliases lie.

    Parameters
    ----------
    light_curve : LightCurves
        One star.
    true_period : float, optional
        Its true period in days; the frequency, its daily aliases, and twice the frequency are
        marked.
    found_period : float, optional
        The period found, in days, marked by an arrow.
    frequency_range : tuple of float
        Frequencies to draw, in 1/d.
    baseline : float, optional
        Time span in days; that of the light curve by default.
    title : str
        Title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    InputError
        If there is not exactly one star, or nothing to search.
    """
    from pelsvae_cadence.periods.grid import FrequencyGrid
    from pelsvae_cadence.periods.periodogram import periodograms
    from pelsvae_cadence.periods.series import joint_series
    from pelsvae_cadence.periods.verdicts import DAILY_ALIASES

    if len(light_curve) != 1:
        raise InputError(f"a periodogram of {len(light_curve)} stars", allowed="one star")
    series = joint_series(light_curve, 0)
    if series.time.size < series.n_bands + 4:
        raise InputError(f"{series.time.size} points are too few for a periodogram")
    low, high = frequency_range
    span = float(np.ptp(series.time)) if baseline is None else baseline
    grid = FrequencyGrid.from_baseline(span, (1.0 / high, 1.0 / low))
    (power,) = periodograms([series], grid, "double")
    frequency, power = _highest_of_columns(grid.frequencies(), np.asarray(power, np.float64))

    axes = axes_of(ax, 9.0, 3.6, xlabel="frequency [1/d]", ylabel=r"power ($\Delta\chi^2/2$)")
    if title:
        axes.set_title(title)
    top = float(power.max())
    axes.set_ylim(0.0, 1.32 * top)
    if true_period is not None:
        truth = 1.0 / true_period
        margin = 0.035 * (high - low)  # half a label
        offsets = np.array(DAILY_ALIASES)
        aliases = np.concatenate([truth + offsets, np.abs(truth - offsets)])
        for days in _DAYS:
            members = aliases[np.abs(np.tile(offsets, 2) - days) < 0.02]
            for side in (members[: members.size // 2], members[members.size // 2 :]):
                centre = float(side.mean())
                if low < centre < high:
                    axes.axvline(centre, color=_ALIAS, lw=5, alpha=0.16, zorder=0)
                    sign = "+" if centre > truth else "\N{MINUS SIGN}"
                    text = f"{sign}{days} d$^{{-1}}$" if centre != truth else ""
                    inside = np.clip(centre, low + margin, high - margin)
                    axes.annotate(
                        text, (inside, 1.14 * top), ha="center", va="center", color=_ALIAS, fontsize=9
                    )
        for place, colour, text in ((truth, _TRUTH, "$f_0$"), (2.0 * truth, _HALF, "$2f_0$")):
            if low < place < high:
                axes.axvline(place, color=colour, lw=5, alpha=0.22, zorder=0)
                # A row above the aliases: 2 f0 may be one of them.
                axes.annotate(
                    text,
                    (place, 1.25 * top),
                    ha="center",
                    va="center",
                    color=colour,
                    fontsize=10,
                    fontweight="bold",
                )
    axes.plot(frequency, power, color=_INK, lw=0.7)
    if found_period is not None and low < 1.0 / found_period < high:
        place = 1.0 / found_period
        height = float(power[np.argmin(np.abs(frequency - place))])
        axes.annotate(
            "found",
            (place, height),
            (place + 0.12 * (high - low), min(height, top)),
            color=_INK,
            va="center",
            fontsize=9,
            arrowprops={"arrowstyle": "->", "color": _INK},
        )
    axes.set_xlim(low, high)
    return axes


def _highest_of_columns(
    frequency: npt.NDArray[np.float64], power: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Thin a periodogram without losing a peak."""
    size = -(-frequency.size // _COLUMNS)
    if size == 1:
        return frequency, power
    n = frequency.size // size * size
    rows = np.arange(0, n, size) + power[:n].reshape(-1, size).argmax(axis=1)
    return frequency[rows], power[rows]
