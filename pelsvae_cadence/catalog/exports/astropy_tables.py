"""Stars and light curves as astropy tables and time series, with units and time scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pelsvae_cadence.catalog.layout import GROUPS
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from astropy.table import QTable
    from astropy.timeseries import TimeSeries

__all__ = ["star_table", "time_series"]

_UNITS: Final = {group: {column.name: column.unit for column in columns} for group, columns in GROUPS.items()}


def star_table(stars: Stars) -> QTable:
    """Make an astropy table of stars.

    Parameters
    ----------
    stars : Stars
        The stars, e.g. ``catalog.stars``.

    Returns
    -------
    astropy.table.QTable
        One row a star, quantities with units; ``epoch`` is a `astropy.time.Time` (TDB). Write it
        with ``table.write("stars.ecsv")``, ``.fits`` or ``.votable``.
    """
    from astropy.table import QTable
    from astropy.time import Time

    table: Any = QTable()
    for name, unit in _UNITS["stars"].items():
        value = getattr(stars, name, None)
        if value is None:
            continue
        if name == "epoch":
            table[name] = Time(value, format="jd", scale="tdb")
        else:
            table[name] = _quantity(value, unit)
    return table


def time_series(light_curves: LightCurves, star_id: int) -> TimeSeries:
    """Make an astropy time series of one star.

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

    Examples
    --------
    >>> series = time_series(light_curves, 7)  # doctest: +SKIP
    >>> series["time", "flux"][series["band"] == "r"]  # doctest: +SKIP
    """
    from astropy.time import Time
    from astropy.timeseries import TimeSeries

    found = np.flatnonzero(light_curves.star_id == star_id)
    if not found.size:
        raise InputError(f"star {star_id} is not among the {len(light_curves)} light curves")
    points = light_curves.star(int(found[0]))
    series: Any = TimeSeries(time=Time(points.mjd, format="mjd", scale="tai"))
    for name, unit in _UNITS["light_curves"].items():
        if name not in ("offsets", "mjd"):
            series[name] = _quantity(getattr(points, name), unit)
    series.meta["star_id"] = int(star_id)
    return series


def _quantity(value: Any, unit: str) -> Any:
    from astropy import units

    if not unit:
        return np.array(value)
    # AB magnitudes of fluxes that were not detected are NaN, which a Magnitude can hold.
    return units.Quantity(value, unit) if "(" not in unit else units.Magnitude(value, unit)
