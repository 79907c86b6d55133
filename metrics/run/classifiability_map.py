"""Sky maps of classification: recall of each class from one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import healpy
import numpy as np
import numpy.typing as npt
import pandas as pd
from typing_extensions import Unpack

from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.survey import Cadence, Survey
from pelsvae_cadence.classify.labelled import LABELS, SURVEY_BANDS, ClassMix
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.classifiability import (
    ClassifiabilityKeywords,
    ClassifiabilityMetric,
    ClassifiabilityOptions,
)
from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory
from pelsvae_cadence.metrics.maf.slicers import sky_slicer
from pelsvae_cadence.metrics.maf.survey_source import (
    PositionCadence,
    SurveySource,
    named_columns,
    open_survey,
)
from pelsvae_cadence.metrics.position.options import table_keywords
from pelsvae_cadence.metrics.run.bundles import finished_group, sky_positions
from pelsvae_cadence.metrics.run.folder import RESULTS_FILE

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metric_bundles import MetricBundle

__all__ = ["ClassifiabilityMap", "map_classifiability"]

_SCORES: Final = ("macro_f1", "balanced_accuracy", "log_loss", "recovered", "n_visits")
_POSITIONS_FILE: Final = "positions.csv"


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
    classifier: SurveyClassifier | None = None,
    *,
    mix: ClassMix | None = None,
    years: float | None = None,
    nside: int | None = None,
    positions: Sequence[tuple[float, float]] | None = None,
    radius: float | None = None,
    constraint: str = "",
    sha256: str | None = None,
    out_dir: str | Path = "classifiability",
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **options: Unpack[ClassifiabilityKeywords],
) -> ClassifiabilityMap:
    """Run `ClassifiabilityMetric` on a survey, through MAF.

    Positions that are finished are kept in `out_dir` until the run is complete: one that was
    stopped goes on where it ended.

    Parameters
    ----------
    cadence : str, Path, Survey or SyntheticSurvey
        The survey.
    nside, positions, radius, constraint, sha256, workers, progress : optional
        As in `pelsvae_cadence.metrics.run_period_recovery`.
    classifier : SurveyClassifier, optional
        What `train_classifiers` returns. Of the survey only the first years are looked at, as
        many as it was trained on. None for ``method="learned"``, which needs no training.
    mix : ClassMix, optional
        The stars of a reading, see `ClassifiabilityMetric`.
    years : float, optional
        For a reading: only the first years of the survey; by default all of it.
    out_dir : str or Path
        Folder for MAF's files and the table of positions.
    **options
        Further options of `ClassifiabilityMetric`: stars_per_class, method, ebv, min_visits, model, ...

    Returns
    -------
    ClassifiabilityMap
        Scores and recalls of each position.

    Raises
    ------
    InputError
        If the survey cannot be read, no visit is left, or the positions are wrong.
    """
    targets = sky_positions(nside, positions)
    chosen_method = ClassifiabilityOptions(**options).method  # refuses what is unknown before any work
    if classifier is not None and years is not None:
        raise InputError(f"years = {years!r}", remedy="Leave them out: a classifier has its own.")
    if chosen_method == "harmonic":
        if not isinstance(classifier, SurveyClassifier):
            raise InputError(f"classifier is a {type(classifier).__name__}", allowed="a SurveyClassifier")
        years = classifier.years
        if isinstance(cadence, Cadence):
            classifier.check_bands(SURVEY_BANDS[cadence.survey], cadence.name)
    source = open_survey(
        cadence,
        positions=targets,
        constraint=constraint,
        sha256=sha256,
        columns=named_columns(cadence, options),
    )
    source = _first_years(cadence, source, years)
    chosen: ClassifiabilityKeywords = {**source.keywords, **options}
    metric = ClassifiabilityMetric(
        classifier, mix=mix, **table_keywords(source.columns, source.survey), **chosen
    )
    slicer = sky_slicer(source.columns, nside=nside, points=targets, radius=source.reach(radius))
    bundles = {"classifiability": MetricBundle(metric, slicer, constraint, run_name=source.name)}
    folder = output_folder(out_dir)
    with finished_group(bundles, source, constraint, folder, workers=workers, on_partition=progress) as (
        _,
        work,
    ):
        frame = _table(bundles["classifiability"], targets)
        frame.to_csv(work / _POSITIONS_FILE, index=False)
    files = {"positions": folder / _POSITIONS_FILE, "results": folder / RESULTS_FILE}
    return ClassifiabilityMap(positions=frame, nside=nside, name=source.name, files=files)


def _first_years(cadence: Any, source: SurveySource, years: float | None) -> SurveySource:
    """Leave out what comes after the years of the classifier."""
    if years is None:
        return source
    # The visits to some positions need not hold the first one of a survey that is made for them.
    begin = start_of(cadence) if source.by_position else source.first_and_last_visit()[0]
    kept = source.array[source.array[source.columns["mjd"]] < begin + years * JULIAN_YEAR]
    if not kept.size:
        raise InputError(f"no visit of {source.name} in the first {years:g} years")
    return replace(source, array=kept)


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
