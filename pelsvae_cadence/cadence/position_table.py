"""Write the visits to some positions as one table of OpSim's kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.survey import Cadence, check_position
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.sky_positions import ra_dec
from pelsvae_cadence.core.times import start_of_exposure

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PositionTables", "position_table"]


def position_table(cadence: Cadence, ra: npt.ArrayLike, dec: npt.ArrayLike) -> pd.DataFrame:
    """Write the visits of some positions as a table of OpSim's kind.

    Parameters
    ----------
    cadence : Cadence
        Anything that gives visits to a position.
    ra, dec : array_like, shape (n_positions,)
        ICRS positions, degrees.

    Returns
    -------
    pandas.DataFrame
        One row per position and visit. ``fieldRA`` and ``fieldDec`` are the position itself, so
        that a slicer at the same positions with any small radius finds exactly the visits of
        ``cadence.at``. ``observationStartMJD`` is the start of the exposure. ``band`` and
        ``filter`` hold the survey's own letters; for joint surveys the package's names.

    Raises
    ------
    InputError
        If there is no position, or one is not on the sky.
    """
    import pandas as pd

    frames = []
    ra, dec = ra_dec(ra, dec)
    for one_ra, one_dec in zip(np.atleast_1d(ra), np.atleast_1d(dec), strict=True):
        alpha, delta = check_position(one_ra, one_dec)
        visits = visits_if_any(cadence, alpha, delta)
        band = visits.band
        if cadence.survey != "joint":
            band = np.array([name[-1] for name in band.tolist()], dtype="U1")
        columns: dict[str, Any] = {
            "observationId": visits.visit_id,
            "fieldRA": alpha,
            "fieldDec": delta,
            "observationStartMJD": start_of_exposure(visits.mjd, visits.exptime),
            "band": band,
            "filter": band,
            "fiveSigmaDepth": visits.m5,
            "night": visits.night,
            "rotSkyPos": 0.0,
            "visitExposureTime": visits.exptime,
            "numExposures": 1,
            "scheduler_note": "",
        }
        if visits.airmass is not None:
            columns["airmass"] = visits.airmass
        if visits.seeing is not None:
            columns["seeingFwhmEff"] = visits.seeing
        frames.append(pd.DataFrame(columns, index=range(len(visits))))
    if not frames:
        raise InputError("no positions for a table of visits", remedy="Pass at least one.")
    return pd.concat(frames, ignore_index=True)


class PositionTables:
    """Base of cadences whose visits are made position by position."""

    def at(self, ra: Any, dec: Any = None, radius: float | None = None) -> Visits:
        """Give the visits to a position.

        Parameters
        ----------
        ra, dec : float, Quantity or SkyCoord
            Position in degrees; or a SkyCoord alone, as `ra`.
        radius : float, optional
            Radius of the circular field of view in degrees, of every survey; its own by default. A
            synthetic survey makes its visits for its own field of view, whatever the radius.

        Returns
        -------
        Visits
            The visits, sorted by time.

        Raises
        ------
        InputError
            If the position is not on the sky.
        """
        raise NotImplementedError

    def opsim_table(self, ra: Any, dec: Any = None) -> pd.DataFrame:
        """Write the visits of some positions as a table, see `position_table`.

        Parameters
        ----------
        ra, dec : array_like or SkyCoord, shape (n_positions,)
            ICRS positions, degrees; or a SkyCoord alone, as `ra`.

        Returns
        -------
        pandas.DataFrame
            One row per position and visit.

        Raises
        ------
        InputError
            If there is no position, or one is not on the sky.
        """
        return position_table(cast("Cadence", self), ra, dec)
