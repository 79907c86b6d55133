"""All pictures of a comparison in reading order, each with the words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pelsvae_cadence.metrics.comparison.report.classes import classification_picture
from pelsvae_cadence.metrics.comparison.report.drawing import Picture
from pelsvae_cadence.metrics.comparison.report.headline import at_a_glance, forest
from pelsvae_cadence.metrics.comparison.report.positions import cadence_picture, further_picture
from pelsvae_cadence.metrics.comparison.report.recovery import (
    recovery_by_magnitude,
    recovery_by_period,
    recovery_by_year,
)
from pelsvae_cadence.metrics.comparison.report.sky import sky_maps

if TYPE_CHECKING:
    from pelsvae_cadence.metrics.comparison.result import Comparison

__all__ = ["Picture", "pictures"]


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
    several = len(result.outcomes) > 1
    if several:
        yield at_a_glance(result)
        yield forest(result)
    if len(result.plan.years) > 1:
        yield recovery_by_year(result)
    if len(result.plan.magnitudes) > 1:
        yield recovery_by_magnitude(result)
    yield recovery_by_period(result)
    if several:
        yield from sky_maps(result)
    if any(run.classified is not None for run in result.outcomes):
        yield classification_picture(result)
    yield cadence_picture(result)
    for name in result.further:
        if name not in result.judges:
            yield further_picture(result, name)
