"""Pictures of the open training set: shapes, labels, provenance, real against simulated binaries."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence.classes import STAR_CLASSES, SUBTYPES, is_binary
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.styles import CLASS_STYLES
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.binaries.real import EclipseMeasures
from pelsvae_cadence.training.open_set.table import PROVENANCES, OpenSet

__all__ = ["plot_binaries", "plot_examples", "plot_labels", "plot_provenance"]

_PROVENANCE_COLOURS: Final = {
    "observed": "#117733",
    "observed-fourier": "#332288",
    "simulated": "#CC6677",
    "proxy-band": "#DDCC77",
}


def plot_examples(table: OpenSet, star_class: str, n: int = 24) -> Figure:
    """Draw example shapes of a class.

    Parameters
    ----------
    table : OpenSet
        The training set.
    star_class : str
        One of `pelsvae_cadence.classes.STAR_CLASSES`.
    n : int
        Number of stars, spread evenly over the subtypes and over their periods.

    Returns
    -------
    Figure
        One panel per star, brighter up, two cycles; colours tell the provenance. Nothing is shown
        or saved.

    Raises
    ------
    InputError
        If the class has no rows.
    """
    chosen: list[int] = []
    subtypes = [
        s
        for s in SUBTYPES.get(star_class, ())
        if ((table.star_class == star_class) & (table.subtype == s)).any()
    ]
    if not subtypes:
        raise InputError(f"no rows of class {star_class!r}", allowed=", ".join(STAR_CLASSES))
    for i, subtype in enumerate(subtypes):
        rows = np.flatnonzero((table.star_class == star_class) & (table.subtype == subtype))
        share = n // len(subtypes) + (i < n % len(subtypes))
        # A random draw by name, then in order of period.
        rows = rows[np.argsort(star_numbers(table.star[rows]))][:share]
        chosen += rows[np.argsort(table.period[rows])].tolist()
    phase = np.linspace(-0.5, 1.5, 400)
    columns = 6
    lines = -(-len(chosen) // columns)
    figure = Figure(figsize=(2.1 * columns, 1.75 * lines + 0.4), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False, sharex=True)
    for axis in axes.ravel()[len(chosen) :]:
        axis.set_axis_off()
    value = table.curve.take(chosen).evaluate(phase) * table.amplitude_i[chosen, None]
    for axis, row, mag in zip(axes.ravel(), chosen, value, strict=False):
        axis.plot(phase, mag, color=_PROVENANCE_COLOURS[str(table.provenance[row])], lw=1.2)
        axis.invert_yaxis()
        axis.tick_params(labelsize=6)
        axis.set_title(f"{table.star[row]}\n{table.subtype[row]}  P = {table.period[row]:.4g} d", fontsize=6)
    zero = "primary minimum" if is_binary(star_class) else "maximum light"
    figure.supxlabel(f"phase (zero: {zero})", fontsize=8)
    figure.supylabel("I - mean [mag]", fontsize=8)
    return figure


def plot_labels(table: OpenSet) -> Figure:
    """Draw the joint distribution of the labels (Figure 2 of Martinez-Palomera et al. 2020).

    Parameters
    ----------
    table : OpenSet
        The training set.

    Returns
    -------
    Figure
        Teff against period, M_G against period, M_G against Teff, amplitude against period; one
        colour and marker per class.
    """
    figure = Figure(figsize=(11.0, 8.4), layout="constrained")
    axes = figure.subplots(2, 2)
    pairs = (
        ("period", "teff", "period [d]", "Teff [K]"),
        ("period", "abs_mag_g", "period [d]", "M_G [mag]"),
        ("teff", "abs_mag_g", "Teff [K]", "M_G [mag]"),
        ("period", "amplitude_i", "period [d]", "I amplitude [mag]"),
    )
    for axis, (x, y, x_label, y_label) in zip(axes.ravel(), pairs, strict=True):
        for name in STAR_CLASSES:
            mine = table.star_class == name
            style = CLASS_STYLES[name]
            axis.scatter(
                getattr(table, x)[mine],
                getattr(table, y)[mine],
                s=5,
                alpha=0.4,
                linewidths=0,
                color=style.colour,
                marker=style.marker,
                label=f"{name} {int(mine.sum())}",
            )
        axis.set_xscale("log")
        axis.set_xlabel(x_label)
        axis.set_ylabel(y_label)
        if y == "abs_mag_g":
            axis.invert_yaxis()
        else:
            axis.set_yscale("log")
        if x == "teff":
            axis.invert_xaxis()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=8, fontsize=8, markerscale=3)
    return figure


def plot_provenance(table: OpenSet) -> Figure:
    """Draw the number of rows per class and provenance."""
    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    axis = figure.subplots()
    bottom = np.zeros(len(STAR_CLASSES))
    for provenance in PROVENANCES:
        counts = np.array(
            [int(((table.star_class == c) & (table.provenance == provenance)).sum()) for c in STAR_CLASSES]
        )
        axis.bar(
            STAR_CLASSES,
            counts,
            bottom=bottom,
            color=_PROVENANCE_COLOURS[provenance],
            label=f"{provenance} {int(counts.sum())}",
        )
        bottom += counts
    for x, total in enumerate(bottom):
        axis.text(x, total, f"{int(total)}", ha="center", va="bottom", fontsize=8)
    axis.set_ylabel("stars")
    axis.legend(fontsize=8)
    return figure


def plot_binaries(real: EclipseMeasures, simulated: EclipseMeasures) -> Figure:
    """Draw real and simulated eclipsing binaries side by side.

    Parameters
    ----------
    real : EclipseMeasures
        Of the OGLE-II stars.
    simulated : EclipseMeasures
        Of simulated stars observed and fitted in the same way.

    Returns
    -------
    Figure
        Histograms of unit area: amplitude, depth ratio and width of the primary minimum.
    """
    figure = Figure(figsize=(10.5, 3.4), layout="constrained")
    axes = figure.subplots(1, 3)
    ranges = (
        ("amplitude", "I amplitude [mag]", (0.0, 1.4)),
        ("depth_ratio", "secondary / primary depth", (0.0, 1.0)),
        ("width", "width of the primary minimum [cycles]", (0.0, 0.3)),
    )
    for axis, (name, label, limits) in zip(axes, ranges, strict=True):
        bins = np.linspace(*limits, 19).tolist()
        for measures, title, colour in (
            (real, f"OGLE-II ({len(real)})", "#117733"),
            (simulated, f"simulated ({len(simulated)})", "#CC6677"),
        ):
            axis.hist(
                getattr(measures, name),
                bins=bins,
                density=True,
                histtype="step",
                lw=1.8,
                color=colour,
                label=title,
            )
        axis.set_xlabel(label)
    axes[0].set_ylabel("density")
    axes[0].legend(fontsize=8)
    return figure
