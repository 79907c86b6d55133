"""Picture of one star of a comparison: folded light curve and visits in every run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np

from pelsvae_cadence.cadence.changes.thinning import thin_visits
from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.classes import display_name
from pelsvae_cadence.core.times import JULIAN_YEAR, time_span
from pelsvae_cadence.metrics.comparison.report.drawing import Picture, telling_year, wrapped, years_in_words
from pelsvae_cadence.metrics.position.observe import (
    Recovery,
    StarSample,
    at_reference_magnitude,
    observe_and_search,
    stars_at,
)
from pelsvae_cadence.plotting.light_curve import plot_folded
from pelsvae_cadence.plotting.styles import new_figure
from pelsvae_cadence.plotting.visits import plot_cadence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["example_pictures"]

_MOST_EXAMPLE_RUNS: Final = 4


def _example_stars(result: Comparison) -> list[tuple[str, Visits, Recovery]]:
    """Observe one star in each run, as the comparison did; give run, its visits, and the star.

    A star is chosen whose period some runs find and others do not, after the year in which the runs
    differ most.
    """
    plan = result.plan
    y = telling_year(result)
    where = np.flatnonzero(result.summary.common)
    found = np.stack([run.outcome[where][:, :, y, :, 0] for run in result.outcomes])
    differ = (found.any(axis=0) & ~found.all(axis=0)).astype(np.int64)
    # Among those that differ, one the reference finds; otherwise any star that was found.
    rank = 4 * differ + 2 * found[0] + found.any(axis=0)
    place, g, star = np.unravel_index(int(np.argmax(rank)), rank.shape)
    ra, dec = (float(x) for x in plan.sky[where[place]])
    group = plan.groups[int(g)]
    sample = StarSample(
        star_class=group.star_class, n=plan.stars_per_position, seed=plan.seed, model=plan.model
    )
    stars, curve = stars_at(sample, ra, dec)
    shown = []
    for run in result.runs[:_MOST_EXAMPLE_RUNS]:
        start = start_of(run.cadence)
        visits = visits_if_any(run.cadence, ra, dec, plan.radius)
        visits = visits.take(visits.mjd < start + JULIAN_YEAR * plan.years[y])
        used = thin_visits(visits, plan.max_visits)
        recovery = observe_and_search(
            at_reference_magnitude(stars.take([star]), "r", group.magnitude),
            curve.take([star]),
            used,
            seed=plan.seed,
            period_range=plan.period_range,
            baseline=time_span(visits.mjd),
            method=plan.method,
            model=plan.model,
        )
        shown.append((run.name, visits, recovery))
    return shown


def example_pictures(result: Comparison) -> Iterator[Picture]:
    """Draw one star, and its visits, in every run."""
    shown = [item for item in _example_stars(result) if len(item[1])]
    if not shown:
        return
    star = shown[0][2].stars
    kind = display_name(str(star.star_class[0]), str(star.subtype[0]))
    year = result.plan.years[telling_year(result)]
    columns = min(len(shown), 2)
    rows = -(-len(shown) // 2)
    figure = new_figure(5.7 * columns if columns > 1 else 7.4, 3.1 * rows + 0.2)
    words = []
    panels: list[Axes] = []
    for k, (name, visits, recovery) in enumerate(shown):
        axes = figure.add_subplot(rows, columns, k + 1)
        found = float(recovery.periods.period[0])
        verdict = str(recovery.verdicts.verdict[0])
        says = f"{verdict}, {found:.6g} d" if found > 0 else verdict
        plot_folded(
            recovery.light_curves,
            star=recovery.stars,
            curve=recovery.curve,
            title=f"{wrapped(name)}\n{len(visits)} visits; found: {says}",
            ax=axes,
        )
        panels.append(axes)
        words.append(f"{name}: {len(visits)} visits, verdict {verdict}")
    # One scale for all, magnitudes upside down.
    faint = max(max(axes.get_ylim()) for axes in panels)
    bright = min(min(axes.get_ylim()) for axes in panels)
    for axes in panels:
        axes.set_ylim(faint, bright)
    place = f"ra {star.ra[0]:.1f}, dec {star.dec[0]:.1f} deg"
    yield Picture(
        name="example_light_curves",
        short="Example star",
        heading="One star in every run",
        caption=(
            f"The same {kind} of period {star.period[0]:.6g} d at {place} after {years_in_words(year)}, "
            "folded with its true period; lines are noise-free. Nobody who looked for the "
            "period knew it."
        ),
        text=f"Folded light curves of one {kind} at {place}: " + "; ".join(words) + ".",
        figure=figure,
    )
    figure = new_figure(5.7 * columns if columns > 1 else 7.4, 2.9 * rows)
    first: Axes | None = None
    for k, (name, visits, _) in enumerate(shown):
        axes = figure.add_subplot(rows, columns, k + 1, sharex=first, sharey=first)
        first = first or axes
        plot_cadence(visits, title=wrapped(name), ax=axes)
    yield Picture(
        name="example_cadences",
        short="Its visits",
        heading="Its visits",
        caption=f"When the star at {place} was visited in the first {years_in_words(year)}.",
        text=f"Hour of the night against night of all visits at {place}, one panel per run: "
        + "; ".join(f"{name} {len(visits)} visits" for name, visits, _ in shown)
        + ".",
        figure=figure,
    )
