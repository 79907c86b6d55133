"""The bundles of a run: a map or positions with stars drawn there, or stars of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.maf.survey_source import SurveySource
from pelsvae_cadence.metrics.position.population_slicer import slicer_of_stars
from pelsvae_cadence.metrics.position.visits import SliceColumns
from pelsvae_cadence.metrics.time_to_recovery import TimeToRecoveryMetric, first_and_last_visit
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.stars import Stars

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle
from rubin_sim.maf.slicers import BaseSlicer, HealpixSlicer, UserPointsSlicer

__all__ = ["bundles_by_years", "slicer_of_positions", "slicer_of_table"]


def slicer_of_positions(
    source: SurveySource,
    points: Sequence[tuple[float, float]] | None,
    nside: int | None,
    radius: float,
    use_camera: bool,
) -> BaseSlicer:
    """Make the slicer of a map or of some positions.

    Parameters
    ----------
    source : SurveySource
        The survey.
    points : sequence of (ra, dec) or None
        Positions in degrees; None for a map.
    nside : int or None
        HEALPix resolution of the map.
    radius : float
        Radius of the field of view in degrees.
    use_camera : bool
        Use MAF's camera footprint instead.

    Returns
    -------
    BaseSlicer
        A HealpixSlicer or a UserPointsSlicer.
    """
    options: dict[str, Any] = {
        "lon_col": source.columns["ra"],
        "lat_col": source.columns["dec"],
        "radius": radius,
        "use_camera": use_camera,
        # Without a footprint the rotation is never used; any column that exists will do.
        "rot_sky_pos_col_name": source.rotation or source.columns["ra"],
        "verbose": False,
    }
    if points is None:
        return HealpixSlicer(nside=nside, use_cache=False, **options)
    ra, dec = (list(values) for values in zip(*points, strict=True))
    return UserPointsSlicer(ra, dec, **options)


def slicer_of_table(
    source: SurveySource, stars: Stars, band: str, radius: float, use_camera: bool
) -> UserPointsSlicer:
    """Make the slicer of a table of stars.

    Parameters
    ----------
    source : SurveySource
        The survey.
    stars : Stars
        The stars, each at a place and a distance of its own.
    band : str
        Band of their mean magnitudes.
    radius : float
        Radius of the field of view in degrees.
    use_camera : bool
        Use MAF's camera footprint instead.

    Returns
    -------
    UserPointsSlicer
        One star a slice point, its "mean_magnitude" beside its parameters.
    """
    return slicer_of_stars(
        stars,
        radius=radius,
        use_camera=use_camera,
        lon_col=source.columns["ra"],
        lat_col=source.columns["dec"],
        rot_sky_pos_col_name=source.rotation or source.columns["ra"],
        extra={"mean_magnitude": mean_magnitudes(stars, (band,))[:, 0]},
    )


def bundles_by_years(
    bundles: list[MetricBundle],
    source: SurveySource,
    years: Sequence[float],
    constraint: str,
    metric_options: dict[str, Any],
) -> list[MetricBundle]:
    """Make the bundles that ask for the years, with the stars and settings of those given.

    Parameters
    ----------
    bundles : list of MetricBundle
        Bundles of `PeriodRecoveryMetric`.
    source : SurveySource
        The survey.
    years : sequence of float
        Ends of survey years.
    constraint : str
        SQL condition on the visits.
    metric_options : dict
        Further keywords of the metrics.

    Returns
    -------
    list of MetricBundle
        Bundles of `TimeToRecoveryMetric`, one for each.
    """
    first, last = first_and_last_visit(source, constraint)
    made = []
    for bundle in bundles:
        metric = bundle.metric
        time = TimeToRecoveryMetric(
            metric.name.replace("PeriodRecovery", "TimeToRecovery"),
            years=years,
            survey_start=first,
            survey_years=(last - first) / JULIAN_YEAR,
            on_run=metric.on_run,
            star_class=metric.sample.star_class,
            magnitude=metric.magnitude,
            stars_per_position=metric.sample.n,
            seed=metric.sample.seed,
            survey=metric.survey,
            period_range=metric.period_range,
            **_column_options(metric.columns),
            **metric_options,
        )
        display = dict(bundle.display_dict)
        display["subgroup"] = display["subgroup"].replace("Period recovery", "Years to a period")
        display["order"] += len(bundles)
        display["caption"] += " Searched at the end of each survey year."
        made.append(
            MetricBundle(
                time,
                bundle.slicer,
                bundle.constraint,
                run_name=bundle.run_name,
                info_label=bundle.info_label,
                display_dict=display,
                summary_metrics=list(bundle.summary_metrics),
            )
        )
    return made


def _column_options(columns: SliceColumns) -> dict[str, Any]:
    names = ("mjd", "m5", "band", "night", "exptime", "visit_id", "seeing")
    options: dict[str, Any] = {f"{name}_col": getattr(columns, name) for name in names}
    return {**options, "mjd_is_middle": columns.mjd_is_middle}
