"""The MAF metric: the fraction of stars whose period a blind search finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import SurveyName, parse_bands
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.position.distances import (
    DISTANCE_BAND,
    GOOD_DISTANCE,
    distance_errors,
    period_luminosity,
)
from pelsvae_cadence.metrics.position.metric import PositionMetric, value_reducer
from pelsvae_cadence.metrics.position.observe import (
    Recovery,
    StarSample,
    load_model,
    observe_and_search,
    stars_at,
)
from pelsvae_cadence.metrics.position.stars import field_at, own_star, region_at
from pelsvae_cadence.metrics.position.visits import SliceColumns
from pelsvae_cadence.periods.grid import PERIOD_RANGE, FrequencyGrid

__all__ = ["RECOVERY_VALUES", "PeriodRecoveryMetric"]

#: The values behind the reduce methods, with captions.
RECOVERY_VALUES: Final[dict[str, str]] = {
    "recovered": "fraction of stars whose period drifts by < 0.1 cycle over the survey",
    "strict": "fraction with a drift < 0.037 cycle (Oluseyi et al. 2012)",
    "within_1pct": "fraction with a period right to 1 per cent",
    "top5": "fraction with the true period among the five best",
    "recovered_or_half": "fraction recovered at the true, half or double period",
    "imprecise": "fraction found at the right peak, but with a drift of 0.1 to 1 cycle",
    "harmonic": "fraction found at half or twice the period",
    "alias": "fraction found at a daily or yearly alias",
    "daily_alias": "fraction found at a daily alias, sidereal or solar",
    "wrong": "fraction with an unrelated period",
    "no_detection": "fraction without a significant period",
    "good_distance": "fraction with a distance modulus good to 0.1 mag",
    "period_error": "median error of the recovered periods, as a fraction of the period",
    "n_visits": "median number of visits used per star",
}


def _reducer(key: str) -> Callable[[Any, dict[str, Any]], float]:
    """Make the reduce method for one of the `RECOVERY_VALUES`."""
    return value_reducer(key, RECOVERY_VALUES[key])


def _median_error(recovery: Recovery) -> float:
    """Give the median relative error of the recovered periods; NaN where there is none."""
    found = recovery.verdicts.recovered
    if not found.any():
        return float("nan")
    ratio = recovery.periods.period[found] / recovery.stars.period[found]
    return float(np.median(np.abs(ratio - 1.0)))


class PeriodRecoveryMetric(PositionMetric):
    """Fraction of periodic variables whose period a blind multi-band search recovers.

    At each slice point stars of one class are drawn from the learned source model, observed at
    every visit with forced photometry (noise from the visit's depth, saturation), and searched
    without any knowledge of the truth. The metric's value is a dictionary; its reduce methods
    give one number each.

    The stars of a position depend on the position and the seed alone, so that two strategies
    observe the same stars.

    The dictionary holds the values of `RECOVERY_VALUES`, "n_visits_all" (visits to the position),
    "crowded_region" (where noise of isolated stars is too optimistic: see
    `pelsvae_cadence.population.crowding`; "" elsewhere) and, per star, "star_id", "true_period",
    "found_period" [d] and "verdict".

    Parameters
    ----------
    metric_name : str
        Name of the metric; made from class and magnitude by default.
    mjd_col, m5_col, band_col : str
        Columns of time (MJD TAI, start of exposure), five-sigma depth and band.
    night_col, exptime_col, visit_id_col, seeing_col : str or None
        Columns of night, exposure time [s], visit number and effective seeing [arcsec]; None
        where the table has none.
    mjd_is_middle : bool
        `mjd_col` holds mid-exposure times. Otherwise half the exposure is added.
    survey : {"lsst", "ztf"}
        Whose filters, noise and saturation apply.
    star_class : str
        Class, subtype or alias (``"RRab"``, ``"CEP"``, ``"ECL"``, ...), or a mix in equal shares
        (``"RRab+CEP+EW"``), whose stars are those of the classes alone.
    magnitude : float or None
        Mean apparent AB magnitude of the stars in `reference_band`, extinction included.
    reference_band : str
        Band of the magnitude.
    distance_modulus : float, optional
        True distance modulus in mag, for ``magnitude=None``.
    ebv : float
        True E(B-V) in mag where the slice point has no "ebv". MAF's DustMap puts raw SFD values
        there, which are multiplied by 0.86.
    stars_per_position : int
        Stars drawn at each slice point.
    period_range : tuple of float or "class", optional
        Trial periods in days; 0.03 to 1000 d by default, blind to the class. "class" searches the
        range of the star's class in the source model, as if the class were known.
    baseline : float, optional
        Nominal time span in days; that of the slice's visits by default.
    false_alarm_level : float
        Largest false-alarm probability of a detection.
    min_visits : int
        Slice points with fewer visits are masked.
    max_visits : int
        Slice points with more visits (deep fields) are thinned evenly over nights and bands
        before the stars are observed, which bounds the cost and understates the depth.
    distances : bool
        Also estimate distance moduli from the relation of period and luminosity of the subtype
        (`pelsvae_cadence.metrics.position.distances`): the reduced value "good_distance" is masked
        otherwise.
    stack_minutes : float, optional
        Add up visits of one night and band that lie within so many minutes of the first
        (`pelsvae_cadence.metrics.position.deep_fields.stack_visits`) before anything else. 15 min bound the
        cost of deep fields at no loss for stars that vary in hours.
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
    on_run : callable, optional
        Called after each slice point, e.g. to move a progress bar.
    on_observed : callable, optional
        Called with the `pelsvae_cadence.metrics.position.observe.Recovery` of each slice point, e.g. to
        keep the light curves. A plain function: MAF copies metrics for their reduce methods.
    **kwargs
        Passed to MAF's BaseMetric (``units``, ``maps``, ``badval``, ...).

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> metric = PeriodRecoveryMetric(star_class="RRab", magnitude=22.0, stars_per_position=10)
    >>> metric.name
    'PeriodRecovery RRab r22'
    """

    def __init__(
        self,
        metric_name: str | None = None,
        mjd_col: str = "observationStartMJD",
        m5_col: str = "fiveSigmaDepth",
        band_col: str = "band",
        night_col: str | None = "night",
        exptime_col: str | None = "visitExposureTime",
        visit_id_col: str | None = None,
        seeing_col: str | None = None,
        mjd_is_middle: bool = False,
        survey: SurveyName = "lsst",
        star_class: str = "RRab",
        magnitude: float | None = 20.0,
        reference_band: str = "r",
        distance_modulus: float | None = None,
        ebv: float = 0.0,
        stars_per_position: int = 20,
        period_range: tuple[float, float] | Literal["class"] | None = None,
        baseline: float | None = None,
        false_alarm_level: float = 0.01,
        min_visits: int = 20,
        max_visits: int = 5000,
        distances: bool = False,
        stack_minutes: float | None = None,
        seed: int = 0,
        modulated: bool = False,
        crowded: bool = False,
        model: str = "default",
        on_run: Callable[[], None] | None = None,
        on_observed: Callable[[Recovery], None] | None = None,
        **kwargs: Any,
    ) -> None:
        if (magnitude is None) == (distance_modulus is None):
            raise InputError(
                f"magnitude = {magnitude!r} and distance_modulus = {distance_modulus!r}",
                remedy="Give one of the two; magnitude=None uses the distance modulus.",
            )
        self.sample = StarSample(
            star_class=star_class, n=int(stars_per_position), seed=seed, model=str(model)
        )
        self.magnitude = magnitude
        self.reference_band = str(parse_bands([reference_band], survey)[0])
        self.distance_modulus = distance_modulus
        self.period_range: tuple[float, float] | Literal["class"] = (
            PERIOD_RANGE if period_range is None else period_range
        )
        self.baseline = baseline
        # Refuse a range or baseline now rather than at the first slice point.
        tried = PERIOD_RANGE if self.period_range == "class" else self.period_range
        FrequencyGrid.from_baseline(3650.0 if baseline is None else baseline, tried)
        self.false_alarm_level = false_alarm_level
        self.modulated = bool(modulated)
        self.crowded = bool(crowded)
        self.distances = bool(distances)
        self.on_observed = on_observed
        if metric_name is None:
            where = f"mu{distance_modulus:g}" if magnitude is None else f"{self.reference_band}{magnitude:g}"
            metric_name = f"PeriodRecovery {star_class} {where}"
        super().__init__(
            SliceColumns(
                mjd=mjd_col,
                m5=m5_col,
                band=band_col,
                night=night_col,
                exptime=exptime_col,
                visit_id=visit_id_col,
                seeing=seeing_col,
                mjd_is_middle=mjd_is_middle,
            ),
            metric_name,
            survey=survey,
            ebv=ebv,
            min_visits=min_visits,
            max_visits=max_visits,
            stack_minutes=stack_minutes,
            on_run=on_run,
            **kwargs,
        )
        self.comment = (
            f"Blind multi-band period search of {self.sample.n} simulated {star_class} stars per position."
        )

    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        look = self.look(data_slice, slice_point)
        if look is None or slice_point is None:
            return None
        magnitude, distance_modulus = self.magnitude, self.distance_modulus
        own = own_star(slice_point, load_model(self.sample.model), self.sample.seed)
        if own is None:
            stars, curve = stars_at(self.sample, look.ra, look.dec, ebv=look.ebv)
        else:
            stars, curve = own
            magnitude = distance_modulus = None
        recovery = observe_and_search(
            stars,
            curve,
            look.visits,
            seed=self.sample.seed,
            magnitude=magnitude,
            reference_band=self.reference_band,
            distance_modulus=distance_modulus,
            period_range=self._range_of(stars.star_class),
            baseline=look.baseline if self.baseline is None else self.baseline,
            false_alarm_level=self.false_alarm_level,
            modulated=self.modulated,
            crowding=field_at(slice_point) if self.crowded else None,
        )
        if self.on_observed is not None:
            self.on_observed(recovery)
        verdicts = recovery.verdicts
        return {
            "recovered": verdicts.fraction("exact"),
            "strict": float(verdicts.strict.mean()),
            "within_1pct": float(verdicts.within_1pct.mean()),
            "top5": float(verdicts.top5.mean()),
            "recovered_or_half": float(verdicts.recovered_or_half.mean()),
            "imprecise": verdicts.fraction("imprecise"),
            "harmonic": verdicts.fraction("harmonic"),
            "alias": verdicts.fraction("alias"),
            "daily_alias": float(verdicts.daily_alias.mean()),
            "wrong": verdicts.fraction("wrong"),
            "no_detection": verdicts.fraction("no detection"),
            "good_distance": self._good_distances(recovery),
            "period_error": _median_error(recovery),
            "n_visits": recovery.n_visits_used,
            "n_visits_all": look.n_visits,
            "crowded_region": region_at(slice_point),
            "star_id": recovery.stars.star_id,
            "true_period": recovery.stars.period,
            "found_period": recovery.periods.period,
            "verdict": verdicts.verdict,
        }

    def _range_of(self, star_class: npt.NDArray[np.str_]) -> tuple[float, float]:
        if self.period_range != "class":
            return self.period_range
        model = load_model(self.sample.model)
        # One search serves all stars: of a mix it covers the ranges of all its classes.
        ranges = [model.ranges(name)["period"] for name in np.unique(star_class).tolist()]
        return min(low for low, _ in ranges), max(high for _, high in ranges)

    def _good_distances(self, recovery: Recovery) -> float:
        if not self.distances:
            return float("nan")
        stars, model = recovery.stars, load_model(self.sample.model)
        errors = np.full(len(stars), np.nan)
        # Each pulsation mode and type has a relation of its own.
        kinds = np.char.add(np.char.add(stars.star_class, "|"), stars.subtype)
        for kind in np.unique(kinds).tolist():
            star_class, subtype = kind.split("|")
            relation = period_luminosity(model, star_class, subtype or None, DISTANCE_BAND[self.survey])
            errors = np.where(kinds == kind, distance_errors(recovery, relation), errors)
        return float(np.mean(np.abs(errors) < GOOD_DISTANCE))

    # MAF finds reduce methods by their names.
    reduce_recovered = _reducer("recovered")
    reduce_strict = _reducer("strict")
    reduce_within_1pct = _reducer("within_1pct")
    reduce_top5 = _reducer("top5")
    reduce_recovered_or_half = _reducer("recovered_or_half")
    reduce_imprecise = _reducer("imprecise")
    reduce_harmonic = _reducer("harmonic")
    reduce_alias = _reducer("alias")
    reduce_daily_alias = _reducer("daily_alias")
    reduce_wrong = _reducer("wrong")
    reduce_no_detection = _reducer("no_detection")
    reduce_good_distance = _reducer("good_distance")
    reduce_period_error = _reducer("period_error")
    reduce_n_visits = _reducer("n_visits")
