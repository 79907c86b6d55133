"""Ready-made bundles of how well, and when, distances, temperatures and periods are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Final

from typing_extensions import Unpack

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.parameters.errors import Parameter
from pelsvae_cadence.metrics.parameters.recovery import (
    AllParameterKeywords,
    ParameterKeywords,
    ParameterRecoveryMetric,
)
from pelsvae_cadence.metrics.parameters.years import TimeToParameterMetric
from pelsvae_cadence.metrics.position.bundle_parts import (
    by_file,
    distinct,
    kind_of_stars,
    summaries,
    whole_sky,
)
from pelsvae_cadence.metrics.position.observe import Recovery
from pelsvae_cadence.metrics.position.options import table_keywords

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.batches import col_map_dict
from rubin_sim.maf.metric_bundles import MetricBundle
from rubin_sim.maf.slicers import BaseSlicer

__all__ = ["DISTANCE_CLASSES", "parameter_recovery_batch"]

#: Classes with a narrow relation of period and luminosity.
DISTANCE_CLASSES: Final = ("RRab", "RRc", "CEP", "DSCT")
_GROUP: Final = "Periodic variables: parameters"


def parameter_recovery_batch(
    colmap: dict[str, Any] | None = None,
    run_name: str = "run",
    nside: int = 16,
    extra_sql: str | None = None,
    extra_info_label: str | None = None,
    slicer: BaseSlicer | None = None,
    *,
    survey: SurveyName = "lsst",
    star_classes: Sequence[str] = DISTANCE_CLASSES,
    magnitudes: Sequence[float] = (21.0,),
    parameters: Sequence[Parameter] = ("distance",),
    years: Sequence[float] = (1.0, 2.0, 5.0, 10.0),
    survey_start: float | None = None,
    survey_years: float | None = None,
    use_camera: bool | None = None,
    display_group: str = _GROUP,
    on_run: Callable[[], None] | None = None,
    on_observed: Callable[[Recovery], None] | None = None,
    **options: Unpack[ParameterKeywords],
) -> dict[str, MetricBundle]:
    """Make the bundles of how well parameters are known with all visits, and after which year they are good.

    Parameters
    ----------
    colmap, run_name, nside, extra_sql, extra_info_label, slicer : optional
        As in `pelsvae_cadence.metrics.period_recovery_batch`.
    survey, use_camera, display_group, on_run, on_observed : optional
        As in `pelsvae_cadence.metrics.period_recovery_batch`.
    star_classes : sequence of str
        Classes, subtypes or aliases; pulsating stars with period-luminosity relations by default.
    magnitudes : sequence of float
        Mean r magnitudes.
    parameters : sequence of {"distance", "temperature", "period"}
        Whose years are asked for.
    years : sequence of float
        Ends of the survey years; empty for none.
    survey_start, survey_years : float, optional
        First visit of the survey (MJD) and its length in years.
    **options
        Further options of `ParameterRecoveryMetric`: stars_per_position (10 by default here), seed,
        distance_accuracy, dust_map, ...

    Returns
    -------
    dict of str to MetricBundle
        For ``MetricBundleGroup``, or for `pelsvae_cadence.metrics.maf.bundle_group.ResumableBundleGroup`.
        Summary metrics: mean, median, number of positions; on a map the area above one half.

    Raises
    ------
    InputError
        If there is no class or magnitude, or one is given twice.
    """
    columns = col_map_dict() if colmap is None else colmap
    distinct(star_classes, magnitudes)
    label = extra_info_label if extra_info_label is not None else (extra_sql or "all visits")
    if slicer is None:
        slicer = whole_sky(columns, nside, survey, use_camera)
    bundles: list[MetricBundle] = []

    def add(metric: ParameterRecoveryMetric | TimeToParameterMetric, star_class: str, subgroup: str) -> None:
        bundles.append(
            MetricBundle(
                metric,
                slicer,
                extra_sql or "",
                run_name=run_name,
                info_label=f"{metric.options.stars_label} {label}",
                display_dict={
                    "group": display_group,
                    "subgroup": f"{subgroup}: {kind_of_stars(star_class)}",
                    "order": len(bundles),
                    "caption": f"{metric.comment} Visits: {label}.",
                },
                summary_metrics=summaries(slicer),
            )
        )

    for star_class, magnitude in product(star_classes, magnitudes):
        chosen: AllParameterKeywords = {
            "stars_per_position": 10,
            **options,
            **table_keywords(columns, survey),
            "star_class": star_class,
            "magnitude": magnitude,
        }
        single = ParameterRecoveryMetric(on_run=on_run, on_observed=on_observed, **chosen)
        add(single, star_class, "Parameters")
        for parameter in parameters if len(years) else ():
            add(
                TimeToParameterMetric(
                    parameter,
                    None,
                    years,
                    survey_start,
                    survey_years,
                    on_run=on_run,
                    on_observed=on_observed,
                    **chosen,
                ),
                star_class,
                f"Years to a {parameter}",
            )
    return by_file(bundles)
