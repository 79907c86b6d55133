"""Where on the sky: a run beside the reference, and their difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.metrics.comparison.report.drawing import (
    Picture,
    new_figure,
    telling_year,
    wrapped,
    years_in_words,
)
from pelsvae_cadence.plotting.sky_map import plot_sky_map

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["sky_maps"]

FloatArray = npt.NDArray[np.float64]


def sky_maps(result: Comparison) -> Iterator[Picture]:
    """Draw sky maps of the reference, of a run, and of the difference, side by side.

    Parameters
    ----------
    result : Comparison
        The comparison.

    Yields
    ------
    Picture
        One for each run but the reference.
    """
    y = telling_year(result)
    year = result.plan.years[y]
    reference = result.outcomes[0]

    def share(run: Any) -> FloatArray:
        values = 100.0 * run.outcome[:, :, y, :, 0].mean(axis=(1, 2))
        return np.where(run.in_footprint, values, np.nan)

    place: dict[str, Any] = {}
    if result.plan.nside is None:
        place = {"ra": result.plan.sky[:, 0], "dec": result.plan.sky[:, 1]}
    before = share(reference)
    for k, run in enumerate(result.outcomes[1:], start=1):
        after = share(run)
        difference = after - before
        known = np.abs(difference[np.isfinite(difference)])
        limit = max(10.0, float(known.max(initial=0.0)))
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
        both = np.isfinite(difference)
        better, worse = (difference[both] > 0).sum(), (difference[both] < 0).sum()
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
                f"Three sky maps of {both.sum()} common positions. {run.name} recovers more stars "
                f"than {reference.name} at {better} of them, fewer at {worse}."
            ),
            figure=figure,
        )
