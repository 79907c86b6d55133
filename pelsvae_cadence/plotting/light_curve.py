"""Pictures of light curves: folded with a period, and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS, in_order
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import MJD_ZERO
from pelsvae_cadence.plotting.styles import axes_of, band_style, legend_outside

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.light_curves import LightCurves
    from pelsvae_cadence.stars import Stars

__all__ = ["plot_folded", "plot_light_curve"]

FloatArray = npt.NDArray[np.float64]


def plot_folded(
    light_curve: LightCurves,
    *,
    star: Stars | None = None,
    curve: PhaseCurve | None = None,
    period: float | None = None,
    epoch: float | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the light curve of one star over two cycles.

    Points that are not detected are left out, and counted beside the picture. Fluxes of difference
    images are drawn as they are, all of them.

    Parameters
    ----------
    light_curve : LightCurves
        The light curve of one star.
    star : Stars, optional
        The star. Its period and epoch fold the light curve, with times taken to the barycentre.
    curve : PhaseCurve, optional
        The star's shape, for noise-free lines in every band; needs `star`.
    period : float, optional
        Period in days, instead of the star's; then no lines are drawn, as they would not fit.
    epoch : float, optional
        Time of phase zero in JD (TAI); by default the time of the first point. Only with `period`.
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
        If there is more than one star, neither `star` nor `period`, or a period is not positive.
    """
    _one_star(light_curve)
    lines: dict[str, FloatArray] = {}
    grid = np.linspace(0.0, 2.0, 401)
    if period is not None:
        if not (np.isfinite(period) and period > 0.0):
            raise InputError(f"period = {period:g} d", allowed="more than 0 d")
        times = light_curve.mjd
        start = epoch - MJD_ZERO if epoch is not None else float(times.min(initial=np.inf))
        phase = (times - start) / period if times.size else times
    elif star is not None:
        from pelsvae_cadence.simulation.simulate import orbital_phase

        period = float(star.period[0])
        phase = orbital_phase(star, light_curve.mjd)[0]
        if curve is not None:
            lines = _noise_free_lines(light_curve, star, curve, grid)
    else:
        raise InputError("a folded light curve needs a period", remedy="Give star or period.")

    ax = axes_of(ax, 8.0, 4.8, title=title, xlabel=f"phase (P = {period:.6g} d)")
    for name, line in lines.items():
        ax.plot(grid, line, color=BANDS[name].colour, linewidth=1.2, zorder=1.5)
    _draw_points(ax, np.asarray(phase % 1.0), light_curve, shifts=(0.0, 1.0))
    _finish(ax, light_curve, list(lines.values()))
    ax.set_xlim(0.0, 2.0)
    return ax


def plot_light_curve(light_curve: LightCurves, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw the light curve of one star over time.

    Points that are not detected are left out, and counted beside the picture. Fluxes of difference
    images are drawn as they are, all of them.

    Parameters
    ----------
    light_curve : LightCurves
        The light curve of one star.
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
        If there is more than one star.
    """
    _one_star(light_curve)
    ax = axes_of(ax, 9.0, 4.5, title=title, xlabel="MJD (TAI)")
    _draw_points(ax, light_curve.mjd, light_curve)
    _finish(ax, light_curve, [])
    return ax


def _one_star(light_curve: LightCurves) -> None:
    if len(light_curve) != 1:
        raise InputError(
            f"a picture of {len(light_curve)} light curves",
            allowed="one star",
            remedy="Take one with light_curves.star(i).",
        )


def _drawn(light_curve: LightCurves) -> tuple[npt.NDArray[np.bool_], FloatArray, FloatArray]:
    """Choose the points to draw, and what: magnitudes, or fluxes of difference images."""
    if light_curve.flux_kind == "difference":
        value, error = light_curve.flux, light_curve.flux_err
        return np.isfinite(value) & np.isfinite(error), value, error
    return light_curve.detected & np.isfinite(light_curve.mag), light_curve.mag, light_curve.mag_err


def _draw_points(
    ax: Axes, x: FloatArray, light_curve: LightCurves, shifts: tuple[float, ...] = (0.0,)
) -> None:
    """Draw points of one star, band by band, filled unless saturated."""
    drawn, value, error = _drawn(light_curve)
    crowded = max(1.0, np.count_nonzero(drawn) / 150.0)
    size, alpha = max(3.0, 5.5 / crowded**0.2), max(0.35, 0.9 / crowded**0.25)
    for name in in_order(np.unique(light_curve.band).tolist()):
        colour, marker = band_style(name)
        mine = drawn & (light_curve.band == name)
        for saturated in (False, True):
            rows = np.flatnonzero(mine & (light_curve.saturated == saturated))
            if rows.size == 0:
                continue
            ax.errorbar(
                np.concatenate([x[rows] + shift for shift in shifts]),
                np.tile(value[rows], len(shifts)),
                yerr=np.tile(error[rows], len(shifts)),
                fmt=marker,
                color=colour,
                markerfacecolor="none" if saturated else colour,
                markeredgewidth=0.8 if saturated else 0.0,
                markersize=size * (1.5 if marker == "*" else 1.0),
                elinewidth=0.8,
                alpha=alpha,
                label=f"{name} (saturated)" if saturated else name,
            )


def _finish(ax: Axes, light_curve: LightCurves, lines: list[FloatArray]) -> None:
    difference = light_curve.flux_kind == "difference"
    if not difference:
        _limit_magnitudes(ax, light_curve, lines)
    ax.set_ylabel("difference flux (nJy)" if difference else "AB magnitude")
    if ax.get_legend_handles_labels()[1]:
        n = int(np.count_nonzero(light_curve.detected))
        legend_outside(ax, f"{n} of {light_curve.n_points}\npoints detected", marker_scale=1.4)


def _limit_magnitudes(ax: Axes, light_curve: LightCurves, lines: list[FloatArray]) -> None:
    """Show bright magnitudes above faint ones, with room for all but the wildest outliers."""
    shown = light_curve.mag[light_curve.detected & np.isfinite(light_curve.mag)]
    values = [*lines]
    if shown.size:
        values.append(np.asarray(np.percentile(shown, [0.3, 99.7])))
    if not values:
        ax.set_ylim(25.0, 15.0)
        ax.text(0.5, 0.5, "no detected points", transform=ax.transAxes, ha="center", va="center", color="0.4")
        return
    low = min(float(v.min()) for v in values)
    high = max(float(v.max()) for v in values)
    room = max(0.08 * (high - low), 0.02)
    ax.set_ylim(high + room, low - room)


def _noise_free_lines(
    light_curve: LightCurves, star: Stars, curve: PhaseCurve, grid: FloatArray
) -> dict[str, FloatArray]:
    """Magnitudes of one star over the cycle in every band in which it has detected points."""
    from pelsvae_cadence.cadence.visits import Visits
    from pelsvae_cadence.simulation.simulate import noise_free_magnitudes

    seen = set(light_curve.band[light_curve.detected].tolist())
    lines = {}
    for name in (name for name in BANDS if name in seen):
        # Visits only name the band here: the phases are given.
        visits = Visits(
            mjd=np.full(grid.size, 60000.0),
            band=np.full(grid.size, name),
            m5=np.full(grid.size, 25.0),
            night=np.zeros(grid.size, dtype=np.int64),
            visit_id=np.arange(grid.size),
            exptime=np.full(grid.size, 30.0),
        )
        lines[name] = noise_free_magnitudes(star, visits, curve, phase=grid[None, :])[0]
    return lines
