"""Run the period-recovery metrics on a survey, through MAF."""

from __future__ import annotations

import copy
import hashlib
import io
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import healpy
import numpy as np
import numpy.typing as npt
import pandas as pd
from sqlalchemy import event

from pelsvae_cadence.bands import SurveyName
from pelsvae_cadence.cadence.survey import FOV_RADIUS, Survey, check_position
from pelsvae_cadence.cadence.tables import file_sha256
from pelsvae_cadence.catalog import Provenance
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.metrics.batches import (
    DEFAULT_CLASSES,
    DEFAULT_MAGNITUDES,
    period_recovery_batch,
)
from pelsvae_cadence.metrics.keeping import Example, Keeper
from pelsvae_cadence.metrics.maf import has_camera_data, prepare_data_directory
from pelsvae_cadence.metrics.recovery import load_model
from pelsvae_cadence.metrics.resumable import ResumableBundleGroup, fingerprint_of
from pelsvae_cadence.metrics.run_tables import (
    summary_by_year,
    summary_of_positions,
    tables_of_bundles,
    year_table,
)
from pelsvae_cadence.metrics.slice_visits import SliceColumns
from pelsvae_cadence.metrics.survey_source import PositionCadence, SurveySource, open_survey
from pelsvae_cadence.metrics.time_to_recovery import (
    JULIAN_YEAR,
    TimeToRecoveryMetric,
    first_and_last_visit,
)

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.db import ResultsDb
from rubin_sim.maf.metric_bundles import MetricBundle, make_bundles_dict_from_list
from rubin_sim.maf.slicers import BaseSlicer, HealpixSlicer, UserPointsSlicer

__all__ = ["PartialSkyWarning", "RunResult", "run_period_recovery"]

RESULTS_FILE: Final = "resultsDb_sqlite.db"
_TABLES: Final = ("positions", "stars", "summary")
_CHECKPOINTS: Final = ".finished"
_PLOTTED: Final = ("_recovered", "_recovered_or_half", "_no_detection", "_n_visits")
# A wide survey reaches 60-70 % of the sky; patches cut out of one reach far less.
_PARTIAL_SKY: Final = 0.3
# A synthetic survey puts its visits exactly on the positions: none may reach another one.
_SYNTHETIC_RADIUS: Final = 0.01


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
    radius: float | None = None,
    survey: SurveyName | None = None,
    star_classes: Sequence[str] = DEFAULT_CLASSES,
    magnitudes: Sequence[float] | None = None,
    stars_per_position: int = 20,
    constraint: str = "",
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
    """Run one period-recovery metric per class and magnitude on a survey.

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
    if (nside is None) == (positions is None):
        raise InputError(
            f"nside = {nside!r} and positions = {positions!r}", remedy="Give one of the two."
        )
    if nside is not None and not healpy.isnsideok(nside, nest=True):
        raise InputError(f"nside = {nside!r}", allowed="a power of two, e.g. 8, 16, 64")
    points = None if positions is None else [check_position(ra, dec) for ra, dec in positions]
    if points is not None and not points:
        raise InputError("no position to run on", remedy="Give at least one (ra, dec).")
    folder = Path(out_dir)
    if (folder / RESULTS_FILE).exists() and not overwrite:
        raise InputError(
            f"{folder} already holds results", remedy="Choose another directory, or overwrite."
        )
    if radius is not None and not 0 < radius <= 90:
        raise InputError(f"radius = {radius!r} deg", allowed="above 0, up to 90 deg")
    if points is None:
        ra, dec = healpy.pix2ang(nside, np.arange(healpy.nside2npix(nside)), lonlat=True)
        targets = list(zip(ra.tolist(), dec.tolist(), strict=True))
    else:
        targets = points
    source = open_survey(cadence, positions=targets, survey=survey, constraint=constraint)
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
    slicer = _slicer(source, points, nside, reach, use_camera)
    n_bundles = len(star_classes) * len(mags) * (2 if len(years) else 1)
    total = len(slicer) * n_bundles
    done = 0
    keeper: Keeper | None = None

    def reached(count: int) -> None:
        nonlocal done
        if count > done:
            done = count
            if progress is not None:
                progress(done, total)

    bundles = period_recovery_batch(
        source.columns,
        run_name=name,
        extra_sql=constraint or None,
        slicer=slicer,
        survey=source.survey,
        star_classes=star_classes,
        magnitudes=mags,
        stars_per_position=stars_per_position,
        seed=seed,
        period_range=period_range,
        visit_id_col=source.visit_id,
        seeing_col=source.seeing,
        mjd_is_middle=source.mjd_is_middle,
        on_run=lambda: reached(done + 1),
        on_observed=None
        if catalog is None
        else lambda recovery: cast("Keeper", keeper).keep(recovery),
        **metric_options,
    )
    object_bundles = list(bundles.values())
    by_years: list[MetricBundle] = []
    if len(years):
        by_years = _by_years(object_bundles, source, years, constraint, metric_options)
        bundles |= make_bundles_dict_from_list(by_years)
    frames: dict[str, pd.DataFrame] = {}
    tables = (*_TABLES, *(("years", "by_year") if len(years) else ()))
    files = {"results": RESULTS_FILE, **{key: f"{key}.csv" for key in tables}}
    if catalog is not None:
        files["catalogue"] = catalog
    kept = _checkpoints(folder, bundles, source, constraint) if catalog is None else None
    if catalog is not None and (workers > 1 or scheduler is not None):
        raise InputError(
            f"a catalogue with {workers} workers",
            remedy="Use one worker here, or `pelsvae_cadence catalog` for large catalogues.",
        )
    with _new_results(folder) as work:
        keeper = Keeper(
            float(np.median(mags)),
            object_bundles[0].metric.reference_band,
            catalog=None if catalog is None else work / catalog,
            provenance=_provenance(object_bundles[0], source, name, constraint, command),
        )
        try:
            results = _hurried(ResultsDb(out_dir=str(work)))
        except ValueError as error:
            raise InputError(
                f"cannot make MAF's results database in {folder}: is the disk full?",
                remedy="Free space, or choose another output folder.",
            ) from error
        try:
            group = ResumableBundleGroup(
                bundles, source.database, out_dir=str(work), results_db=results, save_early=False,
                db_table=source.table, checkpoint_dir=kept, workers=workers, scheduler=scheduler,
                fingerprint="" if kept is None else kept.name,
                on_partition=lambda points, _: reached(points * n_bundles),
            )  # fmt: skip
            # MAF prints whole slice points when one of them fails; the error itself says enough.
            with keeper, redirect_stdout(io.StringIO()):
                group.run_current(constraint, sim_data=source.array)
            if nside is not None:
                _warn_of_patches(object_bundles[0])
            frames["positions"], frames["stars"] = tables_of_bundles(object_bundles, name)
            frames["summary"] = summary_of_positions(frames["positions"])
            if by_years:
                frames["years"] = year_table(by_years, name)
                frames["by_year"] = summary_by_year(frames["years"])
            if keeper.example is None:
                _find_example(keeper, object_bundles, group.sim_data)
            group.write_all()
            if plots:
                _plot(group)
        finally:
            results.close()
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


def _checkpoints(
    folder: Path, bundles: dict[str, MetricBundle], source: SurveySource, constraint: str
) -> Path:
    """Name the folder of the finished positions of this very run."""
    visits = (
        hashlib.sha256(np.ascontiguousarray(source.array).tobytes()).hexdigest()
        if source.database is None
        else file_sha256(Path(source.database))
    )
    metric = next(iter(bundles.values())).metric
    survey = f"{visits} {constraint} {load_model(metric.sample.model).hash}"
    return folder / f"{_CHECKPOINTS}-{fingerprint_of(bundles, survey)[:24]}"


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


def _hurried(results: ResultsDb) -> ResultsDb:
    """Spare MAF's hundreds of small commits their wait for the disk.

    The results are moved into place when they are complete; a power failure before that loses
    them in any case.
    """
    engine = results.session.get_bind()
    engine.dispose()
    event.listen(engine, "connect", lambda link, _: link.execute("pragma synchronous = off"))
    return results


@contextmanager
def _new_results(folder: Path) -> Iterator[Path]:
    """Work in a folder of its own, so that earlier results stay until the new ones are complete."""
    folder.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    try:
        yield work
        for old in _files_of_results(folder / RESULTS_FILE):
            (folder / old).unlink(missing_ok=True)
        for new in work.iterdir():
            new.replace(folder / new.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _files_of_results(database: Path) -> list[str]:
    """List the metric files of an earlier run, which the new one replaces."""
    if not database.exists():
        return []
    connection = sqlite3.connect(f"file:{database.resolve().as_posix()}?mode=ro", uri=True)
    try:
        rows = connection.execute("select metric_datafile from metrics").fetchall()
    except sqlite3.Error:
        return []  # another version's results: left alone
    finally:
        connection.close()
    return [Path(row[0]).name for row in rows if row[0]]


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
        survey_hash="" if source.database is None else file_sha256(Path(source.database)),
        command=command,
        extra={"run_name": run_name, "constraint": constraint},
    )


def _slicer(
    source: SurveySource,
    points: list[tuple[float, float]] | None,
    nside: int | None,
    radius: float,
    use_camera: bool,
) -> BaseSlicer:
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


def _column_options(columns: SliceColumns) -> dict[str, Any]:
    names = ("mjd", "m5", "band", "night", "exptime", "visit_id", "seeing")
    options: dict[str, Any] = {f"{name}_col": getattr(columns, name) for name in names}
    return {**options, "mjd_is_middle": columns.mjd_is_middle}


def _by_years(
    bundles: list[MetricBundle],
    source: SurveySource,
    years: Sequence[float],
    constraint: str,
    metric_options: dict[str, Any],
) -> list[MetricBundle]:
    """Make the bundles that ask for the years, with the stars and settings of those given."""
    first, last = first_and_last_visit(source, constraint)
    made = []
    for bundle in bundles:
        metric = bundle.metric
        time = TimeToRecoveryMetric(
            years=years, survey_start=first, survey_years=(last - first) / JULIAN_YEAR,
            on_run=metric.on_run, star_class=metric.sample.star_class, magnitude=metric.magnitude,
            stars_per_position=metric.sample.n, seed=metric.sample.seed, survey=metric.survey,
            period_range=metric.period_range, **_column_options(metric.columns), **metric_options,
        )  # fmt: skip
        display = dict(bundle.display_dict)
        display["subgroup"] = display["subgroup"].replace("Period recovery", "Years to a period")
        display["order"] += len(bundles)
        display["caption"] += " Searched at the end of each survey year."
        made.append(
            MetricBundle(
                time, bundle.slicer, bundle.constraint, run_name=bundle.run_name,
                info_label=bundle.info_label, display_dict=display,
                summary_metrics=list(bundle.summary_metrics),
            )
        )  # fmt: skip
    return made
