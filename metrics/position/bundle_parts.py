"""Parts of MAF bundles that the batches share: slicer of the sky, summary metrics, headings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.survey import FOV_RADIUS
from pelsvae_cadence.classes import CLASS_DESCRIPTIONS, parse_star_class
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.maf.data_directory import has_camera_data, prepare_data_directory
from pelsvae_cadence.metrics.maf.slicers import sky_slicer
from pelsvae_cadence.metrics.position.slice_point import carries_star

prepare_data_directory()  # rubin_sim looks for it when it is imported

import rubin_sim.maf.metrics as maf_metrics
from rubin_sim.maf.metric_bundles import MetricBundle, make_bundles_dict_from_list
from rubin_sim.maf.slicers import BaseSlicer, HealpixSlicer

__all__ = ["GOOD_AREA", "by_file", "distinct", "kind_of_stars", "summaries", "whole_sky"]

#: Fraction of stars above which a pixel counts for the summary value of the area.
GOOD_AREA: Final = 0.5


def whole_sky(columns: dict[str, Any], nside: int, survey: SurveyName, use_camera: bool | None) -> BaseSlicer:
    """Make a HEALPix slicer with the field of view of a survey."""
    if use_camera is None:
        use_camera = survey == "lsst" and has_camera_data()
    return sky_slicer(columns, nside=nside, radius=FOV_RADIUS[survey], use_camera=use_camera)


def distinct(star_classes: Sequence[str], magnitudes: Sequence[float]) -> tuple[float, ...]:
    """Refuse classes and magnitudes that are missing or named twice; give the magnitudes."""
    for name, values in (("star_classes", tuple(star_classes)), ("magnitudes", tuple(magnitudes))):
        if not values or len(set(values)) != len(values):
            raise InputError(f"{name} = {list(values)!r}", allowed="one or more, none twice")
    return tuple(magnitudes)


def by_file(bundles: list[MetricBundle]) -> dict[str, MetricBundle]:
    """Name bundles by their files."""
    named: dict[str, MetricBundle] = make_bundles_dict_from_list(bundles)
    return named


def kind_of_stars(star_class: str) -> str:
    """Name what a class or a mix of classes consists of, as a heading."""
    names = star_class.split("+")
    return CLASS_DESCRIPTIONS[parse_star_class(names[0])[0]] if len(names) == 1 else "mixes"


def summaries(slicer: BaseSlicer) -> list[maf_metrics.BaseMetric]:
    """Mean and median; on a map the area that does well, of a population the sum over its stars."""
    found = [
        maf_metrics.MeanMetric(),
        maf_metrics.MedianMetric(),
        maf_metrics.CountMetric(metric_name="Positions"),
    ]
    if isinstance(slicer, HealpixSlicer):
        found.append(
            maf_metrics.AreaThresholdMetric(
                lower_threshold=GOOD_AREA, metric_name=f"Area > {GOOD_AREA:g} [deg2]"
            )
        )
    if carries_star(slicer.slice_points):
        found.append(maf_metrics.SumMetric(metric_name="Stars"))
    return found
