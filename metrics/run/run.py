"""Run the period-recovery metrics on a survey, through MAF."""

from __future__ import annotations

import copy
import io
import shutil
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import healpy
import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.bands import SurveyName, parse_bands
from pelsvae_cadence.cadence.survey import FOV_RADIUS, Survey, check_position
from pelsvae_cadence.catalog.provenance import Provenance
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.metrics.batches import (
    DEFAULT_CLASSES,
    DEFAULT_MAGNITUDES,
    period_recovery_batch,
    stars_batch,
)
from pelsvae_cadence.metrics.maf.bundle_group import ResumableBundleGroup, fingerprint_of
from pelsvae_cadence.metrics.maf.data_directory import has_camera_data, prepare_data_directory
from pelsvae_cadence.metrics.maf.survey_source import PositionCadence, SurveySource, open_survey
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.metrics.run.bundles import bundles_by_years, slicer_of_positions, slicer_of_table
from pelsvae_cadence.metrics.run.folder import RESULTS_FILE, new_results, results_database
from pelsvae_cadence.metrics.run.keeping import Example, Keeper
from pelsvae_cadence.metrics.run.tables import (
    summary_by_year,
    summary_of_positions,
    tables_of_bundles,
    year_table,
)
from pelsvae_cadence.stars import Stars

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle, make_bundles_dict_from_list

__all__ = ["PartialSkyWarning", "RunResult", "run_period_recovery"]

_TABLES: Final = ("positions", "stars", "summary")
_CHECKPOINTS: Final = ".finished"
_PLOTTED: Final = ("_recovered", "_recovered_or_half", "_no_detection", "_n_visits")
# A wide survey reaches 60-70 % of the sky; patches cut out of one reach far less.
_PARTIAL_SKY: Final = 0.3
# A synthetic survey puts its visits exactly on the positions: none may reach another one.
_SYNTHETIC_RADIUS: Final = 1e-4


class PartialSkyWarning(UserWarning):
    """A map of the sky is asked of a table that covers patches of it."""


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What a run of the metrics has found and written.

    Parameters
    ----------
    positions : pandas.DataFrame
        One row per class, magnitude and position: run, star_class, magnitude, ra, dec [deg],
        n_visits (all visits), n_visits_used, n_stars and the fractions of
        `pelsvae_cadence.metrics.period_recovery.RECOVERY_VALUES`.
    stars : pandas.DataFrame
        One row per star: run, star_class, magnitude, ra, dec, star_id, true_period,
        found_period [d], verdict.
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
        One star of the run, near the middle magnitude, with its period found if possible.
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
    stars_per_position: int = 20,
    constraint: str = "",
    sha256: str | None = None,
    run_name: str | None = None,
    out_dir: str | Path = "period_recovery",
    seed: int = 0,
    period_range: tuple[float, float] | Literal["class"] | None = None,
    use_camera: bool | None = None,
    overwrite: bool = False,
    plots: bool = False,
    catalog: str | None = None,
    command: str = "",
    years: Sequence[float] = (),
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    **metric_options: Any,
) -> RunResult:
    """Run one period-recovery metric per class and magnitude on a survey, or one on given stars.

    An sqlite database goes through MAF with the constraint; other tables, surveys in memory and
    the synthetic survey are handed to MAF as arrays.

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
        `stars_per_position` are not used then.
    radius : float, optional
        Radius of the circular field of view in degrees: 1.75 (LSST) or 3.5 (ZTF) by default.
    survey : {"lsst", "ztf"}, optional
        Whose filters and noise apply; told from bands and depths by default.
    star_classes : sequence of str
        Classes, subtypes or aliases.
    magnitudes : sequence of float, optional
        Mean r magnitudes.
    stars_per_position : int
        Stars per position, class and magnitude; all magnitudes show the same stars.
    constraint : str
        SQL condition on the visits, e.g. ``"night < 366"``.
    sha256 : str, optional
        SHA-256 that the file must have; by default what ``FILE.sha256`` beside it says, if there
        is one.
    run_name : str, optional
        Name of the run; that of the survey by default.
    out_dir : str or Path
        Directory for MAF's files and the tables.
    seed : int
        Seed of stars and noise.
    period_range : tuple of float or "class", optional
        Trial periods in days; 0.03 to 1000 d by default. "class" searches the range of the class.
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
    **metric_options
        Further keywords of `PeriodRecoveryMetric`.

    Returns
    -------
    RunResult
        Tables and files.

    Raises
    ------
    InputError
        If the survey cannot be read, there is no visit, positions are wrong, or results exist.
    """
    if sum(choice is not None for choice in (nside, positions, stars)) != 1:
        raise InputError(
            f"nside = {nside!r}, positions = {positions!r}, {'no' if stars is None else len(stars)} stars",
            remedy="Give one of the three.",
        )
    if nside is not None and not healpy.isnsideok(nside, nest=True):
        raise InputError(f"nside = {nside!r}", allowed="a power of two, e.g. 8, 16, 64")
    points = None if positions is None else [check_position(ra, dec) for ra, dec in positions]
    if points is not None and not points:
        raise InputError("no position to run on", remedy="Give at least one (ra, dec).")
    folder = Path(out_dir)
    if (folder / RESULTS_FILE).exists() and not overwrite:
        raise InputError(f"{folder} already holds results", remedy="Choose another directory, or overwrite.")
    if radius is not None and not 0 < radius <= 90:
        raise InputError(f"radius = {radius!r} deg", allowed="above 0, up to 90 deg")
    if stars is not None:
        targets = list(zip(stars.ra.tolist(), stars.dec.tolist(), strict=True))
    elif points is None:
        ra, dec = healpy.pix2ang(nside, np.arange(healpy.nside2npix(nside)), lonlat=True)
        targets = list(zip(ra.tolist(), dec.tolist(), strict=True))
    else:
        targets = points
    targets = list(dict.fromkeys(targets))  # a synthetic survey visits each of them
    source = open_survey(cadence, positions=targets, survey=survey, constraint=constraint, sha256=sha256)
    name = run_name or source.name
    mags = DEFAULT_MAGNITUDES[source.survey] if magnitudes is None else tuple(magnitudes)
    if use_camera is None:
        use_camera = (
            radius is None
            and source.survey == "lsst"
            and source.rotation is not None
            and not source.by_position
            and has_camera_data()
        )
    reach = _SYNTHETIC_RADIUS if source.by_position else radius or FOV_RADIUS[source.survey]
    if stars is None:
        slicer = slicer_of_positions(source, points, nside, reach, use_camera)
        n_bundles = len(star_classes) * len(mags)
    else:
        band = str(parse_bands(["r"], source.survey)[0])
        slicer = slicer_of_table(source, stars, band, reach, use_camera)
        mags = (float(np.median(slicer.slice_points["mean_magnitude"])),)
        n_bundles = 1
    n_bundles *= 2 if len(years) else 1
    total = len(slicer) * n_bundles
    done = 0
    keeper: Keeper | None = None

    def reached(count: int) -> None:
        nonlocal done
        if count > done:
            done = count
            if progress is not None:
                progress(done, total)

    shared: dict[str, Any] = {
        "run_name": name,
        "extra_sql": constraint or None,
        "slicer": slicer,
        "survey": source.survey,
        "seed": seed,
        "period_range": period_range,
        "visit_id_col": source.visit_id,
        "seeing_col": source.seeing,
        "mjd_is_middle": source.mjd_is_middle,
        "on_run": lambda: reached(done + 1),
        "on_observed": None if catalog is None else lambda recovery: cast("Keeper", keeper).keep(recovery),
        **metric_options,
    }
    bundles = (
        period_recovery_batch(
            source.columns,
            star_classes=star_classes,
            magnitudes=mags,
            stars_per_position=stars_per_position,
            **shared,
        )
        if stars is None
        else stars_batch(colmap=source.columns, magnitude=mags[0], **shared)
    )
    object_bundles = list(bundles.values())
    by_years: list[MetricBundle] = []
    if len(years):
        by_years = bundles_by_years(object_bundles, source, years, constraint, metric_options)
        bundles |= make_bundles_dict_from_list(by_years)
    frames: dict[str, pd.DataFrame] = {}
    tables = (*_TABLES, *(("years", "by_year") if len(years) else ()))
    files = {"results": RESULTS_FILE, **{key: f"{key}.csv" for key in tables}}
    if catalog is not None:
        files["catalogue"] = catalog
    kept: Path | None = None
    if catalog is None:  # the folder of the finished positions of this very run
        model_hash = load_model(object_bundles[0].metric.sample.model).hash
        identity = fingerprint_of(bundles, source.content_hash, constraint, model_hash)
        kept = folder / f"{_CHECKPOINTS}-{identity[:24]}"
    if catalog is not None and (workers > 1 or scheduler is not None):
        raise InputError(
            f"a catalogue with {workers} workers",
            remedy="Use one worker here, or `pelsvae_cadence catalog` for large catalogues.",
        )
    with new_results(folder) as work:
        keeper = Keeper(
            float(np.median(mags)),
            object_bundles[0].metric.reference_band,
            catalog=None if catalog is None else work / catalog,
            provenance=_provenance(object_bundles[0], source, name, constraint, command),
        )
        try:
            with results_database(work) as results:
                group = ResumableBundleGroup(
                    bundles,
                    source.database,
                    out_dir=str(work),
                    results_db=results,
                    save_early=False,
                    db_table=source.table,
                    checkpoint_dir=kept,
                    workers=workers,
                    scheduler=scheduler,
                    fingerprint="" if kept is None else kept.name,
                    on_partition=lambda points, _: reached(points * n_bundles),
                )
                # MAF prints whole slice points when one of them fails; the error says enough.
                with keeper, redirect_stdout(io.StringIO()):
                    group.run_current(constraint, sim_data=source.array)
                if nside is not None:
                    _warn_of_patches(object_bundles[0])
                frames["positions"], frames["stars"] = tables_of_bundles(object_bundles, name)
                frames["summary"] = summary_of_positions(
                    frames["positions"], round_magnitudes=stars is not None
                )
                if by_years:
                    frames["years"] = year_table(by_years, name)
                    frames["by_year"] = summary_by_year(frames["years"], round_magnitudes=stars is not None)
                if keeper.example is None:
                    _find_example(keeper, object_bundles, group.sim_data)
                group.write_all()
                if plots:
                    _plot(group)
        finally:
            if kept is not None and not any(kept.glob("partition-*.npz")):
                shutil.rmtree(kept, ignore_errors=True)  # refused before anything was finished
        for key, frame in frames.items():
            frame.to_csv(work / files[key], index=False)
    if kept is not None:
        shutil.rmtree(kept, ignore_errors=True)
    if progress is not None:
        progress(total, total)
    return RunResult(
        out_dir=folder,
        files={key: folder / file for key, file in files.items()},
        example=keeper.example,
        **frames,
    )


def _find_example(keeper: Keeper, bundles: list[MetricBundle], visits: npt.NDArray[Any]) -> None:
    """Observe the stars of one position again, to look at: of middle magnitude, with a period."""
    middle = sorted(bundles, key=lambda b: abs(b.metric.magnitude - keeper.typical_magnitude))
    found = [
        (value["recovered"] > 0, -rank, -value["n_visits_all"], i)
        for rank, bundle in enumerate(middle)
        for i, value in enumerate(bundle.metric_values.data)
        if isinstance(value, dict)
    ]
    if not found:
        return
    _, rank, _, i = max(found)
    bundle = middle[-rank]
    here = bundle.slicer[i]
    metric = copy.copy(bundle.metric)
    metric.on_run, metric.on_observed = None, keeper.keep
    metric.run(visits[here["idxs"]], here["slice_point"])


def _provenance(
    bundle: MetricBundle, source: SurveySource, run_name: str, constraint: str, command: str
) -> Provenance:
    metric = bundle.metric
    model = load_model(metric.sample.model)
    return Provenance(
        seed=metric.sample.seed,
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
