"""Positions outside the footprint of a survey: a warning for who asks for one, none for who scans the sky."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pelsvae_cadence.cadence.survey import Cadence
    from pelsvae_cadence.cadence.visits import Visits

__all__ = ["OutsideFootprintWarning", "visits_if_any"]


class OutsideFootprintWarning(UserWarning):
    """A survey never looks at a position: it has no visits there."""


def visits_if_any(cadence: Cadence, ra: Any, dec: Any, radius: float | None = None) -> Visits:
    """Give the visits to one of many positions, some of which may be outside the footprint.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    ra, dec : float
        Position in degrees.
    radius : float, optional
        Radius of the circular field of view in degrees; the survey's own by default.

    Returns
    -------
    Visits
        The visits; empty, without a warning, outside the footprint.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OutsideFootprintWarning)
        return cadence.at(ra, dec, radius)
