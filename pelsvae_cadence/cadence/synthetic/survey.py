"""Synthetic survey: seeded LSST-like and ZTF-like visits at any sky position.

The survey is made position by position. Every random number has an address - (seed, purpose, cell
of the sky, item) or (seed, purpose, night) for what the whole sky shares, such as the weather - so
the visits of a position do not depend on which other positions are asked for. What is astronomy is
computed, not drawn: seasons follow the Sun, times of night the sidereal time at the site, bands
the phase of the Moon, depths the airmass and the Moon. What is strategy follows tables measured on
real pointing tables (see `pelsvae_cadence.cadence.synthetic.presets`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.footprint_edge import OutsideFootprintWarning
from pelsvae_cadence.cadence.position_table import PositionTables
from pelsvae_cadence.cadence.synthetic import footprint
from pelsvae_cadence.cadence.synthetic.cells import sky_cell
from pelsvae_cadence.cadence.synthetic.exposures import ID_NSIDE, Exposures
from pelsvae_cadence.cadence.synthetic.presets import (
    LSST_V3,
    LSST_V5_EXPOSURE_TIME,
    LSST_V5_VISITS,
    ZTF_2018,
    SurveyModel,
    over_positions,
)
from pelsvae_cadence.cadence.synthetic.schedule import Schedule
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.core.tables.columns import numbers
from pelsvae_cadence.core.tables.containers import number
from pelsvae_cadence.core.tables.sky_positions import ra_dec
from pelsvae_cadence.core.times import JULIAN_YEAR

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PRESETS", "SyntheticSurvey"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

PRESETS: Final = ("lsst-v3", "lsst-v5", "ztf")
_ALIASES: Final = {"lsst": "lsst-v3"}

_YEARS_RANGE: Final = (0.1, 20.0)
_ROLLING_RANGE: Final = (0.0, 1.5)
_SEASON_RANGE: Final = (0.3, 1.5)
_EXPOSURE_RANGE: Final = (1.0, 600.0)
_VISITS_RANGE: Final = (0.0, 5000.0)


def _check_range(name: str, value: float, allowed: tuple[float, float], unit: str = "") -> float:
    """Refuse a knob that is not a number in its range."""
    low, high = allowed
    words = f"{low:g} to {high:g}{unit}"
    units = {" years": "yr", " s": "s"}
    try:
        found = number(name, value, units.get(unit))
    except InputError as error:
        raise InputError(f"{name} = {value!r} is not a number", allowed=words) from error
    if not low <= found <= high:
        raise InputError(f"{name} = {value!r}", allowed=words)
    return found


@dataclass(frozen=True, kw_only=True)
class SyntheticSurvey(PositionTables):
    """A synthetic ground-based survey, LSST-like or ZTF-like.

    Parameters
    ----------
    preset : {"lsst-v3", "lsst-v5", "ztf", "lsst"}
        ``"lsst-v3"`` follows the statistics of Rubin OpSim baseline v3.0 (``"lsst"`` is the same),
        ``"ztf"`` those of the ZTF pointings of 2018 to 2022. ``"lsst-v5"`` is v3.0 with the
        exposure times of the v5 baselines (29 s, 38 s in u) and a tenth fewer visits: an
        approximation.
    seed : int
        Seed of all random numbers, 0 or larger.
    years : float, optional
        Length of the survey in years of 365.25 d, 0.1 to 20. Up to the preset's length, a shorter
        survey is the beginning of a longer one. None takes the preset's: 10 for LSST, 4.2 for ZTF.
    rolling_strength : float, optional
        Contrast between favoured and other stripes in rolling seasons: 0 for none, 1 for the
        preset's, at most 1.5. With ``"ztf"``, which has no stripes, it scales the contrast between
        the seasons of a position.
    rolling_years : tuple of int, optional
        Numbers of the observing seasons, counted from 1, that are rolled. The n-th is the season
        whose opposition falls in survey year n, give or take four months. LSST only; the preset
        rolls from the third on.
    pairing : float, optional
        Share of blocks of visits that are pairs or longer, 0 to 1; None takes the preset's (about
        0.78 for LSST, 0.72 for ZTF). The number of visits stays.
    season_length : float, optional
        Factor on the length of the seasons, 0.3 to 1.5. The number of visits stays.
    exposure_time : mapping of str to float, optional
        Exposure times in seconds, 1 to 600, by band; other bands keep the preset's. Depths change
        by 1.25 log10 of the ratio.
    visits_per_band : mapping of str to float, optional
        Expected visits at an ordinary position of the wide survey over the preset's length (ten
        years for LSST), by band; other bands keep the preset's.

    Raises
    ------
    InputError
        For unknown presets and bands, and for values outside their ranges.

    Notes
    -----
    Deep drilling fields, the shape of the camera and the field grid are not modelled. Neighbouring
    cells of the sky share the weather and the strategy, but not their pointings.
    """

    preset: str = "lsst-v3"
    seed: int = 0
    years: float | None = None
    rolling_strength: float | None = None
    rolling_years: tuple[int, ...] | None = None
    pairing: float | None = None
    season_length: float | None = None
    exposure_time: Mapping[str, float] | None = None
    visits_per_band: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        preset = _ALIASES.get(self.preset, self.preset)
        if preset not in PRESETS:
            raise InputError(
                f"unknown survey preset {self.preset!r}", allowed=", ".join((*PRESETS, *_ALIASES))
            )
        object.__setattr__(self, "preset", preset)
        KeyedRandom(seed=self.seed)  # refuses what is no seed
        for name, allowed, unit in (
            ("years", _YEARS_RANGE, " years"),
            ("rolling_strength", _ROLLING_RANGE, ""),
            ("pairing", (0.0, 1.0), ""),
            ("season_length", _SEASON_RANGE, ""),
        ):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, _check_range(name, value, allowed, unit))
        if self.rolling_years is not None:
            self._check_rolling_years()
        for name, allowed, unit in (
            ("exposure_time", _EXPOSURE_RANGE, " s"),
            ("visits_per_band", _VISITS_RANGE, " visits"),
        ):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, self._check_bands(name, given, allowed, unit))
        if sum(self._expected_visits.values()) < 1.0:
            raise InputError(
                "visits_per_band leaves less than one visit in all bands",
                remedy="Bands that are not named keep the preset's visits; raise one of the others.",
            )

    def _check_rolling_years(self) -> None:
        last = int(_YEARS_RANGE[1])
        if self._model.rolling is None:
            raise InputError(
                f"rolling_years = {self.rolling_years!r} for preset {self.preset!r}",
                remedy="This preset has no rolling stripes; leave rolling_years out.",
            )
        chosen = tuple(self.rolling_years or ())
        for year in chosen:
            if isinstance(year, bool) or not isinstance(year, (int, np.integer)):
                raise InputError(f"rolling_years holds {year!r}", allowed=f"whole numbers 1 to {last}")
            if not 1 <= year <= last:
                raise InputError(f"rolling_years holds {year!r}", allowed=f"1 to {last}")
        object.__setattr__(self, "rolling_years", tuple(sorted({int(year) for year in chosen})))

    def _check_bands(
        self, name: str, given: Mapping[str, float], allowed: tuple[float, float], unit: str
    ) -> dict[str, float]:
        if not isinstance(given, Mapping):
            raise InputError(
                f"{name} = {given!r} is not a mapping",
                allowed="a mapping of band to number, such as {'u': 38.0}",
            )
        for band in given:
            if band not in self._model.bands:
                raise InputError(f"{name} names band {band!r}", allowed=", ".join(self._model.bands))
        return {
            band: _check_range(f"{name}[{band!r}]", given[band], allowed, unit)
            for band in self._model.bands
            if band in given
        }

    @property
    def _model(self) -> SurveyModel:
        return ZTF_2018 if self.preset == "ztf" else LSST_V3

    @property
    def name(self) -> str:
        """Preset, seed and all knobs that differ from the preset."""
        knobs = [f"seed {self.seed}"]
        for name in (
            "years",
            "rolling_strength",
            "rolling_years",
            "pairing",
            "season_length",
            "exposure_time",
            "visits_per_band",
        ):
            value = getattr(self, name)
            if isinstance(value, dict):
                value = " ".join(f"{band}={number:g}" for band, number in value.items())
            elif isinstance(value, tuple):
                value = " ".join(str(number) for number in value) or "none"
            elif isinstance(value, float):
                value = f"{value:g}"
            if value is not None:
                knobs.append(f"{name.replace('_', ' ')} {value}")
        return f"synthetic {self.preset} ({', '.join(knobs)})"

    @property
    def survey(self) -> SurveyName:
        """The survey whose bands are used."""
        return self._model.survey

    @property
    def fov_radius(self) -> float:
        """Radius of the field of view in degrees."""
        return self._model.fov_radius

    @property
    def mjd_start(self) -> float:
        """Begin of the first survey year, MJD (TAI)."""
        return self._model.mjd_start

    @property
    def length(self) -> float:
        """Length of the survey in years of 365.25 d."""
        return self._model.years if self.years is None else self.years

    @cached_property
    def _exposure_times(self) -> dict[str, float]:
        times = dict(self._model.exposure_time)
        if self.preset == "lsst-v5":
            times.update(LSST_V5_EXPOSURE_TIME)
        return {**times, **(self.exposure_time or {})}

    @cached_property
    def _expected_visits(self) -> dict[str, float]:
        """Visits at the median position by band."""
        factor = LSST_V5_VISITS if self.preset == "lsst-v5" else 1.0
        preset = {
            band: factor * over_positions(self._model.visits_per_band[band], 0.5)
            for band in self._model.bands
        }
        return {**preset, **(self.visits_per_band or {})}

    @cached_property
    def _exposures(self) -> Exposures:
        """The machinery, made once with the knobs of this survey."""
        schedule = Schedule(
            model=self._model,
            random=KeyedRandom(seed=self.seed),
            years=self.length,
            expected_visits=self._expected_visits,
            rolling_strength=1.0 if self.rolling_strength is None else self.rolling_strength,
            rolling_years=self.rolling_years,
            pairing=self.pairing,
            season_length=1.0 if self.season_length is None else self.season_length,
        )
        return Exposures(schedule=schedule, exposure_time=self._exposure_times)

    def in_footprint(self, ra: Any, dec: Any = None) -> npt.NDArray[np.bool_]:
        """Tell which positions the survey observes.

        Parameters
        ----------
        ra, dec : array_like or SkyCoord
            ICRS positions, degrees; or a SkyCoord alone, as `ra`.

        Returns
        -------
        ndarray of bool
            True inside the footprint.

        Raises
        ------
        InputError
            If a declination is not between -90 and 90, or a coordinate is not finite.
        """
        alpha, delta = _check_positions(ra, dec)
        return np.asarray(self.region(alpha, delta) != footprint.OUTSIDE)

    def region(self, ra: npt.ArrayLike, dec: npt.ArrayLike) -> IntArray:
        """Tell the region of the footprint, see `pelsvae_cadence.cadence.synthetic.footprint`.

        Parameters
        ----------
        ra, dec : array_like
            ICRS positions, degrees.

        Returns
        -------
        ndarray of int64
            ``WIDE`` for the wide survey, ``OUTSIDE`` (0) where nothing is observed.
        """
        find = footprint.lsst_region if self.survey == "lsst" else footprint.ztf_region
        return find(ra, dec)

    @override
    def at(self, ra: Any, dec: Any = None, radius: float | None = None) -> Visits:
        del radius
        alpha, delta = _check_positions(*ra_dec(ra, dec, one=True))
        if alpha.size != 1:
            raise InputError(f"at() got {alpha.size} positions", remedy="Ask for one position at a time.")
        ra, dec = float(alpha.ravel()[0]), float(delta.ravel()[0])
        region = int(self.region(ra, dec))
        if region == footprint.OUTSIDE:
            warnings.warn(
                f"{self.name} never looks at ra = {ra:.4f}, dec = {dec:.4f} deg: no visits",
                OutsideFootprintWarning,
                stacklevel=2,
            )
            return _no_visits()
        schedule = self._exposures.schedule
        place = schedule.place(ra, dec, region)
        night = schedule.observed_nights(place)
        if night.size == 0:
            return _no_visits()
        pattern = schedule.choose_patterns(place, night)
        # Cut last: a shorter survey is the beginning of a longer one.
        inside = night < self.length * JULIAN_YEAR
        if not inside.any():
            return _no_visits()
        return self._exposures.expose(place, night[inside], pattern[inside])

    @override
    def opsim_table(self, ra: Any, dec: Any = None) -> pd.DataFrame:
        alpha, delta = (values.ravel() for values in _check_positions(ra, dec))
        if np.unique(sky_cell(ID_NSIDE, alpha, delta)).size != alpha.size:
            raise InputError(
                "two of the positions are closer than 6 arcsec, and would share visit numbers",
                remedy="Remove repeated positions.",
            )
        return super().opsim_table(alpha, delta)


def _check_positions(ra: Any, dec: Any = None) -> tuple[FloatArray, FloatArray]:
    ra, dec = ra_dec(ra, dec)
    try:
        alpha, delta = np.broadcast_arrays(numbers("ra", ra, "deg"), numbers("dec", dec, "deg"))
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"positions cannot be read: {error}") from error
    if not (np.isfinite(alpha).all() and np.isfinite(delta).all()):
        raise InputError("a right ascension or declination is not finite")
    if alpha.size and not (np.abs(delta) <= 90.0).all():
        bad = delta[np.abs(delta) > 90.0].ravel()[0]
        raise InputError(f"declination {bad:g}", allowed="-90 to 90 deg")
    if alpha.size and not ((alpha >= -360.0) & (alpha <= 720.0)).all():
        raise InputError(
            f"right ascension {alpha[(alpha < -360.0) | (alpha > 720.0)].ravel()[0]:g}",
            allowed="-360 to 360 deg",
        )
    return np.asarray(alpha % 360.0), np.asarray(delta)


def _no_visits() -> Visits:
    empty = np.zeros(0)
    return Visits(
        mjd=empty,
        band=np.zeros(0, dtype="U2"),
        m5=empty,
        night=np.zeros(0, dtype=np.int64),
        visit_id=np.zeros(0, dtype=np.int64),
        exptime=empty,
        airmass=empty,
        seeing=empty,
    )
