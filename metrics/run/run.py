"""Run the period-recovery metrics on a survey, through MAF."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from typing_extensions import Unpack

from pelsvae_cadence.bands import SurveyName, parse_bands
from pelsvae_cadence.cadence.survey import Survey
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.catalog.writer import CatalogWriter
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.batches import (
    DEFAULT_CLASSES,
    DEFAULT_MAGNITUDES,
    period_recovery_batch,
    stars_batch,
)
from pelsvae_cadence.metrics.maf.bundle_group import ResumableBundleGroup
from pelsvae_cadence.metrics.maf.data_directory import has_camera_data, prepare_data_directory
from pelsvae_cadence.metrics.maf.slicers import sky_slicer
from pelsvae_cadence.metrics.maf.survey_source import (
    PositionCadence,
    SurveySource,
    named_columns,
    open_survey,
)
from pelsvae_cadence.metrics.position.observe import Recovery, load_model
from pelsvae_cadence.metrics.position.options import RecoveryKeywords, RecoveryOptions
from pelsvae_cadence.metrics.position.population_slicer import slicer_of_stars
from pelsvae_cadence.metrics.run.bundles import bundles_by_years, finished_group, sky_positions
from pelsvae_cadence.metrics.run.example import Example, find_example
from pelsvae_cadence.metrics.run.folder import RESULTS_FILE
from pelsvae_cadence.metrics.run.tables import (
    summary_by_year,
    summary_of_positions,
    tables_of_bundles,
    year_table,
)
from pelsvae_cadence.photometry.magnitudes import mean_magnitudes
from pelsvae_cadence.stars import Stars

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle, make_bundles_dict_from_list
from rubin_sim.maf.slicers import BaseSlicer

__all__ = ["PartialSkyWarning", "RunResult", "run_period_recovery"]

_PLOTTED: Final = ("_recovered", "_recovered_or_half", "_no_detection", "_n_visits")
# A wide survey reaches 60-70 % of the sky; patches cut out of one reach far less.
_PARTIAL_SKY: Final = 0.3


class PartialSkyWarning(UserWarning):
    """A map of the sky is asked of a table that covers patches of it."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run of the metrics has found and written.

    Parameters
    ----------
    positions : pandas.DataFrame
        One row per class, magnitude and position: run, star_class, magnitude, method, ra, dec [deg],
        n_visits (all visits), n_visits_used, n_stars and the fractions of
        `pelsvae_cadence.metrics.period_recovery.RECOVERY_VALUES`, with the method "learned" of
        `READING_VALUES`, too.
    stars : pandas.DataFrame
        One row per star: run, star_class, magnitude, method, ra, dec, star_id, true_period,
        found_period [d], verdict; with the method "learned" probability and read_class.
    summary : pandas.DataFrame
        One row per class and magnitude: means over the positions, with `recovered_err`, the
        standard error of the recovered fraction over positions and stars.
    out_dir : Path
        Where everything is.
    files : dict of str to Path
        "results" (MAF's ResultsDb), "positions", "stars" and "summary" (CSV), "years" and
        "by_year" (CSV) where years, and "catalogue" (HDF5) where one was asked for.
    years : pandas.DataFrame or None
        One row per class, magnitude, position and year, where years were asked for: n_stars,
        n_visits so far, recovered and its 68 per cent interval.
    by_year : pandas.DataFrame or None
        The table of recovery by class, magnitude and year, over all positions.
    example : Example or None
        One star of the run, near the middle magnitude, with its period found if possible, at a
        position with a typical number of visits.
    """

    positions: pd.DataFrame
    stars: pd.DataFrame
    summary: pd.DataFrame
    out_dir: Path
    files: dict[str, Path]
    years: pd.DataFrame | None = None
    by_year: pd.DataFrame | None = None
    example: Example | None = None


def run_period_recovery(
    cadence: str | Path | Survey | PositionCadence,
    *,
    nside: int | None = None,
    positions: Sequence[tuple[float, float]] | None = None,
    stars: Stars | None = None,
    radius: float | None = None,
    survey: SurveyName | None = None,
    star_classes: Sequence[str] = DEFAULT_CLASSES,
    magnitudes: Sequence[float] | None = None,
    constraint: str = "",
    sha256: str | None = None,
    run_name: str | None = None,
    out_dir: str | Path = "period_recovery",
    use_camera: bool | None = None,
    overwrite: bool = False,
    plots: bool = False,
    catalog: str | None = None,
    command: str = "",
    years: Sequence[float] = (),
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Unpack[RecoveryKeywords],
) -> RunResult:
    """Run one period-recovery metric per class and magnitude on a survey, or one on given stars.

    Files are read by `pelsvae_cadence.cadence.tables.read_survey`, and MAF gets the visits as an array:
    what is one visit, where it points and in which units is the same as everywhere in the package.

    Positions that are finished are kept in `out_dir` until the run is complete: a run that was
    stopped begins where it ended when it is repeated with the same arguments. A run that writes a
    catalogue begins anew.

    Parameters
    ----------
    cadence : str, Path, Survey or SyntheticSurvey
        The survey: an sqlite database, a CSV or Parquet table, or an object in memory.
    nside : int, optional
        HEALPix resolution of a map of the sky.
    positions : sequence of (ra, dec), optional
        Positions in degrees, instead of a map.
    stars : Stars, optional
        Stars of one's own (`pelsvae_cadence.population.tables.read_star_table`) instead of drawn ones,
        each observed where and as bright as it is. `star_classes`, `magnitudes` and
        ``stars_per_position`` are not used then.
    radius : float, optional
        Radius of the circular field of view in degrees: 1.75 (LSST) or 3.5 (ZTF) by default.
    survey : {"lsst", "ztf", "joint"}, optional
        Whose filters and noise apply to a file; told from bands and depths by default.
    star_classes : sequence of str
        Classes, subtypes or aliases.
    magnitudes : sequence of float, optional
        Mean r magnitudes; all of them show the same stars.
    constraint : str
        SQL condition on the visits, e.g. ``"night < 366"``.
    sha256 : str, optional
        SHA-256 that the file must have; by default what ``FILE.sha256`` beside it says, if there
        is one.
    run_name : str, optional
        Name of the run; that of the survey by default.
    out_dir : str or Path
        Directory for MAF's files and the tables.
    use_camera : bool, optional
        Use MAF's camera footprint; by default where it is installed, no radius is given, the
        survey is LSST and the table holds camera rotations.
    overwrite : bool
        Replace results in `out_dir`; otherwise existing results are an error.
    plots : bool
        Also write MAF's plots of the main values (recovered, or at half the period, without a
        detection, number of visits).
    catalog : str, optional
        Also write stars, visits and light curves to an HDF5 catalogue of this name in `out_dir`.
    command : str
        The command line, for the catalogue's provenance.
    years : sequence of float
        Ends of survey years after which the periods are searched, too (`TimeToRecoveryMetric`);
        none by default. Ten years cost about four times what the last one costs.
    workers : int
        Processes that share the positions; more than one need Dask. Results are the same.
    scheduler : str, optional
        Address of a Dask scheduler whose workers to use instead.
    progress : callable, optional
        Called with (positions done, positions in all), counted over all bundles.
    **options
        Further options of `PeriodRecoveryMetric`
        (`pelsvae_cadence.metrics.position.options.RecoveryOptions`): stars_per_position, seed, method,
        period_range, max_visits, modulated, crowded, model, ...

    Returns
    -------
    RunResult
        Tables and files.

    Raises
    ------
    InputError
        If the survey cannot be read, there is no visit, positions are wrong, or results exist.
    """
    if stars is not None and (nside is not None or positions is not None):
        raise InputError(
            f"nside = {nside!r}, positions = {positions!r} and stars", remedy="Give one of them."
        )
    targets = (
        sky_positions(nside, positions)
        if stars is None
        else list(zip(stars.ra.tolist(), stars.dec.tolist(), strict=True))
    )
    for star_class in star_classes:
        # Refuses what is unknown before any work; the band is the survey's, which is not open yet.
        plain: RecoveryKeywords = {**options, "reference_band": "r"}
        RecoveryOptions(**plain, star_class=star_class)
    folder = Path(out_dir)
    if (folder / RESULTS_FILE).exists() and not overwrite:
        raise InputError(f"{folder} already holds results", remedy="Choose another directory, or overwrite.")
    if radius is not None and not 0 < radius <= 90:
        raise InputError(f"radius = {radius!r} deg", allowed="above 0, up to 90 deg")
    if catalog is not None and (workers > 1 or scheduler is not None):
        raise InputError(
            f"a catalogue with {workers} workers",
            remedy="Use one worker here, or `pelsvae_cadence catalog` for large catalogues.",
        )
    # A synthetic survey visits each position once.
    source = open_survey(
        cadence,
        positions=list(dict.fromkeys(targets)),
        survey=survey,
        constraint=constraint,
        sha256=sha256,
        columns=named_columns(cadence, options),
    )
    name = run_name or source.name
    if use_camera is None:
        use_camera = (
            radius is None
            and source.survey == "lsst"
            and source.columns["rotSkyPos"] is not None
            and not source.by_position
            and has_camera_data()
        )
    slicer: BaseSlicer
    if stars is None:
        mags = DEFAULT_MAGNITUDES[source.survey] if magnitudes is None else tuple(magnitudes)
        slicer = sky_slicer(
            source.columns, nside=nside, points=targets, radius=source.reach(radius), use_camera=use_camera
        )
    else:
        band = str(parse_bands(["r"], source.survey)[0])
        own = mean_magnitudes(stars, (band,))[:, 0]
        mags = (float(np.median(own)),)
        slicer = slicer_of_stars(
            stars,
            radius=source.reach(radius),
            use_camera=use_camera,
            lon_col=source.columns["ra"],
            lat_col=source.columns["dec"],
            rot_sky_pos_col_name=source.columns["rotSkyPos"] or source.columns["ra"],
            extra={"mean_magnitude": own},
        )
    n_bundles = (len(star_classes) * len(mags) if stars is None else 1) * (2 if len(years) else 1)
    total = len(slicer) * n_bundles
    done = 0

    def reached(count: int) -> None:
        nonlocal done
        if count > done:
            done = count
            if progress is not None:
                progress(done, total)

    def step() -> None:
        reached(done + 1)

    def keep(recovery: Recovery) -> None:
        if writer is not None:
            writer.append(recovery.stars, recovery.visits, recovery.light_curves)

    chosen: RecoveryKeywords = {**source.keywords, **options}
    on_observed = None if catalog is None else keep
    if stars is None:
        bundles = period_recovery_batch(
            source.columns,
            name,
            extra_sql=constraint or None,
            slicer=slicer,
            survey=source.survey,
            star_classes=star_classes,
            magnitudes=mags,
            on_run=step,
            on_observed=on_observed,
            **chosen,
        )
    else:
        bundles = stars_batch(
            slicer,
            source.columns,
            name,
            constraint or None,
            survey=source.survey,
            magnitude=mags[0],
            on_run=step,
            on_observed=on_observed,
            **chosen,
        )
    object_bundles = list(bundles.values())
    by_years: list[MetricBundle] = []
    if len(years):
        by_years = bundles_by_years(object_bundles, source, years)
        bundles |= make_bundles_dict_from_list(by_years)
    tables: dict[str, pd.DataFrame] = {}
    provenance = _provenance(object_bundles[0], source, name, constraint, command)
    folder.mkdir(parents=True, exist_ok=True)
    with (
        nullcontext()
        if catalog is None
        else CatalogWriter(folder / catalog, provenance=provenance, overwrite=True) as writer,
        finished_group(
            bundles,
            source,
            constraint,
            folder,
            keep=catalog is None,  # a catalogue wants every position observed anew
            workers=workers,
            scheduler=scheduler,
            on_partition=lambda points, _: reached(points * n_bundles),
        ) as (group, work),
    ):
        if nside is not None:
            _warn_of_patches(object_bundles[0])
        tables["positions"], tables["stars"] = tables_of_bundles(object_bundles, name)
        binned = stars is not None  # stars with magnitudes of their own
        tables["summary"] = summary_of_positions(tables["positions"], round_magnitudes=binned)
        if by_years:
            tables["years"] = year_table(by_years, name)
            tables["by_year"] = summary_by_year(tables["years"], round_magnitudes=binned)
        example = find_example(object_bundles, group.sim_data)
        if plots:
            _plot(group)
        for key, frame in tables.items():
            frame.to_csv(work / f"{key}.csv", index=False)
        if writer is not None:
            writer.close()  # complete and checked before the results take the place of earlier ones
    if progress is not None:
        progress(total, total)
    files = {"results": RESULTS_FILE, **{key: f"{key}.csv" for key in tables}}
    if catalog is not None:
        files["catalogue"] = catalog
    return RunResult(
        out_dir=folder, files={key: folder / file for key, file in files.items()}, example=example, **tables
    )


def _provenance(
    bundle: MetricBundle, source: SurveySource, run_name: str, constraint: str, command: str
) -> Provenance:
    options = bundle.metric.options
    model = load_model(options.model)
    return Provenance(
        seed=options.seed,
        model_name=model.name,
        model_hash=model.hash,
        survey_name=source.name,
        survey_hash=source.file_hash,
        command=command,
        extra={"run_name": run_name, "constraint": constraint},
    )


def _warn_of_patches(bundle: MetricBundle) -> None:
    seen = float(np.mean(~np.ma.getmaskarray(bundle.metric_values)))
    if seen < _PARTIAL_SKY:
        warnings.warn(
            f"only {seen:.1%} of the sky has enough visits: the survey table covers patches. Near "
            "their edges visits are missing, and the map is wrong there; use positions instead",
            PartialSkyWarning,
            stacklevel=3,
        )


def _plot(group: ResumableBundleGroup) -> None:
    """Plot the main reduced values; MAF cannot plot dictionaries."""
    for name, bundle in group.bundle_dict.items():
        if name.endswith("_n_visits"):
            for limit in ("color_min", "color_max", "x_min", "x_max"):
                bundle.plot_dict.pop(limit, None)
    whole = group.bundle_dict
    group.bundle_dict = {
        name: bundle
        for name, bundle in whole.items()
        if name.endswith(_PLOTTED) and not bundle.metric_values.mask.all()
    }
    try:
        group.plot_all(fig_format="png", dpi=120)
    finally:
        group.bundle_dict = whole
