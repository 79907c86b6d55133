"""Maps of what a survey can tell apart: one call from a survey to the recall of each class."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import healpy
import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.cadence.survey import FOV_RADIUS, Survey, check_position
from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.classify.labelled import LABELS
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.classifiability import ClassifiabilityMetric
from pelsvae_cadence.metrics.maf.bundle_group import ResumableBundleGroup, fingerprint_of
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.maf.survey_source import PositionCadence, SurveySource, open_survey
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.metrics.time_to_recovery import first_and_last_visit

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.db import ResultsDb
from rubin_sim.maf.metric_bundles import MetricBundle
from rubin_sim.maf.slicers import BaseSlicer, HealpixSlicer, UserPointsSlicer

__all__ = ["ClassifiabilityMap", "map_classifiability"]

_SCORES: Final = ("macro_f1", "balanced_accuracy", "log_loss", "recovered", "n_visits")
# A synthetic survey puts its visits exactly on the positions: none may reach another one.
_SYNTHETIC_RADIUS: Final = 0.01
_POSITIONS_FILE: Final = "positions.csv"
_FINISHED: Final = ".finished"


@dataclass(frozen=True, kw_only=True)
class ClassifiabilityMap:
    """What a survey tells apart, position by position.

    Parameters
    ----------
    positions : pandas.DataFrame
        One row per position with visits: ra, dec [deg], n_visits, macro_f1, balanced_accuracy,
        log_loss, recovered, and recall_<class> for each class of the mix; NaN where undefined.
    nside : int or None
        HEALPix resolution, where the positions are a map.
    name : str
        Name of the survey.
    files : dict of str to Path
        "positions" (CSV) and "results" (MAF's ResultsDb, beside MAF's own npz files).
    """

    positions: pd.DataFrame
    nside: int | None
    name: str
    files: dict[str, Path]

    def sky(self, column: str) -> npt.NDArray[np.float64]:
        """Give a column as a HEALPix map.

        Parameters
        ----------
        column : str
            A column of `positions`.

        Returns
        -------
        ndarray of float64, shape (12 nside^2,)
            The map, ring ordering, NaN where there is nothing.

        Raises
        ------
        InputError
            If the positions are no map, or there is no such column.
        """
        if self.nside is None:
            raise InputError("the positions are no map", remedy="Give nside instead of positions.")
        if column not in self.positions:
            raise InputError(f"no column {column!r}", allowed=", ".join(self.positions.columns))
        sky = np.full(healpy.nside2npix(self.nside), np.nan)
        place = healpy.ang2pix(self.nside, self.positions["ra"], self.positions["dec"], lonlat=True)
        sky[place] = self.positions[column]
        return sky


def map_classifiability(
    cadence: str | Path | Survey | PositionCadence,
    classifier: SurveyClassifier,
    *,
    nside: int | None = None,
    positions: Sequence[tuple[float, float]] | None = None,
    radius: float | None = None,
    constraint: str = "",
    sha256: str | None = None,
    out_dir: str | Path = "classifiability",
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **metric_options: Any,
) -> ClassifiabilityMap:
    """Run `ClassifiabilityMetric` on a survey, through MAF.

    Positions that are finished are kept in `out_dir` until the run is complete: one that was
    stopped goes on where it ended.

    Parameters
    ----------
    cadence : str, Path, Survey or SyntheticSurvey
        The survey: a database or table, or an object in memory.
    classifier : SurveyClassifier
        What `train_classifiers` returns. Of the survey only the first years are looked at, as
        many as it was trained on.
    nside : int, optional
        HEALPix resolution of a map of the sky.
    positions : sequence of (ra, dec), optional
        Positions in degrees, instead of a map.
    radius : float, optional
        Radius of the circular field of view in degrees: 1.75 (LSST) or 3.5 (ZTF) by default.
    constraint : str
        SQL condition on the visits.
    sha256 : str, optional
        SHA-256 that the file must have; by default what ``FILE.sha256`` beside it says, if there
        is one.
    out_dir : str or Path
        Folder for MAF's files and the table of positions.
    workers : int
        Processes that share the positions; more than one need Dask.
    progress : callable, optional
        Called with (positions done, positions in all).
    **metric_options
        Further options of `ClassifiabilityMetric`: stars_per_class, ebv, min_visits, model.

    Returns
    -------
    ClassifiabilityMap
        Scores and recalls of each position.

    Raises
    ------
    InputError
        If the survey cannot be read, no visit is left, or the positions are wrong.
    """
    if (nside is None) == (positions is None):
        raise InputError(f"nside = {nside!r} and positions = {positions!r}", remedy="Give one of the two.")
    if nside is not None and not healpy.isnsideok(nside, nest=True):
        raise InputError(f"nside = {nside!r}", allowed="a power of two, e.g. 4, 8, 16")
    if nside is not None:
        ra, dec = healpy.pix2ang(nside, np.arange(healpy.nside2npix(nside)), lonlat=True)
        targets = list(zip(ra.tolist(), dec.tolist(), strict=True))
    else:
        targets = [check_position(ra, dec) for ra, dec in positions or ()]
    if not targets:
        raise InputError("no position to run on", remedy="Give at least one (ra, dec).")
    source = open_survey(cadence, positions=targets, constraint=constraint, sha256=sha256)
    source, condition = _first_years(cadence, source, classifier.years, constraint)
    reach = _SYNTHETIC_RADIUS if source.by_position else radius or FOV_RADIUS[source.survey]
    metric = ClassifiabilityMetric(
        classifier,
        mjd_col=source.columns["mjd"],
        m5_col=source.columns["fiveSigmaDepth"],
        band_col=source.columns["band"],
        night_col=source.columns["night"],
        exptime_col=source.columns["exptime"],
        visit_id_col=source.visit_id,
        seeing_col=source.seeing,
        mjd_is_middle=source.mjd_is_middle,
        survey=source.survey,
        **metric_options,
    )
    bundle = MetricBundle(
        metric,
        _slicer(source, None if nside is not None else targets, nside, reach),
        condition,
        run_name=source.name,
    )
    folder = output_folder(out_dir)
    bundles = {"classifiability": bundle}
    identity = fingerprint_of(bundles, source.content_hash, condition, load_model(metric.model).hash)
    kept = folder / f"{_FINISHED}-{identity[:24]}"
    results = ResultsDb(out_dir=str(folder))
    try:
        group = ResumableBundleGroup(
            bundles,
            source.database,
            out_dir=str(folder),
            results_db=results,
            save_early=False,
            db_table=source.table,
            checkpoint_dir=kept,
            fingerprint=kept.name,
            workers=workers,
            on_partition=progress,
        )
        # MAF prints whole slice points when one of them fails; the error itself says enough.
        with redirect_stdout(io.StringIO()):
            group.run_current(condition, sim_data=source.array)
        frame = _table(bundle, targets)
        group.write_all()
    finally:
        results.close()
    path = folder / _POSITIONS_FILE
    with replacing(path) as partial:
        frame.to_csv(partial, index=False)
    shutil.rmtree(kept, ignore_errors=True)
    files = {"positions": path, "results": folder / "resultsDb_sqlite.db"}
    return ClassifiabilityMap(positions=frame, nside=nside, name=source.name, files=files)


def _first_years(
    cadence: object, source: SurveySource, years: float | None, constraint: str
) -> tuple[SurveySource, str]:
    """Leave out what comes after the years of the classifier."""
    if years is None:
        return source, constraint
    column = source.columns["mjd"]
    if isinstance(cadence, SyntheticSurvey):
        begin = cadence.mjd_start  # a map of some positions need not hold the first visit
    else:
        begin = first_and_last_visit(source)[0]
    end = begin + years * JULIAN_YEAR
    if source.array is None:
        limit = f"{column} < {end!r}"
        return source, f"({constraint}) and {limit}" if constraint else limit
    kept = source.array[source.array[column] < end]
    if not kept.size:
        raise InputError(f"no visit of {source.name} in the first {years:g} years")
    return replace(source, array=kept), constraint


def _slicer(
    source: SurveySource, targets: list[tuple[float, float]] | None, nside: int | None, reach: float
) -> BaseSlicer:
    options: dict[str, Any] = {
        "lon_col": source.columns["ra"],
        "lat_col": source.columns["dec"],
        "radius": reach,
        "use_camera": False,
        "verbose": False,
        # Without a footprint the rotation is never used; any column that exists will do.
        "rot_sky_pos_col_name": source.rotation or source.columns["ra"],
    }
    if targets is None:
        return HealpixSlicer(nside=nside, use_cache=False, **options)
    ra, dec = (list(values) for values in zip(*targets, strict=True))
    return UserPointsSlicer(ra, dec, **options)


def _table(bundle: MetricBundle, targets: list[tuple[float, float]]) -> pd.DataFrame:
    classes = [name for name in LABELS if name in bundle.metric.mix.classes]
    columns = [*_SCORES, *(f"recall_{name}" for name in classes)]
    rows = [
        {"ra": ra, "dec": dec, **{key: value[key] for key in columns}}
        for (ra, dec), value in zip(targets, bundle.metric_values.data, strict=True)
        if isinstance(value, dict)
    ]
    if not rows:
        raise InputError(
            "no position has enough visits to classify",
            remedy="Choose positions in the footprint, or lower min_visits.",
        )
    return pd.DataFrame(rows, columns=["ra", "dec", *columns])
