"""The pictures of a comparison, each with the words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from astropy.stats import binom_conf_interval

from pelsvae_cadence.metrics.comparison.quantities import CADENCE_QUANTITIES, HEADLINE
from pelsvae_cadence.plotting import plot_sky_map

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pelsvae_cadence.metrics.comparison.compare_runs import Comparison

__all__ = ["Picture", "new_figure", "pictures", "telling_year", "wrapped", "years_in_words"]

FloatArray = npt.NDArray[np.float64]

# Okabe & Ito's colours, which people with any colour vision can tell apart, and what else tells
# runs apart in print.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
_LINES: Final = ("-", "--", "-.", ":")
_MOST_PANELS: Final = 6
_PERIOD_BINS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture of the report.

    Parameters
    ----------
    name : str
        Name of its file, without suffix.
    short : str
        A word or two for the table of contents.
    heading : str
        What it answers.
    caption : str
        What is drawn.
    text : str
        What it shows, for those who cannot see it.
    figure : matplotlib.figure.Figure
        The picture.
    """

    name: str
    short: str
    heading: str
    caption: str
    text: str
    figure: Figure


def years_in_words(year: float) -> str:
    """Say a number of years.

    Parameters
    ----------
    year : float
        The number.

    Returns
    -------
    str
        With the right form of the word.
    """
    return f"{year:g} year" if year == 1 else f"{year:g} years"


def new_figure(width: float, height: float) -> Figure:
    """Make a figure that pyplot does not know, so that none piles up in memory.

    Parameters
    ----------
    width, height : float
        Size in inches.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _style(k: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[k % len(_COLOURS)],
        "marker": _MARKERS[k % len(_MARKERS)],
        "linestyle": _LINES[(k // len(_COLOURS) + k) % len(_LINES)],
    }


def _years(plan_years: Sequence[float]) -> list[float]:
    """Choose at most four years to show: the first, the last, and two between."""
    at = np.unique(np.linspace(0, len(plan_years) - 1, 4).round().astype(int))
    return [plan_years[k] for k in at]


def pictures(result: Comparison) -> Iterator[Picture]:
    """Draw what a comparison has found; `example_pictures` shows single stars.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Yields
    ------
    Picture
        In reading order.
    """
    if len(result.outcomes) > 1:
        yield _forest(result)
    if len(result.plan.years) > 1:
        yield _by_year(result)
    if len(result.plan.magnitudes) > 1:
        yield _by_magnitude(result)
    yield _by_period(result)
    yield from _maps(result)
    yield _cadences(result)
    for name in result.further:
        yield _further(result, name)


def _headline(result: Comparison, frame: pd.DataFrame, **where: Any) -> pd.DataFrame:
    rows = frame[frame["metric"] == HEADLINE]
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return rows


def _legend(figure: Figure, axes: Axes, n: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(n, 3), frameon=False, fontsize=9
    )


def _forest(result: Comparison) -> Picture:
    plan, reference = result.plan, result.runs[0].name
    years = _years(plan.years)
    groups = plan.groups
    others = [run.name for run in result.runs[1:]]
    figure = new_figure(2.6 + 2.6 * len(years), 1.6 + 0.32 * len(groups) * max(len(others), 2))
    panels = figure.subplots(1, len(years), sharey=True, squeeze=False)[0]
    widest = 0.05
    for axes, year in zip(panels, years, strict=True):
        axes.axvline(0.0, color="0.3", linewidth=1.0)
        for k, name in enumerate(others, start=1):
            rows = _headline(result, result.summary.differences, run=name, year=year)
            y = np.arange(len(groups)) + (k - 0.5 * (len(others) + 1)) * 0.8 / len(others)
            d = rows["difference"].to_numpy()
            low, high = rows["low"].to_numpy(), rows["high"].to_numpy()
            widest = max(widest, float(np.nanmax(np.abs([d, low, high]))))
            sure = rows["verdict"].isin(["better", "worse"]).to_numpy()
            style = _style(k)
            known = np.isfinite(low)
            axes.hlines(y[known], low[known], high[known], color=style["color"], linewidth=1.6)
            for filled, mine in ((True, sure), (False, ~sure)):
                axes.plot(
                    d[mine], y[mine], style["marker"], color=style["color"],
                    markerfacecolor=style["color"] if filled else "white", markersize=7,
                    label=f"{name} minus {reference}" if filled else None, zorder=3,
                )  # fmt: skip
        axes.set_title(f"after {year:g} yr", fontsize=10)
        axes.grid(axis="x", color="0.92")
        axes.set_axisbelow(True)
    for axes in panels:
        axes.set_xlim(-1.08 * widest, 1.08 * widest)
    panels[0].set_yticks(np.arange(len(groups)), [group.label for group in groups])
    panels[0].set_ylim(len(groups) - 0.45, -0.55)
    panels[(len(years) - 1) // 2].set_xlabel("difference of the recovered fraction")
    _legend(figure, panels[0], len(others))
    rows = _headline(result, result.summary.differences)
    counts = rows["verdict"].value_counts()
    return Picture(
        name="differences",
        short="Differences",
        heading="Is the difference real?",
        caption=(
            f"Difference of the recovered fraction to {reference}, the same stars in both, over "
            "the common footprint, with 95 % intervals. Filled symbols are significant after "
            "correction for all comparisons of the table; right of the line is better."
        ),
        text=(
            f"Dot plot of {len(rows)} differences of the recovered fraction to {reference}: "
            f"{counts.get('better', 0)} significantly better, {counts.get('worse', 0)} "
            "significantly worse. The table of differences holds the numbers."
        ),
        figure=figure,
    )


def _band(axes: Axes, rows: pd.DataFrame, x: str, k: int, label: str) -> None:
    style = _style(k)
    axes.plot(rows[x], rows["value"], label=label, markersize=5, linewidth=1.6, **style)
    low, high = rows["low"].to_numpy(np.float64), rows["high"].to_numpy(np.float64)
    if np.isfinite(low).all():
        axes.fill_between(rows[x], low, high, color=style["color"], alpha=0.13, linewidth=0)


def _panels(n: int, height: float = 2.7) -> tuple[Figure, list[Axes]]:
    columns = 2 if n == 4 else min(n, 3)
    rows = -(-n // columns)
    figure = new_figure(max(3.4 * columns, 6.0), height * rows + 0.5)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel().tolist()
    for empty in axes[n:]:
        empty.set_visible(False)
    return figure, axes[:n]


def _by_year(result: Comparison) -> Picture:
    groups = result.plan.groups[:_MOST_PANELS]
    figure, panels = _panels(len(groups))
    last = []
    for axes, group in zip(panels, groups, strict=True):
        for k, run in enumerate(result.runs):
            rows = _headline(
                result, result.summary.values, run=run.name, footprint="common",
                star_class=group.star_class, magnitude=group.magnitude,
            )  # fmt: skip
            _band(axes, rows, "year", k, run.name)
            last.append(f"{group.label}, {run.name}: {rows['value'].iloc[-1]:.2f}")
        axes.set_title(group.label, fontsize=10)
        axes.set_xlabel("survey year")
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlim(left=0.0)
        axes.grid(color="0.92")
    panels[0].set_ylabel("recovered fraction")
    _legend(figure, panels[0], len(result.runs))
    left_out = len(result.plan.groups) - len(groups)
    return Picture(
        name="recovery_by_year",
        short="Years",
        heading="How early?",
        caption=(
            "Fraction of stars with their period after each survey year, over the common "
            "footprint; bands are 95 % intervals."
            + (f" {left_out} further groups are in the table." if left_out else "")
        ),
        text="Recovered fraction against survey year. At the end: " + "; ".join(last) + ".",
        figure=figure,
    )


def _by_magnitude(result: Comparison) -> Picture:
    classes = result.plan.star_classes[:_MOST_PANELS]
    year = result.plan.years[telling_year(result)]
    figure, panels = _panels(len(classes))
    ends = []
    for axes, star_class in zip(panels, classes, strict=True):
        for k, run in enumerate(result.runs):
            rows = _headline(
                result, result.summary.values, run=run.name, footprint="common",
                star_class=star_class, year=year,
            ).sort_values("magnitude")  # fmt: skip
            _band(axes, rows, "magnitude", k, run.name)
            ends.append(f"{star_class}, {run.name}: {rows['value'].iloc[-1]:.2f}")
        axes.set_title(star_class, fontsize=10)
        axes.set_xlabel("mean r [mag]")
        axes.set_xticks(result.plan.magnitudes)
        axes.set_ylim(-0.03, 1.03)
        axes.grid(color="0.92")
    panels[0].set_ylabel("recovered fraction")
    _legend(figure, panels[0], len(result.runs))
    return Picture(
        name="recovery_by_magnitude",
        short="Magnitudes",
        heading="For how faint stars?",
        caption=f"Recovered fraction after {years_in_words(year)} (where the runs differ most) "
        "against mean magnitude, common footprint; bands are 95 % intervals.",
        text="Recovered fraction against magnitude. For the faintest stars: "
        + "; ".join(ends) + ".",
        figure=figure,
    )  # fmt: skip


def telling_year(result: Comparison) -> int:
    """Pick the year whose recovered fractions differ most between runs.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Returns
    -------
    int
        Its place among the years of the plan; the last one where nothing differs.
    """
    shares = np.array(
        [run.outcome[result.summary.common][..., 0].mean(axis=(0, 1, 3)) for run in result.outcomes]
    )
    spread = np.ptp(shares, axis=0)
    return int(np.argmax(spread)) if spread.max() > 0 else len(result.plan.years) - 1


def _by_period(result: Comparison) -> Picture:
    plan = result.plan
    classes = plan.star_classes[:_MOST_PANELS]
    y = telling_year(result)
    figure, panels = _panels(len(classes))
    for axes, star_class in zip(panels, classes, strict=True):
        chosen = [g for g, group in enumerate(plan.groups) if group.star_class == star_class]
        for k, run in enumerate(result.outcomes):
            period = run.true_period[result.summary.common][:, chosen].ravel()
            found = run.outcome[result.summary.common][:, chosen, y, :, 0].ravel()
            order = np.argsort(period)
            bins = np.array_split(order, min(_PERIOD_BINS, order.size))
            centre = np.array([np.exp(np.mean(np.log(period[rows]))) for rows in bins])
            hits = np.array([int(found[rows].sum()) for rows in bins])
            n = np.array([rows.size for rows in bins])
            low, high = binom_conf_interval(hits, n, interval="wilson")
            style = _style(k)
            axes.plot(centre, hits / n, label=run.name, markersize=5, linewidth=1.6, **style)
            axes.fill_between(centre, low, high, color=style["color"], alpha=0.13, linewidth=0)
        axes.set_xscale("log")
        axes.set_title(star_class, fontsize=10)
        axes.set_xlabel("true period [d]")
        axes.set_ylim(-0.03, 1.03)
        axes.grid(color="0.92")
        _plain_ticks(axes)
    panels[0].set_ylabel("recovered fraction")
    _legend(figure, panels[0], len(result.outcomes))
    return Picture(
        name="recovery_by_period",
        short="Periods",
        heading="For which periods?",
        caption=(
            f"Recovered fraction after {years_in_words(plan.years[y])} (where the runs differ most) in "
            "bins of equally many stars; bands are 68 % intervals of Wilson (1927)."
        ),
        text=f"Recovered fraction against true period after {years_in_words(plan.years[y])}, one panel "
        "per class, one line per run.",
        figure=figure,
    )


def _plain_ticks(axes: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axes.get_xlim()
    narrow = high / low < 12.0
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0, 7.0) if narrow else (1.0,)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _maps(result: Comparison) -> Iterator[Picture]:
    """Sky maps of the reference, of a run, and of the difference, side by side."""
    if len(result.outcomes) < 2:
        return
    y = telling_year(result)
    year = result.plan.years[y]
    reference = result.outcomes[0]

    def share(run: Any) -> FloatArray:
        values = run.outcome[:, :, y, :, 0].mean(axis=(1, 2))
        return np.where(run.in_footprint, values, np.nan)

    place: dict[str, Any] = {}
    if result.plan.nside is None:
        place = {"ra": result.plan.sky[:, 0], "dec": result.plan.sky[:, 1]}
    before = share(reference)
    for k, run in enumerate(result.outcomes[1:], start=1):
        after = share(run)
        difference = after - before
        limit = (
            max(0.1, float(np.nanmax(np.abs(difference)))) if np.isfinite(difference).any() else 0.1
        )
        figure = new_figure(15.0, 3.9)
        panels = [figure.add_subplot(1, 3, n + 1, projection="mollweide") for n in range(3)]
        common: dict[str, Any] = {"vmin": 0.0, "vmax": 1.0, "label": "recovered fraction", **place}
        plot_sky_map(before, title=wrapped(reference.name), ax=panels[0], **common)
        plot_sky_map(after, title=wrapped(run.name), ax=panels[1], **common)
        plot_sky_map(
            difference, title="difference", label="blue: the second is better", cmap="RdBu",
            vmin=-limit, vmax=limit, ax=panels[2], **place,
        )  # fmt: skip
        both = np.isfinite(difference)
        better, worse = (difference[both] > 0).sum(), (difference[both] < 0).sum()
        yield Picture(
            name=f"sky_maps_{k}",
            short=f"Sky: {run.name}",
            heading=f"Where? {run.name} and {reference.name}",
            caption=(
                f"Recovered fraction after {years_in_words(year)} (where the runs differ most), mean over "
                "all classes and magnitudes. Grey: not enough visits."
            ),
            text=(
                f"Three sky maps of {both.sum()} common positions. {run.name} recovers more stars "
                f"than {reference.name} at {better} of them, fewer at {worse}."
            ),
            figure=figure,
        )


def wrapped(name: str, width: int = 44) -> str:
    """Break a long title into lines.

    Parameters
    ----------
    name : str
        The title.
    width : int
        Letters a line.

    Returns
    -------
    str
        The title with line breaks.
    """
    from textwrap import fill

    return fill(name, width)


def _cadences(result: Comparison) -> Picture:
    values = result.summary.values
    rows = values[(values["footprint"] == "common")]
    figure = new_figure(10.2, 5.8)
    panels = figure.subplots(2, 4).ravel()
    ends = []
    for axes, quantity in zip(panels, CADENCE_QUANTITIES, strict=False):
        for k, run in enumerate(result.runs):
            mine = rows[(rows["metric"] == quantity.name) & (rows["run"] == run.name)]
            _band(axes, mine, "year", k, run.name)
            if quantity.name in ("visits", "nights", "pairs"):
                ends.append(f"{quantity.name}, {run.name}: {mine['value'].iloc[-1]:.4g}")
        axes.set_title(wrapped(quantity.caption, 30), fontsize=8.5)
        axes.set_xlabel("survey year", fontsize=8.5)
        axes.set_ylabel(quantity.unit, fontsize=8.5)
        axes.tick_params(labelsize=8)
        axes.set_xlim(left=0.0)
        axes.grid(color="0.92")
        if quantity.name == "median_m5":
            axes.invert_yaxis()
        elif quantity.name == "pairs":
            axes.set_ylim(-0.03, 1.03)
        else:
            axes.set_ylim(bottom=0.0)
    for empty in panels[len(CADENCE_QUANTITIES) :]:
        empty.set_visible(False)
    _legend(figure, panels[0], len(result.runs))
    return Picture(
        name="cadences",
        short="Visits",
        heading="Why? What the visits are like",
        caption="Means over the common footprint of what each position sees.",
        text="Visits, nights, gaps, pairs, seasons and depth against survey year. At the end: "
        + "; ".join(ends) + ".",
        figure=figure,
    )  # fmt: skip


def _further(result: Comparison, name: str) -> Picture:
    quantities = [q for q in result.further[name] if q.better != "neither"][:_MOST_PANELS]
    quantities = quantities or list(result.further[name])[:_MOST_PANELS]
    values = result.summary.values
    rows = values[values["footprint"] == "common"]
    figure, panels = _panels(len(quantities))
    ends = []
    for axes, quantity in zip(panels, quantities, strict=True):
        for k, run in enumerate(result.runs):
            mine = rows[(rows["metric"] == quantity.name) & (rows["run"] == run.name)]
            _band(axes, mine, "year", k, run.name)
            ends.append(f"{quantity.name}, {run.name}: {mine['value'].iloc[-1]:.3g}")
        axes.set_title(wrapped(quantity.caption, 38), fontsize=9)
        axes.set_xlabel("survey year")
        axes.set_ylabel(quantity.unit)
        axes.set_xlim(left=0.0)
        axes.grid(color="0.92")
    _legend(figure, panels[0], len(result.runs))
    return Picture(
        name=name.lower().replace(" ", "_"),
        short=name,
        heading=name,
        caption="Means over the common footprint; bands are 95 % intervals.",
        text=f"{name} against survey year. At the end: " + "; ".join(ends) + ".",
        figure=figure,
    )
