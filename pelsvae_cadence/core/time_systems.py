"""Time systems: JD and MJD; UTC, TAI, TT, TDB, TCB; geocentric, heliocentric, barycentric."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import MJD_ZERO

__all__ = ["MJD_TAI", "Reference", "TimeSystem", "detect_time_system", "parse_time_system"]

FloatArray = npt.NDArray[np.float64]
Reference = Literal["geocentric", "heliocentric", "barycentric"]

_SCALES: Final = ("utc", "tai", "tt", "tdb", "tcb")
# What is meant where a name has no scale; whoever assumes it says so.
_USUAL_SCALE: Final[dict[str, str]] = {"MJD": "tai", "JD": "utc", "HJD": "utc", "BJD": "tdb"}
# Years 1600 to 2400: what lies outside is damage, not a date.
_DATES: Final = (-95000.0, 200000.0)
# Today's surveys: what a column named "time" must look like to be known for MJD or JD.
_RECENT: Final = (30000.0, 100000.0)
_SHORT: Final = {"btjd": "BJD TDB - 2457000", "bkjd": "BJD TDB - 2454833"}
_WRITTEN: Final = re.compile(
    r"^(?P<reference>[bhg])?(?P<mjd>m)?(?P<reference2>[bh])?jd"
    r"(?:[\s_(/\[-]*(?:in[\s_]+)?(?P<scale>utc|tai|tt|tdb|tcb))?[\s_)\]]*(?:-\s*(?P<zero>[0-9.]+))?\s*[)\]]*$"
)
_NAMED: Final = re.compile(
    r"^(?:obs|exp|mid|time|t|date|midpoint|expmidpt|obsmidpt|exp_midpt|midpt)?_?"
    r"(?P<kind>(?:[bh]m?|m[bh]?|)jd)_?(?P<scale>utc|tai|tt|tdb|tcb)?(?:_?(?:obs|mid))?$"
)


@dataclass(frozen=True, kw_only=True)
class TimeSystem:
    """How a column counts time.

    Parameters
    ----------
    format : {"MJD", "JD"}
        Where the count starts.
    scale : {"utc", "tai", "tt", "tdb", "tcb"}
        Which clock ticks.
    reference : {"geocentric", "heliocentric", "barycentric"}
        Where the light arrives at that time. Geocentric times stand for those of an observatory.
    zero : float
        Days that have to be added to the numbers.
    scale_assumed : bool
        The scale is the usual one of the format, not stated.
    """

    format: Literal["MJD", "JD"] = "MJD"
    scale: str = "tai"
    reference: Reference = "geocentric"
    zero: float = 0.0
    scale_assumed: bool = False

    def __str__(self) -> str:
        letter = {"geocentric": "", "heliocentric": "H", "barycentric": "B"}[self.reference]
        less = f" - {self.zero:.12g}" if self.zero else ""
        assumed = ", scale not stated" if self.scale_assumed else ""
        return f"{letter}{self.format} ({self.scale.upper()}{assumed}){less}"

    @property
    def converted(self) -> str:
        """What `to_mjd_tai` makes of it: MJD (TAI), with the place of arrival kept."""
        return "MJD (TAI)" if self.reference == "geocentric" else f"MJD (TAI), {self.reference}"

    def to_mjd_tai(self, values: FloatArray) -> FloatArray:
        """Convert times to MJD (TAI).

        The place of arrival stays: without a position on the sky a heliocentric or barycentric time
        cannot become a geocentric one.

        Parameters
        ----------
        values : ndarray of float64
            Times in this system.

        Returns
        -------
        ndarray of float64
            MJD (TAI); NaN where there was no date between the years 1600 and 2400.
        """
        days = values + (self.zero if self.format == "MJD" else self.zero - MJD_ZERO)
        days = np.where((days > _DATES[0]) & (days < _DATES[1]), days, np.nan)
        if self.scale == "tai":
            return days
        from astropy.time import Time

        good = np.isfinite(days)
        # The whole days go apart: the sum of a Julian Date keeps 40 microseconds, no less.
        offset = self.zero - (MJD_ZERO if self.format == "JD" else 0.0)
        whole = np.floor(values[good])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ERFA calls years before 1960 dubious
            times = Time(whole + offset, values[good] - whole, format="mjd", scale=self.scale)
            days[good] = times.tai.mjd
        return days


#: The package's own times.
MJD_TAI: Final = TimeSystem()


def parse_time_system(text: Any) -> TimeSystem:
    """Read a time system as astronomers write it.

    Parameters
    ----------
    text : str or TimeSystem
        ``"MJD TAI"``, ``"JD UTC"``, ``"HJD - 2450000"``, ``"BJD TCB - 2455197.5"``, ``"BJD_TDB"``,
        ``"BTJD"``. Without a scale MJD is taken as TAI, JD and HJD as UTC, BJD as TDB.

    Returns
    -------
    TimeSystem
        The system.

    Raises
    ------
    InputError
        If it cannot be read.

    Examples
    --------
    >>> print(parse_time_system("BJD TCB - 2455197.5"))
    BJD (TCB) - 2455197.5
    """
    if isinstance(text, TimeSystem):
        return text
    plain = str(text).strip().lower()
    found = _WRITTEN.match(_SHORT.get(plain, plain).lower())
    if found is None:
        raise InputError(
            f"time system {text!r}",
            allowed='"MJD", "JD", "HJD" or "BJD", with "UTC", "TAI", "TT", "TDB" or "TCB" and '
            '"- 2450000" or the like behind it where needed',
        )
    letter = found["reference"] or found["reference2"] or "g"
    return _system(letter, found["mjd"] is not None, found["scale"], float(found["zero"] or 0.0))


def _system(letter: str, mjd: bool, scale: str | None, zero: float) -> TimeSystem:
    reference: Reference = {"b": "barycentric", "h": "heliocentric"}.get(letter, "geocentric")  # type: ignore[assignment]
    kind = {"b": "BJD", "h": "HJD"}.get(letter, "MJD" if mjd else "JD")
    return TimeSystem(
        format="MJD" if mjd else "JD",
        scale=scale or _USUAL_SCALE[kind],
        reference=reference,
        zero=zero,
        scale_assumed=scale is None,
    )


def _system_from_name(name: str) -> TimeSystem | None:
    """Read the time system that the name of a column states."""
    plain = re.sub(r"[\s()\[\]-]+", "_", name.strip().lower()).strip("_")
    if plain in _SHORT:
        return parse_time_system(plain)
    found = _NAMED.match(plain)
    if found is None:
        return None
    kind = found["kind"]
    letter = "b" if "b" in kind else "h" if "h" in kind else "g"
    return _system(letter, "m" in kind, found["scale"], 0.0)


def detect_time_system(name: str, values: FloatArray, *, argument: str = "time_system") -> TimeSystem:
    """Tell the time system of a column by its name, and by its values where the name is silent.

    Parameters
    ----------
    name : str
        Name of the column.
    values : ndarray of float64
        Its values.
    argument : str
        How the user states the system, for the message.

    Returns
    -------
    TimeSystem
        The system.

    Raises
    ------
    InputError
        If neither tells, or one contradicts the other.
    """
    finite = values[np.isfinite(values)]
    middle = float(np.median(finite)) if finite.size else np.nan
    remedy = f'State it: {argument}="MJD TAI", "JD UTC", "HJD - 2450000", "BJD TCB - 2455197.5" or the like.'
    system = _system_from_name(name)
    julian = _RECENT[0] + MJD_ZERO < middle < _RECENT[1] + MJD_ZERO
    if system is None:
        if julian:
            return TimeSystem(format="JD", scale="utc", scale_assumed=True)
        if _RECENT[0] < middle < _RECENT[1]:
            return TimeSystem(scale_assumed=True)
        raise InputError(
            f"the time system of column {name!r} is not known: its values are around {middle:.6g}",
            remedy=remedy,
        )
    if np.isfinite(middle) and (julian if system.format == "MJD" else not _is_date(system, middle)):
        raise InputError(
            f"column {name!r} says {system.format}, but its values are around {middle:.6g}", remedy=remedy
        )
    return system


def _is_date(system: TimeSystem, value: float) -> bool:
    return _DATES[0] < value + system.zero - MJD_ZERO < _DATES[1]
