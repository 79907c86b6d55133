"""Stars and light curves as astropy tables and time series, with units and time scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pelsvae_cadence.catalog.inference_group import aligned_columns
from pelsvae_cadence.core.tables.exchange import with_unit
from pelsvae_cadence.inference.fitted import FittedStars
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from astropy.table import QTable
    from astropy.timeseries import TimeSeries

__all__ = ["star_table", "time_series"]


def star_table(stars: Stars, fitted: FittedStars | None = None) -> QTable:
    """Make an astropy table of stars: `Stars.to_table`, with what was read out of their light curves.

    Parameters
    ----------
    stars : Stars
        The stars, e.g. ``catalog.stars``.
    fitted : FittedStars, optional
        What their light curves tell, e.g. ``catalog.inference``: columns ``fit_period`` and so on, NaN, 0 or
        empty for stars that were not fitted.

    Returns
    -------
    astropy.table.QTable
        One row a star, quantities with units; ``epoch`` is a `astropy.time.Time` (TDB).
    """
    table = stars.to_table()
    if fitted is not None:
        for name, (value, unit) in aligned_columns(fitted, stars.star_id).items():
            table[name] = with_unit(value, unit)
    return table


def time_series(light_curves: LightCurves, star_id: int) -> TimeSeries:
    """Make an astropy time series of one star: `LightCurves.to_timeseries`.

    Parameters
    ----------
    light_curves : LightCurves
        Light curves, e.g. ``catalog.light_curves(star_ids=[7])``.
    star_id : int
        The star.

    Returns
    -------
    astropy.timeseries.TimeSeries
        Mid-exposure times (TAI), bands, magnitudes, fluxes (nJy), flags; ``meta["star_id"]``.

    Raises
    ------
    InputError
        If the star is not among them.
    """
    return light_curves.to_timeseries(star_id)
