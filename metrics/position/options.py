"""Options of the metrics: table columns, visits, stars and period search, each defined here alone.

A frozen dataclass says what its options mean, and refuses values out of range. Metrics, batches and
runs take the same options as keywords: the typed dictionaries let a type checker follow them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict, cast

from pelsvae_cadence.bands import SURVEYS, SurveyName, parse_bands
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.tables.containers import number, whole_number
from pelsvae_cadence.metrics.position.methods import FALSE_ALARM_LEVEL, Method, check_method
from pelsvae_cadence.metrics.position.observe import StarSample
from pelsvae_cadence.periods.grid import PERIOD_RANGE, FrequencyGrid, period_limits

__all__ = [
    "PeriodRange",
    "PeriodRecoveryKeywords",
    "RecoveryKeywords",
    "RecoveryOptions",
    "SliceKeywords",
    "SliceOptions",
    "TableKeywords",
    "table_keywords",
]

#: Shortest and longest trial period in days, or the range of the star's class.
PeriodRange = tuple[float, float] | Literal["class"]

# An hour: beyond it, stacks would smear short periods beyond recognition.
_LONGEST_STACK: Final = 60.0


class TableKeywords(TypedDict, total=False):
    """Keywords that the survey table decides: see `SliceOptions`."""

    mjd_col: str
    m5_col: str
    band_col: str
    night_col: str | None
    exptime_col: str | None
    survey: SurveyName


class SliceKeywords(TypedDict, total=False):
    """Keywords of every metric of this package: see `SliceOptions`."""

    visit_id_col: str | None
    seeing_col: str | None
    mjd_is_middle: bool
    ebv: float
    min_visits: int
    max_visits: int
    stack_minutes: float | None
    units: str
    maps: list[Any] | None
    badval: float
    mask_val: float | None


class RecoveryKeywords(SliceKeywords, total=False):
    """Keywords of a search for periods, without class and magnitude: see `RecoveryOptions`."""

    reference_band: str
    distance_modulus: float | None
    stars_per_position: int
    method: Method
    period_range: PeriodRange | None
    baseline: float | None
    false_alarm_level: float | None
    distances: bool
    seed: int
    modulated: bool
    crowded: bool
    model: str


class PeriodRecoveryKeywords(RecoveryKeywords, TableKeywords, total=False):
    """All keywords of a search for periods: see `RecoveryOptions`."""

    star_class: str
    magnitude: float | None


def table_keywords(columns: Mapping[str, Any], survey: SurveyName) -> TableKeywords:
    """Name the columns of a survey table for a metric.

    Parameters
    ----------
    columns : mapping
        Column names as of ``rubin_sim.maf.batches.col_map_dict``. Keys that are missing or None
        ("night", "exptime") are done without.
    survey : {"lsst", "ztf", "joint"}
        Whose filters, noise and saturation apply.

    Returns
    -------
    dict
        Keywords of the metrics.
    """
    return {
        "mjd_col": columns["mjd"],
        "m5_col": columns["fiveSigmaDepth"],
        "band_col": columns.get("band") or columns["filter"],
        "night_col": columns.get("night"),
        "exptime_col": columns.get("exptime"),
        "survey": survey,
    }


@dataclass(frozen=True, kw_only=True)
class SliceOptions:
    """What a metric needs to know to read the visits of a slice point.

    Parameters
    ----------
    mjd_col, m5_col, band_col : str
        Columns of time (MJD TAI, start of exposure), five-sigma depth and band.
    night_col, exptime_col, visit_id_col, seeing_col : str or None
        Columns of night, exposure time [s], visit number and effective seeing [arcsec]; None
        where the table has none. Nights are then counted at local noon, exposures last 30 s,
        numbers are made from the time, and the seeing is the survey's fiducial one.
    mjd_is_middle : bool
        `mjd_col` holds mid-exposure times. Otherwise half the exposure is added.
    survey : {"lsst", "ztf", "joint"}
        Whose filters, noise and saturation apply.
    ebv : float
        True E(B-V) in mag where the slice point has no "ebv". MAF's DustMap puts raw SFD values
        there, which are multiplied by 0.86.
    min_visits : int
        Slice points with fewer visits are masked.
    max_visits : int
        Slice points with more visits (deep fields) are thinned evenly over nights and bands
        before the stars are observed, which bounds the cost and understates the depth.
    stack_minutes : float, optional
        Add up visits of one night and band that lie within so many minutes of the first
        (`pelsvae_cadence.metrics.position.deep_fields.stack_visits`) before anything else. 15 min
        bound the cost of deep fields at no loss for stars that vary in hours. Up to 60.
    units : str
        MAF's unit of the values. One string serves all reduce methods, counts included.
    maps : list, optional
        MAF's maps that the slicer needs, e.g. its DustMap.
    badval, mask_val : float
        MAF's values of masked slice points.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    mjd_col: str = "observationStartMJD"
    m5_col: str = "fiveSigmaDepth"
    band_col: str = "band"
    night_col: str | None = "night"
    exptime_col: str | None = "visitExposureTime"
    visit_id_col: str | None = None
    seeing_col: str | None = None
    mjd_is_middle: bool = False
    survey: SurveyName = "lsst"
    ebv: float = 0.0
    min_visits: int = 20
    max_visits: int = 5000
    stack_minutes: float | None = None
    units: str = ""
    maps: list[Any] | None = None
    badval: float = -666
    mask_val: float | None = None

    def __post_init__(self) -> None:
        if self.survey not in SURVEYS:
            raise InputError(f"unknown survey {self.survey!r}", allowed=", ".join(SURVEYS))
        least = whole_number("min_visits", self.min_visits, 1)
        whole_number("max_visits", self.max_visits, least)
        if not number("ebv", self.ebv, "mag") >= 0:
            raise InputError(f"ebv = {self.ebv!r} mag", allowed="0 or more")
        object.__setattr__(self, "ebv", number("ebv", self.ebv, "mag"))
        if self.stack_minutes is not None:
            minutes = number("stack_minutes", self.stack_minutes, "min")
            if not 0 < minutes <= _LONGEST_STACK:
                raise InputError(
                    f"stack_minutes = {self.stack_minutes!r}", allowed=f"above 0, up to {_LONGEST_STACK:g}"
                )
            object.__setattr__(self, "stack_minutes", minutes)

    @property
    def columns(self) -> list[str]:
        """The columns to ask MAF for."""
        optional = (self.night_col, self.exptime_col, self.visit_id_col, self.seeing_col)
        return [self.mjd_col, self.m5_col, self.band_col, *(name for name in optional if name is not None)]


@dataclass(frozen=True, kw_only=True)
class RecoveryOptions(SliceOptions):
    """Which stars are observed at a slice point, and how their periods are searched.

    Parameters
    ----------
    star_class : str
        Class, subtype or alias (``"RRab"``, ``"CEP"``, ``"ECL"``, ...), or a mix in equal shares
        (``"RRab+CEP+EW"``), whose stars are those of the classes alone.
    magnitude : float or None
        Mean apparent AB magnitude of the stars in `reference_band`, extinction included.
    reference_band : str
        Band of the magnitude, as the survey or the package spells it.
    distance_modulus : float, optional
        True distance modulus in mag, for ``magnitude=None``.
    stars_per_position : int
        Stars drawn at each slice point.
    method : {"harmonic", "learned"}
        How periods are found: by the harmonic search, or by reading the light curves with the source
        model (`pelsvae_cadence.infer`), all classes alike. The stars are drawn from that model, too: a
        reading of real stars, which are not quite its, does a little less well.
    period_range : tuple of float or "class", optional
        Trial periods in days; 0.03 to 1000 d by default, blind to the class. "class" searches the
        range of the star's class in the source model, as if the class were known.
    baseline : float, optional
        Nominal time span in days; that of the slice's visits by default.
    false_alarm_level : float, optional
        Largest false-alarm probability of a detection: 0.01 of the harmonic search, the chance that
        noise makes its highest peak; 0.5 of a reading, the probability that its period is wrong.
    distances : bool
        Also estimate distance moduli from the relation of period and luminosity of the subtype
        (`pelsvae_cadence.metrics.position.distances`): the reduced value "good_distance" is masked
        otherwise.
    seed : int
        Seed of stars and noise.
    modulated : bool
        Let Miras, RR Lyrae stars and Cepheids deviate from strict periodicity
        (`pelsvae_cadence.simulation.modulation`, with its defaults).
    crowded : bool
        Blend stars with neighbours and add the crowding error, from MAF's StellarDensityMap where
        it has run, else from built-in star counts of the bulge and the Magellanic Clouds. Without
        it stars are isolated everywhere, and "crowded_region" of the value says where that is
        too optimistic.
    model : str
        Name or path of the source model.

    Raises
    ------
    InputError
        If a value is out of range.

    See Also
    --------
    SliceOptions : The columns of the table, and which visits count.
    """

    star_class: str = "RRab"
    magnitude: float | None = 20.0
    reference_band: str = "r"
    distance_modulus: float | None = None
    stars_per_position: int = 20
    method: Method = "harmonic"
    period_range: PeriodRange | None = None
    baseline: float | None = None
    false_alarm_level: float | None = None
    distances: bool = False
    seed: int = 0
    modulated: bool = False
    crowded: bool = False
    model: str = "default"

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.magnitude is None) == (self.distance_modulus is None):
            raise InputError(
                f"magnitude = {self.magnitude!r} and distance_modulus = {self.distance_modulus!r}",
                remedy="Give one of the two; magnitude=None uses the distance modulus.",
            )
        for name in ("star_class", "reference_band", "model"):
            value = getattr(self, name)
            if not isinstance(value, str):
                hint = f'A mix is one name, "{"+".join(map(str, value))}".' if _names(name, value) else ""
                raise InputError(f"{name} = {value!r}", allowed="one name", remedy=hint)
        for name, unit in (("magnitude", "mag"), ("distance_modulus", "mag"), ("baseline", "d")):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, number(name, getattr(self, name), unit))
        if self.magnitude is not None and not 0 < self.magnitude < 40:
            raise InputError(f"magnitude = {self.magnitude:g}", allowed="0 to 40")
        usual = FALSE_ALARM_LEVEL[check_method(self.method)]
        level = (
            usual if self.false_alarm_level is None else number("false_alarm_level", self.false_alarm_level)
        )
        if not 0 < level <= 1:
            raise InputError(f"false_alarm_level = {level:g}", allowed="above 0, up to 1")
        object.__setattr__(self, "false_alarm_level", level)
        whole_number("stars_per_position", self.stars_per_position, 1)
        object.__setattr__(self, "seed", whole_number("seed", self.seed, 0))
        band = str(parse_bands([self.reference_band], self.survey)[0])
        object.__setattr__(self, "reference_band", band)
        _ = self.sample  # refuses an unknown class
        # Refuse a range or baseline now rather than at the first slice point.
        if isinstance(self.period_range, str) and self.period_range != "class":
            raise InputError(
                f"period_range = {self.period_range!r}", allowed='two periods in days, or "class"'
            )
        FrequencyGrid.from_baseline(3650.0 if self.baseline is None else self.baseline, self.blind_range)

    @property
    def sample(self) -> StarSample:
        """The stars to draw at each position."""
        return StarSample(
            star_class=self.star_class, n=int(self.stars_per_position), seed=self.seed, model=str(self.model)
        )

    @property
    def stars_label(self) -> str:
        """Class and brightness of the stars, for names."""
        if self.magnitude is None:
            return f"{self.star_class} mu{self.distance_modulus:g}"
        return f"{self.star_class} {self.reference_band}{self.magnitude:g}"

    @property
    def blind_range(self) -> tuple[float, float]:
        """Trial periods in days, where the class is not known."""
        if self.period_range is None or self.period_range == "class":
            return PERIOD_RANGE
        return period_limits(self.period_range)

    @property
    def keywords(self) -> PeriodRecoveryKeywords:
        """The options as keywords of another metric."""
        return cast("PeriodRecoveryKeywords", dict(vars(self)))


def _names(name: str, value: Any) -> bool:
    return name == "star_class" and isinstance(value, list | tuple)
