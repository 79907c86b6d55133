"""Ready-made bundles, in the manner of rubin_sim.maf.batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, Final

from typing_extensions import Unpack

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.period_recovery import PeriodRecoveryMetric
from pelsvae_cadence.metrics.position.bundle_parts import (
    GOOD_AREA,
    by_file,
    distinct,
    kind_of_stars,
    summaries,
    whole_sky,
)
from pelsvae_cadence.metrics.position.deep_fields import Fields, fields_constraint
from pelsvae_cadence.metrics.position.methods import METHOD_WORDS, check_method, named_by_method
from pelsvae_cadence.metrics.position.observe import Recovery
from pelsvae_cadence.metrics.position.options import PeriodRecoveryKeywords, RecoveryKeywords, table_keywords
from pelsvae_cadence.metrics.position.slice_point import carries_star
from pelsvae_cadence.metrics.time_to_recovery import TimeToRecoveryMetric

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.batches import col_map_dict
from rubin_sim.maf.metric_bundles import MetricBundle
from rubin_sim.maf.slicers import BaseSlicer

__all__ = [
    "DEFAULT_CLASSES",
    "DEFAULT_MAGNITUDES",
    "DISPLAY_GROUP",
    "RECOVERED_AREA",
    "period_recovery_batch",
    "periodic_variables_batch",
    "stars_batch",
]

#: One class of each kind of curve: asymmetric, sinusoidal and fast, slow, eclipsing, very slow.
DEFAULT_CLASSES: Final = ("RRab", "RRc", "CEP", "DSCT", "ECL", "LPV")

#: Mean r magnitudes from just below saturation to the single-visit depth.
DEFAULT_MAGNITUDES: Final[dict[SurveyName, tuple[float, ...]]] = {
    "lsst": (17.0, 19.0, 21.0, 22.0, 23.0, 24.0),
    "ztf": (14.0, 16.0, 18.0, 19.0, 20.0),
    # From the bright stars of the shallow survey to the faint ones of the deep one.
    "joint": (14.0, 16.0, 18.0, 20.0, 22.0, 24.0),
}

#: Fraction of recovered stars above which a pixel counts for the summary value of the area.
RECOVERED_AREA: Final = GOOD_AREA

#: Group of the bundles in MAF's web pages.
DISPLAY_GROUP: Final = "Periodic variables"

# Fractions share one scale, so that maps of two runs can be laid side by side.
_FRACTION_PLOT: Final = {"color_min": 0.0, "color_max": 1.0, "x_min": 0.0, "x_max": 1.0, "bins": 20}


def period_recovery_batch(
    colmap: dict[str, Any] | None = None,
    run_name: str = "run",
    nside: int = 64,
    extra_sql: str | None = None,
    extra_info_label: str | None = None,
    slicer: BaseSlicer | None = None,
    *,
    survey: SurveyName = "lsst",
    star_classes: Sequence[str] = DEFAULT_CLASSES,
    magnitudes: Sequence[float] | None = None,
    use_camera: bool | None = None,
    display_group: str = DISPLAY_GROUP,
    on_run: Callable[[], None] | None = None,
    on_observed: Callable[[Recovery], None] | None = None,
    **options: Unpack[RecoveryKeywords],
) -> dict[str, MetricBundle]:
    """Make one period-recovery bundle per class and magnitude.

    Parameters
    ----------
    colmap : dict, optional
        Column names as of ``rubin_sim.maf.batches.col_map_dict``; the current ones by default.
        Keys that are missing or None ("night", "exptime") are done without.
    run_name : str
        Name of the run.
    nside : int
        HEALPix resolution, without a slicer.
    extra_sql : str, optional
        Constraint on the visits, e.g. ``"night < 366"``.
    extra_info_label : str, optional
        Label of the constraint; the constraint itself by default.
    slicer : BaseSlicer, optional
        A spatial slicer to use instead of the HealpixSlicer.
    survey : {"lsst", "ztf", "joint"}
        Whose filters, noise and field of view apply.
    star_classes : sequence of str
        Classes, subtypes or aliases.
    magnitudes : sequence of float, optional
        Mean r magnitudes; `DEFAULT_MAGNITUDES` by default.
    use_camera : bool, optional
        Use MAF's camera footprint; by default where its data are installed (LSST). Otherwise the
        field of view is a circle of 1.75 deg (LSST) or 3.5 deg (ZTF).
    display_group : str
        Group in MAF's web pages.
    on_run : callable, optional
        Called after each slice point of each bundle.
    on_observed : callable, optional
        Called with what was observed at each slice point.
    **options
        Further options of `PeriodRecoveryMetric`: stars_per_position, seed, method, period_range, ...

    Returns
    -------
    dict of str to MetricBundle
        For ``MetricBundleGroup``.

    Raises
    ------
    InputError
        If there is no class or magnitude, or one is given twice.
    """
    columns = col_map_dict() if colmap is None else colmap
    mags = distinct(star_classes, DEFAULT_MAGNITUDES[survey] if magnitudes is None else magnitudes)
    if slicer is None:
        slicer = whole_sky(columns, nside, survey, use_camera)
    label = extra_info_label if extra_info_label is not None else (extra_sql or "all visits")
    bundles = []
    for order, (star_class, magnitude) in enumerate(product(star_classes, mags)):
        metric = PeriodRecoveryMetric(
            on_run=on_run,
            on_observed=on_observed,
            **table_keywords(columns, survey),
            star_class=star_class,
            magnitude=magnitude,
            **options,
        )
        chosen = metric.options
        caption = (
            f"{chosen.stars_per_position} simulated {star_class} stars of mean "
            f"{chosen.reference_band} = {magnitude:g} mag at each position, "
            f"observed at every visit; periods from {METHOD_WORDS[chosen.method]} ({label})."
        )
        shown = {
            "group": display_group,
            "subgroup": f"Period recovery: {kind_of_stars(star_class)}",
            "order": order,
            "caption": caption,
        }
        bundles.append(_bundle(metric, slicer, extra_sql or "", run_name, label, shown))
    return by_file(bundles)


def stars_batch(
    slicer: BaseSlicer,
    colmap: dict[str, Any] | None = None,
    run_name: str = "run",
    extra_sql: str | None = None,
    *,
    survey: SurveyName = "lsst",
    magnitude: float = 20.0,
    on_run: Callable[[], None] | None = None,
    on_observed: Callable[[Recovery], None] | None = None,
    **options: Unpack[RecoveryKeywords],
) -> dict[str, MetricBundle]:
    """Make the period-recovery bundle of stars that a slicer carries, whatever their classes.

    Parameters
    ----------
    slicer : BaseSlicer
        A slicer with one star a slice point (`pelsvae_cadence.metrics.slicer_of_stars`).
    colmap, run_name, extra_sql, survey, on_run, on_observed : optional
        As in `period_recovery_batch`.
    magnitude : float
        A typical mean r magnitude; the stars have their own.
    **options
        Further options of `PeriodRecoveryMetric`.

    Returns
    -------
    dict of str to MetricBundle
        One bundle. Every value is that of one star.

    Raises
    ------
    InputError
        If the slicer carries no stars.
    """
    if not carries_star(slicer.slice_points):
        raise InputError(
            "the slicer carries no stars",
            remedy="Make it with slicer_of_stars or generate_periodic_pop_slicer.",
        )
    columns = col_map_dict() if colmap is None else colmap
    label = extra_sql or "all visits"
    single: RecoveryKeywords = {**options, "stars_per_position": 1}
    metric = PeriodRecoveryMetric(
        named_by_method("PeriodRecovery stars", check_method(options.get("method", "harmonic"))),
        on_run=on_run,
        on_observed=on_observed,
        **table_keywords(columns, survey),
        magnitude=magnitude,
        **single,
    )
    shown = {
        "group": DISPLAY_GROUP,
        "subgroup": "Period recovery: stars of a table",
        "order": 0,
        "caption": f"{len(slicer)} stars, each observed where it is; periods from "
        f"{METHOD_WORDS[metric.options.method]} ({label}).",
    }
    return by_file([_bundle(metric, slicer, extra_sql or "", run_name, label, shown)])


def _bundle(
    metric: PeriodRecoveryMetric | TimeToRecoveryMetric,
    slicer: BaseSlicer,
    constraint: str,
    run_name: str,
    info_label: str,
    display: dict[str, Any],
) -> MetricBundle:
    return MetricBundle(
        metric,
        slicer,
        constraint,
        run_name=run_name,
        info_label=info_label,
        display_dict=display,
        plot_dict=dict(_FRACTION_PLOT) if isinstance(metric, PeriodRecoveryMetric) else {},
        summary_metrics=summaries(slicer),
    )


def periodic_variables_batch(
    colmap: dict[str, Any] | None = None,
    run_name: str = "run",
    nside: int = 16,
    extra_sql: str | None = None,
    extra_info_label: str | None = None,
    slicer: BaseSlicer | None = None,
    *,
    survey: SurveyName = "lsst",
    star_classes: Sequence[str] = STAR_CLASSES,
    magnitudes: Sequence[float] = (21.0,),
    years: Sequence[float] = (1.0, 2.0, 5.0, 10.0),
    survey_start: float | None = None,
    survey_years: float | None = None,
    fields: Fields = "all",
    use_camera: bool | None = None,
    display_group: str = DISPLAY_GROUP,
    on_run: Callable[[], None] | None = None,
    on_observed: Callable[[Recovery], None] | None = None,
    **options: Unpack[RecoveryKeywords],
) -> dict[str, MetricBundle]:
    """Make the bundles of all questions about periodic variables, as rubin_sim's batches do.

    For each class and magnitude: periods recovered with all visits (`PeriodRecoveryMetric`), and
    with those of the first years (`TimeToRecoveryMetric`). Class and magnitude are in the
    information label ("RRLYR r21 wide") as in the metric's name, by which MAF keeps reduced
    values apart; years are in the names of the reduced values ("..._recovered_year_1"). So
    `gather_summaries` can join batches of many classes and runs.

    Parameters
    ----------
    colmap, run_name, nside, extra_sql, extra_info_label : optional
        As in `period_recovery_batch`; the fields are part of the default label.
    slicer : BaseSlicer, optional
        A spatial slicer instead of the HealpixSlicer: positions, or a population
        (`pelsvae_cadence.metrics.position.population_slicer`). Of a population, whose stars bring their own
        class and brightness, give the one class as `star_classes` and one magnitude, which name
        the bundles only.
    survey, use_camera, display_group, on_run, on_observed : optional
        As in `period_recovery_batch`.
    star_classes : sequence of str
        Classes, subtypes or aliases; all eight classes by default.
    magnitudes : sequence of float
        Mean r magnitudes.
    years : sequence of float
        Ends of the survey years for the time to recovery; empty for none.
    survey_start, survey_years : float, optional
        First visit of the survey (MJD) and its length in years (`TimeToRecoveryMetric`).
    fields : {"all", "wide", "deep"}
        Leave out, or keep only, the deep drilling fields, by the scheduler's notes.
    **options
        Further options of `PeriodRecoveryMetric`, for both metrics: stars_per_position (10 by
        default here), seed, method, period_range, ...

    Returns
    -------
    dict of str to MetricBundle
        For ``MetricBundleGroup``, or for `pelsvae_cadence.metrics.maf.bundle_group.ResumableBundleGroup`.
        Summary metrics: mean, median, number of positions; on a map the area with more than
        `RECOVERED_AREA`; of a population the sum, which for "recovered" is a number of stars.

    Raises
    ------
    InputError
        If there is no class or magnitude, or one is given twice.
    """
    columns = col_map_dict() if colmap is None else colmap
    distinct(star_classes, magnitudes)
    note = columns.get("scheduler_note") or "scheduler_note"
    parts = [part for part in (extra_sql, fields_constraint(fields, note)) if part]
    constraint = " and ".join(f"({part})" for part in parts) if len(parts) > 1 else "".join(parts)
    if extra_info_label is None:
        words = [*([fields] if fields != "all" else []), *([extra_sql] if extra_sql else [])]
        extra_info_label = " ".join(words) or "all visits"
    if slicer is None:
        slicer = whole_sky(columns, nside, survey, use_camera)
    bundles = []
    for order, (star_class, magnitude) in enumerate(product(star_classes, magnitudes)):
        chosen: PeriodRecoveryKeywords = {
            "stars_per_position": 10,
            **options,
            **table_keywords(columns, survey),
            "star_class": star_class,
            "magnitude": magnitude,
        }
        recovery = PeriodRecoveryMetric(on_run=on_run, on_observed=on_observed, **chosen)
        band, n_stars = recovery.options.reference_band, recovery.options.stars_per_position
        label = f"{star_class} {band}{magnitude:g} {extra_info_label}"
        about = (
            f"simulated {star_class} stars of mean {band} = {magnitude:g} mag ({n_stars} at each position)"
        )
        if carries_star(slicer.slice_points):
            about = f"the {len(slicer)} {star_class} stars of a population"
        metrics: list[tuple[PeriodRecoveryMetric | TimeToRecoveryMetric, str, str]] = [
            (recovery, "Period recovery", f"Periods of {about} by {METHOD_WORDS[recovery.options.method]}.")
        ]
        if len(years):
            time = TimeToRecoveryMetric(
                None, years, survey_start, survey_years, on_run=on_run, on_observed=on_observed, **chosen
            )
            caption = f"Survey years until the periods of {about} are known."
            metrics.append((time, "Years to a period", caption))
        for step, (metric, subgroup, caption) in enumerate(metrics):
            shown = {
                "group": display_group,
                "subgroup": f"{subgroup}: {kind_of_stars(star_class)}",
                "order": 2 * order + step,
                "caption": f"{caption} Visits: {extra_info_label}.",
            }
            bundles.append(_bundle(metric, slicer, constraint, run_name, label, shown))
    return by_file(bundles)
