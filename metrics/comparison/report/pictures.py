"""Pictures of a comparison: recovery against year, magnitude, period and sky; cadences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from astropy.stats import binom_conf_interval

from pelsvae_cadence.metrics.comparison.quantities import CADENCE_QUANTITIES, HEADLINE
from pelsvae_cadence.metrics.comparison.report.answers import number
from pelsvae_cadence.metrics.comparison.report.classes import classification_picture
from pelsvae_cadence.metrics.comparison.report.drawing import (
    Picture,
    draw_runs,
    legend_below,
    plain_period_ticks,
    telling_year,
    wrapped,
    years_in_words,
)
from pelsvae_cadence.metrics.comparison.report.headline import headline_pictures
from pelsvae_cadence.metrics.comparison.statistics.summary import select
from pelsvae_cadence.plotting.sky_map import plot_sky_map
from pelsvae_cadence.plotting.styles import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pelsvae_cadence.metrics.comparison.evaluate import RunOutcome
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["Picture", "pictures"]

FloatArray = npt.NDArray[np.float64]

_PERIOD_BINS: Final = 5
# More classes than this are left to the tables.
_MOST_PANELS: Final = 6


def pictures(result: Comparison) -> Iterator[Picture]:
    """Draw what a comparison has found; `example_pictures` shows single stars.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Yields
    ------
    Picture
        In reading order, each with the words for those who cannot see it.
    """
    several = len(result.outcomes) > 1
    if several:
        yield from headline_pictures(result)
    if len(result.plan.years) > 1:
        yield _recovery_by_year(result)
    if len(result.plan.magnitudes) > 1:
        yield _recovery_by_magnitude(result)
    yield _recovery_by_period(result)
    if several:
        yield from _sky_maps(result)
    if any(run.classified is not None for run in result.outcomes):
        yield classification_picture(result)
    yield _cadence_picture(result)
    for name in result.further:
        if name not in result.judges:
            yield _further_picture(result, name)


def _panels_of(n: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of n panels with one vertical scale."""
    columns = 2 if n == 4 else min(n, 3)
    rows = -(-n // columns)
    figure = new_figure(max(3.4 * columns, 6.0), 2.7 * rows + 0.5)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel().tolist()
    for empty in axes[n:]:
        empty.set_visible(False)
    return figure, axes[:n]


def _common_values(result: Comparison, **where: Any) -> pd.DataFrame:
    return select(result.summary.values, footprint="common", **where)


def _list_ends(ends: Mapping[str, Mapping[str, float]], digits: str = ".2f") -> str:
    """Put the last values of the runs in each panel into words."""
    return "; ".join(
        f"{panel}, {run}: {value:{digits}}" for panel, runs in ends.items() for run, value in runs.items()
    )


def _recovery_by_year(result: Comparison) -> Picture:
    """Draw how early stars have their period, one panel a class and magnitude."""
    groups = result.plan.groups[:_MOST_PANELS]
    figure, panels = _panels_of(len(groups))
    ends = {}
    for axes, group in zip(panels, groups, strict=True):
        where = {"star_class": group.star_class, "magnitude": group.magnitude}
        rows = _common_values(result, metric=HEADLINE, **where)
        ends[group.label] = draw_runs(axes, result, rows, "year", title=group.label, percent=True)
    panels[0].set_ylabel("stars with their period [%]")
    legend_below(figure, panels[0], len(result.runs))
    left_out = len(result.plan.groups) - len(groups)
    return Picture(
        name="recovery_by_year",
        short="Years",
        heading="How early?",
        caption=(
            "Stars with their period after each survey year, over the common footprint; bands are "
            "95 % intervals." + (f" {left_out} further groups are in the table." if left_out else "")
        ),
        text=f"Recovered fraction against survey year. At the end: {_list_ends(ends)}.",
        figure=figure,
    )


def _recovery_by_magnitude(result: Comparison) -> Picture:
    """Draw for how faint stars periods are found, one panel a class."""
    classes = result.plan.star_classes[:_MOST_PANELS]
    year = result.plan.years[telling_year(result)]
    figure, panels = _panels_of(len(classes))
    ends = {}
    for axes, name in zip(panels, classes, strict=True):
        rows = _common_values(result, metric=HEADLINE, star_class=name, year=year).sort_values("magnitude")
        ends[name] = draw_runs(axes, result, rows, "magnitude", title=name, percent=True)
        axes.set_xticks(result.plan.magnitudes)
    panels[0].set_ylabel("stars with their period [%]")
    legend_below(figure, panels[0], len(result.runs))
    return Picture(
        name="recovery_by_magnitude",
        short="Magnitudes",
        heading="For how faint stars?",
        caption=f"Stars with their period after {years_in_words(year)} (where the runs differ most) "
        "against mean magnitude, common footprint; bands are 95 % intervals.",
        text=f"Recovered fraction against magnitude. For the faintest stars: {_list_ends(ends)}.",
        figure=figure,
    )


def _recovery_by_period(result: Comparison) -> Picture:
    """Draw for which periods stars are recovered, one panel a class."""
    plan, y = result.plan, telling_year(result)
    year = years_in_words(plan.years[y])
    classes = plan.star_classes[:_MOST_PANELS]
    figure, panels = _panels_of(len(classes))
    for axes, star_class in zip(panels, classes, strict=True):
        groups = [g for g, group in enumerate(plan.groups) if group.star_class == star_class]
        rows = pd.concat([_period_bins(run, result.summary.common, groups, y) for run in result.outcomes])
        draw_runs(axes, result, rows, "period", title=star_class, percent=True)
        axes.set_xscale("log")
        plain_period_ticks(axes)
    panels[0].set_ylabel("stars with their period [%]")
    legend_below(figure, panels[0], len(result.outcomes))
    return Picture(
        name="recovery_by_period",
        short="Periods",
        heading="For which periods?",
        caption=(
            f"Stars with their period after {year} (where the runs differ most) in "
            "bins of equally many stars; bands are 68 % intervals of Wilson (1927)."
        ),
        text=f"Recovered fraction against true period after {year}, one panel per class, one line per run.",
        figure=figure,
    )


def _period_bins(
    run: RunOutcome, common: npt.NDArray[np.bool_], groups: Sequence[int], year: int
) -> pd.DataFrame:
    """Count the recovered stars of some groups in bins of equally many."""
    period = run.true_period[common][:, groups].ravel()
    found = run.outcome[common][:, groups, year, :, 0].ravel()
    bins = np.array_split(np.argsort(period), min(_PERIOD_BINS, period.size))
    hits = np.array([int(found[rows].sum()) for rows in bins])
    n = np.array([rows.size for rows in bins])
    low, high = binom_conf_interval(hits, n, interval="wilson")
    centre = [np.exp(np.mean(np.log(period[rows]))) for rows in bins]
    return pd.DataFrame({"run": run.name, "period": centre, "value": hits / n, "low": low, "high": high})


def _sky_maps(result: Comparison) -> Iterator[Picture]:
    """Draw sky maps of the reference, of each other run, and of the difference, side by side."""
    y = telling_year(result)
    year = result.plan.years[y]

    def share(run: RunOutcome) -> FloatArray:
        values = 100.0 * run.outcome[:, :, y, :, 0].mean(axis=(1, 2))
        return np.where(run.in_footprint, values, np.nan)

    place: dict[str, Any] = {}
    if result.plan.nside is None:
        place = {"ra": result.plan.sky[:, 0], "dec": result.plan.sky[:, 1]}
    reference = result.outcomes[0]
    before = share(reference)
    for k, run in enumerate(result.outcomes[1:], start=1):
        after = share(run)
        difference = after - before
        both = difference[np.isfinite(difference)]
        limit = max(10.0, float(np.abs(both).max(initial=0.0)))
        figure = new_figure(11.0, 2.75)
        panels = [figure.add_subplot(1, 3, n + 1, projection="mollweide") for n in range(3)]
        common: dict[str, Any] = {"vmin": 0.0, "vmax": 100.0, "label": "stars with their period [%]", **place}
        plot_sky_map(before, title=wrapped(reference.name), ax=panels[0], **common)
        plot_sky_map(after, title=wrapped(run.name), ax=panels[1], **common)
        plot_sky_map(
            difference,
            title="difference",
            label="[% of stars]   red: worse, blue: better",
            cmap="RdBu",
            vmin=-limit,
            vmax=limit,
            ax=panels[2],
            **place,
        )
        yield Picture(
            name=f"sky_maps_{k}",
            short=f"Sky: {run.name}",
            heading=f"Where? {run.name} and {reference.name}",
            caption=(
                f"Stars with their period after {years_in_words(year)} (where the runs differ most), of "
                f"all classes and magnitudes. Right: {run.name} minus {reference.name}. Grey: not "
                "enough visits."
            ),
            text=(
                f"Three sky maps of {both.size} common positions. {run.name} recovers more stars "
                f"than {reference.name} at {(both > 0).sum()} of them, fewer at {(both < 0).sum()}."
            ),
            figure=figure,
        )


def _cadence_picture(result: Comparison) -> Picture:
    """Draw what the visits are like, which explains the rest, one panel a quantity."""
    figure = new_figure(10.2, 5.8)
    panels = figure.subplots(2, 4).ravel()
    ends = {}
    for axes, quantity in zip(panels, CADENCE_QUANTITIES, strict=False):
        rows = _common_values(result, metric=quantity.name)
        last = draw_runs(axes, result, rows, "year", title=wrapped(quantity.caption, width=30), size=8.5)
        if quantity.name in ("visits", "nights", "pairs"):
            ends[quantity.name] = last
        axes.xaxis.label.set_size(8.5)
        axes.set_ylabel(quantity.unit, fontsize=8.5)
        axes.tick_params(labelsize=8)
        if quantity.name == "median_m5":
            axes.invert_yaxis()
        elif quantity.name == "pairs":
            axes.set_ylim(-0.03, 1.03)
        else:
            axes.set_ylim(bottom=0.0)
    for empty in panels[len(CADENCE_QUANTITIES) :]:
        empty.set_visible(False)
    legend_below(figure, panels[0], len(result.runs))
    return Picture(
        name="cadences",
        short="Visits",
        heading="Why? What the visits are like",
        caption="Means over the common footprint of what each position sees.",
        text="Visits, nights, gaps, pairs, seasons and depth against survey year. At the end: "
        f"{_list_ends(ends, '.4g')}.",
        figure=figure,
    )


def _further_picture(result: Comparison, name: str) -> Picture:
    """Draw a further metric against the survey year."""
    quantities = [q for q in result.further[name] if q.better != "neither"][:_MOST_PANELS]
    quantities = quantities or list(result.further[name])[:_MOST_PANELS]
    figure, panels = _panels_of(len(quantities))
    ends = []
    for axes, quantity in zip(panels, quantities, strict=True):
        rows = _common_values(result, metric=quantity.name)
        last = draw_runs(axes, result, rows, "year", title=wrapped(quantity.caption, width=38), size=9)
        ends += [f"{quantity.name}, {run}: {number(value, 3)}" for run, value in last.items()]
        axes.set_ylabel(quantity.unit)
    legend_below(figure, panels[0], len(result.runs))
    return Picture(
        name=name.lower().replace(" ", "_"),
        short=name,
        heading=name,
        caption="Means over the common footprint; bands are 95 % intervals.",
        text=f"{name} against survey year. At the end: {'; '.join(ends)}.",
        figure=figure,
    )
