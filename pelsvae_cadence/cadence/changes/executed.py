"""Executed visits joined with a simulated future."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from typing_extensions import override

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.changes.joint import joined
from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.position_table import PositionTables
from pelsvae_cadence.cadence.survey import Cadence, Survey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError

__all__ = ["SplicedSurvey", "splice"]


@dataclass(frozen=True, kw_only=True)
class SplicedSurvey(PositionTables):
    """Observed visits up to a date, and those of a simulation from then on.

    Simulated visits keep their numbers, and with them their noise. Nights are counted anew from
    the times, since the two tables count from different days.

    Parameters
    ----------
    observed : Survey
        The executed visits.
    simulation : Cadence
        The simulation.
    mjd : float
        The date, MJD (TAI): observed visits before it, simulated ones from it on.
    name : str
        Name of the run.
    """

    observed: Survey
    simulation: Cadence
    mjd: float
    name: str

    @property
    def survey(self) -> SurveyName:
        """Whose filters and noise apply."""
        return self.simulation.survey

    @property
    def fov_radius(self) -> float:
        """Radius of the circular field of view in degrees."""
        return self.simulation.fov_radius

    @property
    def mjd_start(self) -> float:
        """Time of the first observed visit, MJD (TAI)."""
        return start_of(self.observed)

    @override
    def at(self, ra: Any, dec: Any = None, radius: float | None = None) -> Visits:
        before = self.observed.at(ra, dec, radius)
        after = visits_if_any(self.simulation, ra, dec, radius)
        # The simulation comes first: its visits keep their numbers.
        return joined([after.take(after.mjd >= self.mjd), before.take(before.mjd < self.mjd)], self.survey)


def splice(
    observed: Survey, simulation: Cadence, *, mjd: float | None = None, name: str = ""
) -> SplicedSurvey:
    """Continue what has been observed with a simulation.

    Parameters
    ----------
    observed : Survey
        Executed visits, e.g. a ConsDB or data-release table read by `read_survey`.
    simulation : Cadence
        A simulated survey; move it in time with `shifted` if it begins too early or too late.
    mjd : float, optional
        The date, MJD (TAI); by default just after the last observed visit.
    name : str
        Name of the run; made from the two names by default.

    Returns
    -------
    SplicedSurvey
        The cadence.

    Raises
    ------
    InputError
        If the surveys have different filters, or nothing lies on one side of the date.
    """
    if observed.survey != simulation.survey:
        raise InputError(
            f"{observed.name} has the filters of {observed.survey}, "
            f"{simulation.name} those of {simulation.survey}",
            remedy="Make a JointSurvey of different surveys.",
        )
    last = float(observed.mjd.max())
    date = float(np.nextafter(last, np.inf)) if mjd is None else float(mjd)
    if not date > start_of(observed):
        raise InputError(
            f"nothing was observed before MJD {date:.2f}",
            allowed=f"after {start_of(observed):.2f}, the first visit of {observed.name}",
        )
    if isinstance(simulation, Survey) and not simulation.mjd.max() >= date:
        raise InputError(
            f"{simulation.name} ends at MJD {simulation.mjd.max():.2f}, before {date:.2f}",
            remedy="Choose an earlier date, or move the simulation with shifted().",
        )
    label = name or f"{observed.name} to MJD {date:.0f}, then {simulation.name}"
    return SplicedSurvey(observed=observed, simulation=simulation, mjd=date, name=label)
