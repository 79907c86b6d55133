"""Picture of a fitted star: folded points under the best curves, candidate periods, classes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import in_order
from pelsvae_cadence.classes import display_name
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.flux import DETECTION_SNR, flux_to_mag
from pelsvae_cadence.plotting.styles import CLASS_STYLES, band_style, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pelsvae_cadence.inference.fitted import FittedStars
    from pelsvae_cadence.inference.posterior import BestCurve
    from pelsvae_cadence.light_curves import LightCurves

__all__ = ["picture_names", "plot_fitted_star"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_INK: Final = "#1f2933"
_PALE: Final = "#9aa5b1"
_BAR: Final = "#3155a6"
_OTHER: Final = "#555555"
_PHASES: Final = 401
# Below this share of detections magnitudes would show the bright points alone.
_MOSTLY: Final = 0.9
# A period below this probability is one of several: its curve is drawn as one.
_LIKELY: Final = 0.5
# Luminance of lines and words, at most: yellow bands are too bright for them.
_DARKEST: Final = 0.5
_GAP: Final = 0.12  # between the bands, of their heights


def picture_names(labels: npt.ArrayLike) -> list[str]:
    """Name the pictures of stars after them, each name once.

    Parameters
    ----------
    labels : array_like, shape (N,)
        Names or numbers of the stars.

    Returns
    -------
    list of str
        File names, of letters, digits and . _ + -; what else a star's name holds becomes "_".
    """
    taken: set[str] = set()
    names = []
    for label in np.asarray(labels).tolist():
        plain = re.sub(r"[^A-Za-z0-9._+-]+", "_", str(label)).lstrip(".")[:100] or "star"
        name, k = plain, 1
        while name.lower() in taken:  # capitals do not tell files apart everywhere
            k += 1
            name = f"{plain}-{k}"
        taken.add(name.lower())
        names.append(f"{name}.png")
    return names


def plot_fitted_star(light_curve: LightCurves, fitted: FittedStars) -> Figure:
    """Draw what `fit` says of one star.

    On the left the points, folded with the period and under the best curve, band by band, one above the
    other; where a tenth of the points or more is not detected, as fluxes. On the right the probabilities
    of periods and classes; after the harmonic search the periodogram. A star without an answer is drawn
    over time, and the picture says why.

    Parameters
    ----------
    light_curve : LightCurves
        One star.
    fitted : FittedStars
        The row of `fit` of the same star.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; save it with ``savefig``.

    Raises
    ------
    InputError
        If there is not one star, the same on both sides.
    """
    if len(light_curve) != 1 or len(fitted) != 1:
        raise InputError(
            f"a picture of {len(light_curve)} light curves and {len(fitted)} fits",
            allowed="one star",
            remedy="Take one with light_curves.star(i) and fitted.take([i]).",
        )
    if light_curve.star_id[0] != fitted.star_id[0]:
        raise InputError(
            f"the light curve of star {light_curve.star_id[0]} with the fit of {fitted.star_id[0]}"
        )
    figure = new_figure(10.0, 5.6)
    figure.suptitle(_title(fitted), fontsize=11, x=0.01, ha="left")
    answered = bool(np.isfinite(fitted.period[0]))
    learned = bool(fitted.classes)
    if not answered:
        _draw_bands(figure.add_subplot(), light_curve, None, None, 1.0)
        return figure
    if learned:
        grid = figure.add_gridspec(2, 2, width_ratios=(2.1, 1.0), height_ratios=(1.0, 1.15))
        _draw_periods(figure.add_subplot(grid[0, 1]), fitted)
        _draw_classes(figure.add_subplot(grid[1, 1]), fitted)
        left = figure.add_subplot(grid[:, 0])
    else:
        grid = figure.add_gridspec(1, 2, width_ratios=(1.6, 1.0))
        _draw_periodogram(figure.add_subplot(grid[0, 1]), light_curve, fitted)
        left = figure.add_subplot(grid[0, 0])
    sure = float(fitted.probability[0]) if learned else 1.0
    _draw_bands(left, light_curve, float(fitted.period[0]), fitted.curve[0], sure)
    return figure


# ---------------------------------------------------------------- words


def _title(fitted: FittedStars) -> str:
    name = f"star {fitted.label[0]}"
    if fitted.status[0] != "ok":
        return f"{name}: no answer, {fitted.status[0]} ({fitted.n_points[0]} points used)"
    if not np.isfinite(fitted.period[0]):
        return f"{name}: no period between the limits"
    period = _with_error(float(fitted.period[0]), float(fitted.period_error[0]))
    alarm = f"false-alarm probability {_small(float(fitted.false_alarm_probability[0]))}"
    if not fitted.classes:
        return f"{name}: P = {period}\n{alarm}; harmonic search"
    none = float(fitted.no_period_probability[0])
    if none > _LIKELY:
        best = f"the best, {period}, has {_share(float(fitted.probability[0]))}"
        return f"{name}: no period, probability {_share(none)}\n{alarm}; {best}"
    kind = str(fitted.star_class[0])
    if kind == "other":
        what = "a shape unlike all classes"
    else:
        what = display_name(kind, str(fitted.subtype[0]))
    probability = f"probability {_share(float(fitted.probability[0]))}"
    return f"{name}: {what}, P = {period}, {probability}\n{alarm}; no period {_share(none)}"


def _with_error(period: float, error: float) -> str:
    """Write a period with the digits that its error leaves."""
    if not (np.isfinite(error) and error > 0.0):
        return f"{period:.6g} d"
    digits = int(np.clip(1 - np.floor(np.log10(error)), 0, 9))
    return f"{period:.{digits}f} ± {error:.{digits}f} d"


def _share(probability: float) -> str:
    if probability > 0.9995:
        return "> 0.999"
    return "< 0.001" if probability < 0.0005 else f"{probability:.3f}"


def _small(probability: float) -> str:
    if probability < 1e-99:
        return "< 1e-99"
    return f"{probability:.2g}"


# ---------------------------------------------------------------- points and curves


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


def _draw_bands(
    ax: Axes, light_curve: LightCurves, period: float | None, curve: BestCurve | None, sure: float
) -> None:
    """Draw points and curves of all bands, shifted so that none covers another."""
    usable = np.isfinite(light_curve.mjd) & np.isfinite(light_curve.flux) & (light_curve.flux_err > 0.0)
    as_flux = _as_flux(light_curve, usable)
    grid = np.linspace(0.0, 2.0, _PHASES)
    if period is None:
        x, shifts, zero = light_curve.mjd, (0.0,), 0.0
    else:
        first = light_curve.mjd[usable]
        zero = curve.epoch if curve is not None else float(first.min()) if first.size else 0.0
        x, shifts = ((light_curve.mjd - zero) / period) % 1.0, (0.0, 1.0)
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
    if band.line.size:
        likely = sure >= _LIKELY
        style: dict[str, Any] = {"color": _readable(colour), "zorder": 3.0}
        ax.plot(grid, band.line + offset, color="white", linewidth=2.6, zorder=2.9)
        ax.plot(grid, band.line + offset, linewidth=1.4, linestyle="-" if likely else (0, (4, 2)), **style)
    for saturated in (False, True):
        rows = np.flatnonzero(band.saturated == saturated)
        if rows.size:
            ax.errorbar(
                np.concatenate([band.x[rows] + shift for shift in shifts]),
                np.tile(band.value[rows] + offset, len(shifts)),
                yerr=np.tile(band.error[rows], len(shifts)),
                fmt=marker,
                color=colour,
                markerfacecolor="none" if saturated else colour,
                markeredgewidth=0.8 if saturated else 0.0,
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
        ax.text(0.5, 0.5, "no usable points", transform=ax.transAxes, ha="center", va="center", color=_PALE)
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
    ax.set_title("; ".join([f"{n} points", *remarks]), fontsize=9, color=_INK, loc="left")


# ---------------------------------------------------------------- probabilities


def _bars(ax: Axes, rows: Iterable[tuple[str, float, str]], title: str, xlabel: str = "probability") -> None:
    """Draw named probabilities as bars, the first on top."""
    listed = list(rows)
    at = np.arange(len(listed))
    values = [value for _, value, _ in listed]
    ax.barh(at, values, color=[colour for *_, colour in listed], height=0.72)
    for y, value in zip(at.tolist(), values, strict=True):
        inside = value > 0.75
        ax.annotate(
            _share(value),
            (value, y),
            xytext=(-4 if inside else 4, 0),
            textcoords="offset points",
            va="center",
            ha="right" if inside else "left",
            fontsize=8,
            color="white" if inside else _INK,
        )
    ax.set_yticks(at, [name for name, *_ in listed], fontsize=8.5)
    ax.set_ylim(len(listed) - 0.4, -0.6)
    ax.set_xlim(0.0, 1.0)
    ax.set_xticks([0.0, 0.5, 1.0])
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(title, fontsize=9.5, loc="left", color=_INK)
    ax.set_xlabel(xlabel, fontsize=9)


def _draw_periods(ax: Axes, fitted: FittedStars) -> None:
    best = float(fitted.period[0])
    rows = [(f"{best:.6g} d", float(fitted.probability[0]), _BAR)]
    others = zip(fitted.other_periods[0].tolist(), fitted.other_probabilities[0].tolist(), strict=True)
    rows += [(f"{period:.6g} d", p, _PALE) for period, p in others if np.isfinite(period)]
    none = float(fitted.no_period_probability[0])
    rest = max(0.0, 1.0 - none - sum(p for _, p, _ in rows))
    rows += [("other periods", rest, _PALE), ("no period", none, _OTHER)]
    _bars(ax, rows, "period", xlabel="")


def _draw_classes(ax: Axes, fitted: FittedStars) -> None:
    rows = [
        (name, float(p), CLASS_STYLES[name].colour if name in CLASS_STYLES else _OTHER)
        for name, p in zip(fitted.classes, fitted.class_probability[0].tolist(), strict=True)
    ]
    _bars(ax, rows, "class, if there is a period")


def _draw_periodogram(ax: Axes, light_curve: LightCurves, fitted: FittedStars) -> None:
    from pelsvae_cadence.plotting.periodogram import plot_periodogram

    limits: Any = fitted.options["period_range"]
    shortest, longest = float(limits[0]), float(limits[1])
    plot_periodogram(
        light_curve,
        found_period=float(fitted.period[0]),
        frequency_range=(1.0 / longest, 1.0 / shortest),
        ax=ax,
    )
    ax.set_title("the search gives no probabilities", fontsize=9, loc="left", color=_INK)
