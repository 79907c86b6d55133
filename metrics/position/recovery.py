"""Stars of a slice point as the options ask for them: drawn or its own, observed, their periods found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.inference.physics.dust import EBV_ERROR
from pelsvae_cadence.metrics.position.metric import Look
from pelsvae_cadence.metrics.position.observe import (
    Recovery,
    at_reference_magnitude,
    load_model,
    observe_and_search,
    stars_at,
)
from pelsvae_cadence.metrics.position.options import RecoveryOptions
from pelsvae_cadence.stars import Stars

__all__ = ["recover"]


def recover(
    options: RecoveryOptions, look: Look, *, physics: bool = False, dust_map: bool = False
) -> Recovery:
    """Observe the stars of a slice point, and find their periods.

    Parameters
    ----------
    options : RecoveryOptions
        Which stars, and how.
    look : Look
        The position and its visits.
    physics : bool
        Whether a reading draws samples of temperature, luminosity, dust and distance, too.
    dust_map : bool
        Whether it knows the E(B-V) in front of the stars, each with an error of 16 per cent, as from a map.

    Returns
    -------
    Recovery
        The stars, and what was found of them.
    """
    model = load_model(options.model)
    point = look.point
    own = point.star(model, options.seed)
    if own is not None:
        stars, curve = own
    else:
        stars, curve = stars_at(options.sample, point.ra, point.dec, ebv=look.ebv)
        if options.magnitude is not None:
            stars = at_reference_magnitude(stars, options.reference_band, options.magnitude)
        else:
            stars = replace(stars, distance_modulus=np.full(len(stars), options.distance_modulus))
    return observe_and_search(
        stars,
        curve,
        look.visits,
        seed=options.seed,
        period_range=_range_of(options, stars.star_class),
        baseline=look.baseline if options.baseline is None else options.baseline,
        method=options.method,
        model=options.model,
        physics=physics,
        ebv=_of_map(stars, options.seed) if dust_map else None,
        false_alarm_level=options.false_alarm_level,
        modulated=options.modulated,
        crowding=point.field if options.crowded else None,
    )


def _of_map(stars: Stars, seed: int) -> npt.NDArray[np.float64]:
    """Give what a map says of the dust in front of stars."""
    off = EBV_ERROR * KeyedRandom(seed=seed).normal("dust map", stars.star_id, 0)
    return np.asarray(stars.ebv * np.maximum(1.0 + off, 0.0))


def _range_of(options: RecoveryOptions, star_class: npt.NDArray[np.str_]) -> tuple[float, float]:
    if options.period_range != "class":
        return options.blind_range
    model = load_model(options.model)
    # One search serves all stars: of a mix it covers the ranges of all its classes.
    ranges = [model.ranges(name)["period"] for name in np.unique(star_class).tolist()]
    return min(low for low, _ in ranges), max(high for _, high in ranges)
