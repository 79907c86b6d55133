"""Points and curves of one star in all bands, shifted so that none covers another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import in_order
from pelsvae_cadence.core.flux import DETECTION_SNR, flux_to_mag
from pelsvae_cadence.plotting.styles import band_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.inference.posterior import BestCurve
    from pelsvae_cadence.light_curves import LightCurves

__all__ = ["INK", "LIKELY", "PALE", "draw_bands"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Colours of words, and of what is less important.
INK: Final = "#1f2933"
PALE: Final = "#9aa5b1"
#: A period below this probability is one of several: its curve is drawn as one.
LIKELY: Final = 0.5

_PHASES: Final = 401
_FEW: Final = 250  # points of a star
# Below this share of detections magnitudes would show the bright points alone.
_MOSTLY: Final = 0.9
# Luminance of lines and words, at most: yellow bands are too bright for them.
_DARKEST: Final = 0.5
_GAP: Final = 0.12  # between the bands, of their heights


@dataclass(frozen=True, kw_only=True)
class _Band:
    """What is drawn of one band, before it is shifted."""

    name: str
    x: FloatArray
    value: FloatArray
    error: FloatArray
    limit: FloatArray  # magnitudes that undetected points do not reach
    limit_x: FloatArray
    saturated: BoolArray
    line: FloatArray


def draw_bands(
    ax: Axes, light_curve: LightCurves, period: float | None, curve: BestCurve | None, sure: float
) -> None:
    """Draw points and curves of a star in all bands, shifted so that none covers another.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    light_curve : LightCurves
        One star.
    period : float or None
        Period in days; None draws the points over time.
    curve : BestCurve or None
        The curve that fits best.
    sure : float
        Probability of the period; the curve of an unlikely one is dashed.
    """
    usable = np.isfinite(light_curve.mjd) & np.isfinite(light_curve.flux) & (light_curve.flux_err > 0.0)
    as_flux = _as_flux(light_curve, usable)
    grid = np.linspace(0.0, 2.0, _PHASES)
    shifts: tuple[float, ...] = (0.0, 1.0)
    if period is None:
        x, shifts, zero = light_curve.mjd, (0.0,), 0.0
    else:
        first = light_curve.mjd[usable]
        zero = curve.epoch if curve is not None else float(first.min()) if first.size else 0.0
        x = ((light_curve.mjd - zero) / period) % 1.0
    bands = []
    for name in in_order(np.unique(light_curve.band[usable]).tolist()):
        mine = usable & (light_curve.band == name)
        line = np.empty(0)
        if curve is not None and period is not None and name in curve.bands:
            line = _in_units(curve.flux(zero + grid * period, name), as_flux)
        bands.append(_points(light_curve, mine, x, name, line, as_flux))
    offsets = _offsets(bands, as_flux)
    n = sum(band.value.size for band in bands)
    for band, offset in zip(bands, offsets, strict=True):
        _draw_band(ax, band, offset, shifts, grid, n, sure)
    _finish_bands(ax, bands, offsets, period, as_flux, light_curve)


def _as_flux(light_curve: LightCurves, usable: BoolArray) -> bool:
    if light_curve.flux_kind == "difference" or not usable.any():
        return light_curve.flux_kind == "difference"
    return float(np.mean(light_curve.detected[usable])) < _MOSTLY


def _in_units(flux: FloatArray, as_flux: bool) -> FloatArray:
    if as_flux:
        return flux / 1000.0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(flux > 0.0, flux_to_mag(flux), np.nan)


def _points(
    light_curve: LightCurves, mine: BoolArray, x: FloatArray, name: str, line: FloatArray, as_flux: bool
) -> _Band:
    if as_flux:
        value, error = light_curve.flux / 1000.0, light_curve.flux_err / 1000.0
        shown, under = mine, np.zeros_like(mine)
    else:
        value, error = light_curve.mag, light_curve.mag_err
        shown = mine & light_curve.detected & np.isfinite(value)
        under = mine & ~shown
    limit = np.maximum(light_curve.flux[under], 0.0) + DETECTION_SNR * light_curve.flux_err[under]
    return _Band(
        name=name,
        x=x[shown],
        value=value[shown],
        error=error[shown],
        limit=_in_units(limit, False),
        limit_x=x[under],
        saturated=light_curve.saturated[shown],
        line=line,
    )


def _extent(band: _Band) -> tuple[float, float]:
    """Give the range of a band's points and curve, all but the wildest outliers."""
    parts = [np.percentile(band.value, [0.3, 99.7])] if band.value.size else []
    if np.isfinite(band.line).any():
        parts.append(np.array([np.nanmin(band.line), np.nanmax(band.line)]))
    if not parts:
        parts = [band.limit[:1]]
    values = np.concatenate(parts)
    return float(values.min()), float(values.max())


def _readable(colour: str) -> str:
    """Darken a colour until lines and words in it can be read on white."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = to_rgb(colour)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    factor = min(1.0, _DARKEST / max(luminance, 1e-9))
    return str(to_hex((red * factor, green * factor, blue * factor)))


def _offsets(bands: list[_Band], as_flux: bool) -> list[float]:
    """Shift bands apart: in the order of their brightness, each by as little as keeps it off the next."""
    if not bands:
        return []
    extents = [_extent(band) for band in bands]
    middle = [0.5 * (low + high) for low, high in extents]
    typical = float(np.median([high - low for low, high in extents]))
    gap = max(_GAP * typical, 0.02 * abs(middle[0]) if as_flux else 0.03)
    step = 10.0 ** np.floor(np.log10(gap)) if as_flux else 0.05
    order = np.argsort(middle, kind="stable").tolist()
    offsets = [0.0] * len(bands)
    reference = len(order) // 2  # the band in the middle keeps its place
    for direction in (1, -1):
        last = order[reference]
        for j in order[reference + 1 :] if direction == 1 else order[:reference][::-1]:
            if direction == 1:
                lack = extents[last][1] + offsets[last] + gap - extents[j][0]
            else:
                lack = extents[j][1] - (extents[last][0] + offsets[last] - gap)
            # Bands that lie far from each other are brought together.
            offsets[j] = float(direction * step * np.ceil(lack / step))
            last = j
    return offsets


def _draw_band(
    ax: Axes, band: _Band, offset: float, shifts: tuple[float, ...], grid: FloatArray, n: int, sure: float
) -> None:
    colour, marker = band_style(band.name)
    crowded = max(1.0, n / 150.0)
    size, alpha = max(2.5, 5.5 / crowded**0.25), max(0.3, 0.95 / crowded**0.25)
    ink = _readable(colour)
    if band.line.size:
        style: Any = "-" if sure >= LIKELY else (0, (4, 2))
        # Few points lie on the curve; many would hide it.
        under = n <= _FEW
        if not under:
            ax.plot(grid, band.line + offset, color="white", linewidth=2.6, zorder=2.9)
        ax.plot(
            grid, band.line + offset, color=ink, linewidth=1.4, linestyle=style, zorder=1.8 if under else 3.0
        )
    for saturated in (False, True):
        rows = np.flatnonzero(band.saturated == saturated)
        if rows.size:
            ax.errorbar(
                np.concatenate([band.x[rows] + shift for shift in shifts]),
                np.tile(band.value[rows] + offset, len(shifts)),
                yerr=np.tile(band.error[rows], len(shifts)),
                fmt=marker,
                color=colour,
                ecolor=ink,
                markeredgecolor=ink,
                markerfacecolor="none" if saturated else colour,
                markeredgewidth=0.8 if saturated else 0.5 * (n <= _FEW),
                markersize=size * (1.5 if marker == "*" else 1.0),
                elinewidth=0.7,
                alpha=alpha,
                zorder=2.0,
            )
    if band.limit.size:
        ax.plot(
            np.concatenate([band.limit_x + shift for shift in shifts]),
            np.tile(band.limit + offset, len(shifts)),
            linestyle="none",
            marker=r"$\downarrow$",
            markersize=7.0,
            color=colour,
            alpha=0.6,
            zorder=1.5,
        )


def _finish_bands(
    ax: Axes,
    bands: list[_Band],
    offsets: list[float],
    period: float | None,
    as_flux: bool,
    stars: LightCurves,
) -> None:
    if period is None:
        ax.set_xlabel("MJD (TAI)")
    else:
        ax.set_xlim(0.0, 2.0)
        ax.set_xlabel("phase")
    quantity = "difference flux (µJy)" if stars.flux_kind == "difference" else "flux (µJy)"
    shifted = any(offsets)
    ax.set_ylabel((quantity if as_flux else "AB magnitude") + (", shifted" if shifted else ""))
    if not bands:
        ax.text(0.5, 0.5, "no usable points", transform=ax.transAxes, ha="center", va="center", color=PALE)
        ax.set_yticks([])
        return
    extents = [_extent(band) for band in bands]
    low = min(e[0] + o for e, o in zip(extents, offsets, strict=True))
    high = max(e[1] + o for e, o in zip(extents, offsets, strict=True))
    bars = [float(np.median(band.error)) for band in bands if band.error.size]
    room = max(0.06 * (high - low), 1.3 * max(bars, default=0.0), 1e-9)
    ax.set_ylim((low - room, high + room) if as_flux else (high + room, low - room))
    for band, offset, extent in zip(bands, offsets, extents, strict=True):
        text = f"{offset:+.2f}".rstrip("0").rstrip(".") if not as_flux else f"{offset:+.3g}"
        label = band.name if offset == 0.0 else f"{band.name} {text}".replace("-", "\N{MINUS SIGN}")
        at = 0.5 * (extent[0] + extent[1]) + offset
        ax.annotate(
            label,
            (1.0, at),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=_readable(band_style(band.name)[0]),
            annotation_clip=False,
        )
    _count(ax, bands, as_flux, stars)


def _count(ax: Axes, bands: list[_Band], as_flux: bool, stars: LightCurves) -> None:
    """Say how many points are not detected, saturated, or off the picture."""
    n = sum(band.value.size + band.limit.size for band in bands)
    remarks = []
    under = sum(band.limit.size for band in bands)
    if under:
        remarks.append(f"{under} not detected (arrows: upper limits)")
    if as_flux and stars.flux_kind == "total":
        usable = np.isfinite(stars.mjd) & np.isfinite(stars.flux) & (stars.flux_err > 0.0)
        remarks.append(f"{int(np.count_nonzero(usable & ~stars.detected))} not detected")
    saturated = sum(int(band.saturated.sum()) for band in bands)
    if saturated:
        remarks.append(f"{saturated} saturated (open, not used)")
    ax.set_title("; ".join([f"{n} points", *remarks]), fontsize=9, color=INK, loc="left")
