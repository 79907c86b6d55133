"""MAF metric of period recovery: fraction of stars whose period a blind search finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
from typing_extensions import Unpack, override

from pelsvae_cadence.metrics.position.distances import good_distances
from pelsvae_cadence.metrics.position.methods import METHOD_WORDS, named_by_method
from pelsvae_cadence.metrics.position.metric import PositionMetric
from pelsvae_cadence.metrics.position.observe import Recovery, load_model
from pelsvae_cadence.metrics.position.options import PeriodRecoveryKeywords, RecoveryOptions
from pelsvae_cadence.metrics.position.recovery import recover
from pelsvae_cadence.periods.verdicts import judge

__all__ = ["CONFIDENT", "READING_VALUES", "RECOVERY_VALUES", "PeriodRecoveryMetric"]

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

#: Probability from which a reading is sure of a period.
CONFIDENT: Final = 0.9

#: What only a reading with the model gives, with captions.
READING_VALUES: Final[dict[str, str]] = {
    "stated": "mean of the probabilities stated of the most probable periods",
    "stated_right": "fraction whose most probable period drifts by < 0.1 cycle, whatever its probability",
    "confident": f"fraction of stars with a period stated with {CONFIDENT:g} or more",
    "confident_right": f"fraction that is right of the periods stated with {CONFIDENT:g} or more",
    "class_right": "fraction whose most probable class is theirs",
}


def _median_error(recovery: Recovery) -> float:
    """Give the median relative error of the recovered periods; NaN where there is none."""
    found = recovery.verdicts.recovered
    if not found.any():
        return float("nan")
    ratio = recovery.periods.period[found] / recovery.stars.period[found]
    return float(np.median(np.abs(ratio - 1.0)))


def _reading_values(recovery: Recovery) -> dict[str, Any]:
    """Give what a reading adds to the values: how sure it is, and whether rightly so."""
    posterior = recovery.posterior
    assert posterior is not None
    stated = posterior.period_probability
    right = judge(recovery.periods, recovery.stars.period, false_alarm_level=1.0).recovered
    sure = stated >= CONFIDENT
    return {
        "stated": float(stated.mean()),
        "stated_right": float(right.mean()),
        "confident": float(sure.mean()),
        "confident_right": float(right[sure].mean()) if sure.any() else float("nan"),
        "class_right": float(np.mean(posterior.star_class == recovery.stars.star_class)),
        "probability": stated,
        "read_class": posterior.star_class,
    }


class PeriodRecoveryMetric(PositionMetric):
    """Fraction of periodic variables whose period is recovered by a blind search or reading.

    At each slice point stars of one class are drawn from the learned source model, observed at
    every visit with forced photometry (noise from the visit's depth, saturation), and searched
    without any knowledge of the truth: by harmonics, or with ``method="learned"`` by comparison with
    the shapes and colours of all classes of the model. The metric's value is a dictionary; its reduce
    methods give one number each.

    The stars of a position depend on the position and the seed alone, so that two strategies
    observe the same stars.

    The dictionary holds the values of `RECOVERY_VALUES`, "n_visits_all" (visits to the position),
    "crowded_region" (where noise of isolated stars is too optimistic: see
    `pelsvae_cadence.population.crowding`; "" elsewhere) and, per star, "star_id", "true_period",
    "found_period" [d] and "verdict". A reading adds the values of `READING_VALUES` and, per star,
    "probability" of the period and "read_class".

    Parameters
    ----------
    metric_name : str
        Name of the metric; made from class, magnitude and method by default.
    on_run : callable, optional
        Called after each slice point, e.g. to move a progress bar.
    on_observed : callable, optional
        Called with the `pelsvae_cadence.metrics.position.observe.Recovery` of each slice point, e.g. to
        keep the light curves. A plain function: MAF copies metrics for their reduce methods.
    **options
        Stars and search: star_class, magnitude, stars_per_position, period_range, seed and the others of
        `pelsvae_cadence.metrics.position.options.RecoveryOptions`. Visits: survey, names of columns
        (mjd_col, m5_col, band_col, ...), max_visits and the others of
        `pelsvae_cadence.metrics.position.options.SliceOptions`; units, maps and badval are MAF's.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> metric = PeriodRecoveryMetric(star_class="RRab", magnitude=22.0, stars_per_position=10)
    >>> metric.name
    'PeriodRecovery RRab r22'
    >>> PeriodRecoveryMetric(method="learned").name
    'PeriodRecovery RRab r20 learned'
    """

    REDUCED: ClassVar = {**RECOVERY_VALUES, **READING_VALUES}
    options: RecoveryOptions

    def __init__(
        self,
        metric_name: str | None = None,
        *,
        on_run: Callable[[], None] | None = None,
        on_observed: Callable[[Recovery], None] | None = None,
        **options: Unpack[PeriodRecoveryKeywords],
    ) -> None:
        chosen = RecoveryOptions(**options)
        self.on_observed = on_observed
        if metric_name is None:
            metric_name = named_by_method(f"PeriodRecovery {chosen.stars_label}", chosen.method)
        super().__init__(chosen, metric_name, on_run=on_run)
        if chosen.method != "learned":
            self._leave_out(READING_VALUES)
        stars = f"{chosen.stars_per_position} simulated {chosen.star_class} stars"
        self.comment = f"Periods of {stars} per position by {METHOD_WORDS[chosen.method]}."

    @override
    def _run(self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None) -> dict[str, Any] | None:
        look = self._look(data_slice, slice_point)
        if look is None:
            return None
        options = self.options
        recovery = recover(options, look)
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
            "good_distance": good_distances(recovery, load_model(options.model))
            if options.distances
            else np.nan,
            "period_error": _median_error(recovery),
            "n_visits": recovery.n_visits_used,
            "n_visits_all": look.n_visits,
            "crowded_region": look.point.region,
            "star_id": recovery.stars.star_id,
            "true_period": recovery.stars.period,
            "found_period": recovery.periods.period,
            "verdict": verdicts.verdict,
            **({} if recovery.posterior is None else _reading_values(recovery)),
        }
