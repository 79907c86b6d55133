"""Light curves as tables with one row a point, and as time series of astropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.exchange import Tabular, columns_of_table, has_columns, with_unit

if TYPE_CHECKING:
    from astropy.timeseries import TimeSeries

__all__ = ["LightCurveTables", "own_columns"]

_COLUMNS: Final = (
    "star_id",
    "mjd",
    "band",
    "visit_id",
    "mag_true",
    "mag",
    "mag_err",
    "flux",
    "flux_err",
    "detected",
    "saturated",
)


class LightCurveTables(Tabular):
    """What light curves add to the tables of `Tabular`."""

    _units: ClassVar = {
        "mjd": "d",
        "mag_true": "mag(AB)",
        "mag": "mag(AB)",
        "mag_err": "mag",
        "flux": "nJy",
        "flux_err": "nJy",
    }

    if TYPE_CHECKING:
        star_id: npt.NDArray[np.int64]
        mjd: npt.NDArray[np.float64]
        band: npt.NDArray[np.str_]
        name: Any
        time_system: Any
        take: Any
        __len__: Any

    def to_timeseries(self, star: int | str | None = None) -> TimeSeries:
        """Make an astropy time series of one star.

        Parameters
        ----------
        star : int or str, optional
            Its `star_id`, or its name in an archive; needed where there are several stars.

        Returns
        -------
        astropy.timeseries.TimeSeries
            Mid-exposure times (TAI), bands, magnitudes, fluxes (nJy), flags; the star and the time
            system are in its ``meta``.

        Raises
        ------
        InputError
            If the star is not among them, or not named.

        Examples
        --------
        >>> series = light_curves.to_timeseries(7)  # doctest: +SKIP
        >>> series["time", "flux"][series["band"] == "r"]  # doctest: +SKIP
        """
        from astropy.time import Time
        from astropy.timeseries import TimeSeries

        if star is None:
            if len(self) != 1:
                raise InputError(
                    f"a time series of {len(self)} stars", remedy="Say which: to_timeseries(star_id)."
                )
            found = np.array([0])
        elif isinstance(star, str):
            found = np.flatnonzero(np.asarray(self.name) == star) if self.name is not None else np.array([])
        else:
            found = np.flatnonzero(self.star_id == star)
        if not found.size:
            raise InputError(
                f"star {star!r} is not among the {len(self)} light curves",
                allowed="star_id: "
                + ", ".join(map(str, self.star_id[:8].tolist()))
                + ", ..." * (len(self) > 8),
            )
        points = self.take(found[:1])
        columns, _ = points._table()
        series: Any = TimeSeries(time=Time(points.mjd, format="mjd", scale="tai"))
        for name, value in columns.items():
            if name not in ("star_id", "name", "mjd"):
                series[name] = with_unit(value, self._units.get(name, ""))
        series.meta["star_id"] = int(points.star_id[0])
        series.meta["time_system"] = str(self.time_system)
        if points.name is not None:
            series.meta["name"] = str(points.name[0])
        return series

    def _summary(self) -> str:
        finite = self.mjd[np.isfinite(self.mjd)]
        n, stars = self.mjd.size, len(self)
        text = f"{n} point{'s' if n != 1 else ''} of {stars} star{'s' if stars != 1 else ''}"
        if n:
            text += f" in {', '.join(np.unique(self.band).tolist())}"
        if finite.size:
            text += f", MJD {finite.min():.2f} to {finite.max():.2f}"
        return text


def own_columns(table: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Take the columns of a table that light curves have written themselves.

    Parameters
    ----------
    table : Any
        What may be such a table.

    Returns
    -------
    tuple of dict or None
        Its columns, and what holds for all rows; None if it is another table.
    """
    if not has_columns(table, _COLUMNS):
        return None
    return columns_of_table(table, [*_COLUMNS, "name"], {})
