"""Joint surveys: several surveys of the same sky as one cadence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.position_table import PositionTables
from pelsvae_cadence.cadence.survey import Cadence, local_nights
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError

__all__ = ["JointSurvey", "joined"]

# Visit numbers of the further surveys begin here, beyond all of the first one's.
_ID_SHIFT: Final = 60


def _renumbered(visit_id: npt.NDArray[np.int64], part: int) -> npt.NDArray[np.int64]:
    """Give the visits of a further survey, up to the seventh, numbers of their own; part 0 keeps its."""
    if visit_id.size and not 0 <= int(visit_id.min()) <= int(visit_id.max()) < (1 << _ID_SHIFT):
        raise InputError(
            f"visit numbers from {int(visit_id.min())} to {int(visit_id.max())}", allowed="0 to 2^60"
        )
    return np.asarray(visit_id + (part << _ID_SHIFT))


def joined(parts: Sequence[Visits], survey: SurveyName) -> Visits:
    """Join the visits of several surveys to one position.

    Parameters
    ----------
    parts : sequence of Visits
        The visits of each; those of the first keep their numbers.
    survey : {"lsst", "ztf", "joint"}
        At whose site nights are counted.

    Returns
    -------
    Visits
        All visits. Airmass and seeing are kept where all surveys with visits have them.
    """
    numbered = [
        replace(part, visit_id=_renumbered(part.visit_id, k), night=local_nights(part.mjd, survey))
        for k, part in enumerate(parts)
    ]
    return Visits.concatenate([part for part in numbered if len(part)] or numbered)


@dataclass(frozen=True, kw_only=True)
class JointSurvey(PositionTables):
    """Two or more surveys at one position as a single strategy.

    Every visit keeps its survey's band, noise, saturation and field of view. Survey years count
    from the begin of the first survey: what the others saw before is known on its first day. Nights
    are counted at Cerro Pachon. Airmass and seeing are kept where all surveys have them; a fiducial
    seeing applies otherwise.

    Parameters
    ----------
    surveys : tuple of Cadence
        The surveys, the one whose strategy is asked about first; 2 to 8.
    name : str
        Name of the run; made from the surveys' names by default.

    Raises
    ------
    InputError
        If there are not 2 to 8 surveys.
    """

    surveys: tuple[Cadence, ...]
    name: str = ""

    def __post_init__(self) -> None:
        if not 2 <= len(self.surveys) <= 8:
            raise InputError(f"a joint survey of {len(self.surveys)}", allowed="2 to 8 surveys")
        if not self.name:
            object.__setattr__(self, "name", " + ".join(part.name for part in self.surveys))

    @property
    def survey(self) -> SurveyName:
        """Always ``"joint"``: bands carry the package's names."""
        return "joint"

    @property
    def fov_radius(self) -> float:
        """Radius of the first survey's field of view in degrees."""
        return self.surveys[0].fov_radius

    @property
    def mjd_start(self) -> float:
        """Begin of the first survey, MJD (TAI)."""
        return start_of(self.surveys[0])

    @override
    def at(self, ra: Any, dec: Any = None, radius: float | None = None) -> Visits:
        return joined([visits_if_any(part, ra, dec, radius) for part in self.surveys], "joint")
