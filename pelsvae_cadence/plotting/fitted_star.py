"""Picture of a fitted star: folded points under the best curves, candidate periods, classes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import display_name
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.shifted_bands import INK, LIKELY, PALE, draw_bands
from pelsvae_cadence.plotting.styles import CLASS_STYLES, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pelsvae_cadence.inference.fitted import FittedStars
    from pelsvae_cadence.light_curves import LightCurves

__all__ = ["picture_names", "plot_fitted_star"]

_BAR: Final = "#3155a6"
_OTHER: Final = "#555555"
_LEAST_ROWS: Final = 5  # that bars make room for: few bars are not thick


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
        draw_bands(figure.add_subplot(), light_curve, None, None, 1.0)
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
    draw_bands(left, light_curve, float(fitted.period[0]), fitted.curve[0], sure)
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
    if none > LIKELY:
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
            color="white" if inside else INK,
        )
    ax.set_yticks(at, [name for name, *_ in listed], fontsize=8.5)
    ax.set_ylim(max(len(listed), _LEAST_ROWS) - 0.4, -0.6)
    ax.set_xlim(0.0, 1.0)
    ax.set_xticks([0.0, 0.5, 1.0])
    ax.tick_params(axis="y", length=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(title, fontsize=9.5, loc="left", color=INK)
    ax.set_xlabel(xlabel, fontsize=9)


def _draw_periods(ax: Axes, fitted: FittedStars) -> None:
    best = float(fitted.period[0])
    rows = [(f"{best:.6g} d", float(fitted.probability[0]), _BAR)]
    others = zip(fitted.other_periods[0].tolist(), fitted.other_probabilities[0].tolist(), strict=True)
    rows += [(f"{period:.6g} d", p, PALE) for period, p in others if np.isfinite(period)]
    none = float(fitted.no_period_probability[0])
    rest = max(0.0, 1.0 - none - sum(p for _, p, _ in rows))
    rows += [("other periods", rest, PALE), ("no period", none, _OTHER)]
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
    ax.set_title("the search gives no probabilities", fontsize=9, loc="left", color=INK)
