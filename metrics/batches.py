"""Ready-made bundles, in the manner of rubin_sim.maf.batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.survey import FOV_RADIUS
from pelsvae_cadence.classes import CLASS_DESCRIPTIONS, parse_star_class
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.metrics.maf import has_camera_data, prepare_data_directory
from pelsvae_cadence.metrics.period_recovery import PeriodRecoveryMetric

prepare_data_directory()  # rubin_sim looks for it when it is imported

import rubin_sim.maf.metrics as maf_metrics
from rubin_sim.maf.batches import col_map_dict
from rubin_sim.maf.metric_bundles import (
    MetricBundle,
    make_bundles_dict_from_list,
)
from rubin_sim.maf.slicers import BaseSlicer, HealpixSlicer

__all__ = ["DEFAULT_CLASSES", "DEFAULT_MAGNITUDES", "period_recovery_batch"]

#: One class of each kind of curve: asymmetric, sinusoidal and fast, slow, eclipsing, very slow.
DEFAULT_CLASSES: Final = ("RRab", "RRc", "CEP", "DSCT", "ECL", "LPV")

#: Mean r magnitudes from just below saturation to the single-visit depth.
DEFAULT_MAGNITUDES: Final[dict[SurveyName, tuple[float, ...]]] = {
    "lsst": (17.0, 19.0, 21.0, 22.0, 23.0, 24.0),
    "ztf": (14.0, 16.0, 18.0, 19.0, 20.0),
}

# Fractions share one scale, so that maps of two runs can be laid side by side.
_FRACTION_PLOT: Final = {
    "color_min": 0.0, "color_max": 1.0, "x_min": 0.0, "x_max": 1.0, "bins": 20,
}  # fmt: skip


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
    stars_per_position: int = 20,
    seed: int = 0,
    use_camera: bool | None = None,
    display_group: str = "Periodic variables",
    on_run: Callable[[], None] | None = None,
    **metric_options: Any,
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
    survey : {"lsst", "ztf"}
        Whose filters, noise and field of view apply.
    star_classes : sequence of str
        Classes, subtypes or aliases.
    magnitudes : sequence of float, optional
        Mean r magnitudes; `DEFAULT_MAGNITUDES` by default.
    stars_per_position : int
        Stars drawn at each slice point, class and magnitude.
    seed : int
        Seed of stars and noise.
    use_camera : bool, optional
        Use MAF's camera footprint; by default where its data are installed (LSST). Otherwise the
        field of view is a circle of 1.75 deg (LSST) or 3.5 deg (ZTF).
    display_group : str
        Group in MAF's web pages.
    on_run : callable, optional
        Called after each slice point of each bundle.
    **metric_options
        Further keywords of `PeriodRecoveryMetric`.

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
    mags = DEFAULT_MAGNITUDES[survey] if magnitudes is None else tuple(magnitudes)
    for name, values in (("star_classes", tuple(star_classes)), ("magnitudes", mags)):
        if not values or len(set(values)) != len(values):
            raise InputError(f"{name} = {list(values)!r}", allowed="one or more, none twice")
    if slicer is None:
        if use_camera is None:
            use_camera = survey == "lsst" and has_camera_data()
        # Without a footprint the rotation is never used; any column that exists will do.
        rotation = columns.get("rotSkyPos", "rotSkyPos") or columns["ra"]
        slicer = HealpixSlicer(
            nside=nside,
            lon_col=columns["ra"],
            lat_col=columns["dec"],
            lat_lon_deg=columns.get("raDecDeg", True),
            radius=FOV_RADIUS[survey],
            use_camera=use_camera,
            use_cache=False,  # the stars depend on the position
            rot_sky_pos_col_name=rotation,
            verbose=False,
        )
    label = extra_info_label if extra_info_label is not None else (extra_sql or "all visits")
    bundles = []
    for order, star_class in enumerate(star_classes):
        parent, _ = parse_star_class(star_class)
        for step, magnitude in enumerate(mags):
            metric = PeriodRecoveryMetric(
                mjd_col=columns["mjd"],
                m5_col=columns["fiveSigmaDepth"],
                band_col=columns.get("band") or columns["filter"],
                night_col=columns.get("night"),
                exptime_col=columns.get("exptime"),
                survey=survey,
                star_class=star_class,
                magnitude=magnitude,
                stars_per_position=stars_per_position,
                seed=seed,
                on_run=on_run,
                **metric_options,
            )
            bundles.append(
                MetricBundle(
                    metric,
                    slicer,
                    extra_sql or "",
                    run_name=run_name,
                    info_label=label,
                    display_dict={
                        "group": display_group,
                        "subgroup": f"Period recovery: {CLASS_DESCRIPTIONS[parent]}",
                        "order": order * len(mags) + step,
                        "caption": (
                            f"{stars_per_position} simulated {star_class} stars of mean "
                            f"{metric.reference_band} = {magnitude:g} mag at each position, "
                            "observed at every visit; periods from a blind multi-band search "
                            f"({label})."
                        ),
                    },
                    plot_dict=dict(_FRACTION_PLOT),
                    summary_metrics=[
                        maf_metrics.MeanMetric(),
                        maf_metrics.MedianMetric(),
                        maf_metrics.CountMetric(metric_name="Positions"),
                    ],
                )
            )
    bundle_dict: dict[str, MetricBundle] = make_bundles_dict_from_list(bundles)
    return bundle_dict
