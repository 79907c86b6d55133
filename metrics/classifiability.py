"""The MAF metric: how well a survey tells the stars of a position apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import SURVEYS, SurveyName
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.classify import LABELS, ClassMix, Predictions, observe_mix
from pelsvae_cadence.classify.scores import scores_of_counts
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier, train_on_survey
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.metrics.maf import prepare_data_directory
from pelsvae_cadence.metrics.recovery import load_model
from pelsvae_cadence.metrics.slice_stars import reddening_at
from pelsvae_cadence.metrics.slice_visits import SliceColumns, thin_visits, visits_from_slice

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.metrics import BaseMetric

__all__ = ["ClassifiabilityMetric", "train_classifiers"]


def train_classifiers(
    survey: str | Path | Cadence,
    *,
    constraint: str = "",
    years: Sequence[float | None] = (None,),
    **options: Any,
) -> tuple[SurveyClassifier, ...]:
    """Train the classifiers of a survey: the one call before the bundle.

    Parameters
    ----------
    survey : str, Path, Survey or SyntheticSurvey
        A database or table, or a survey in memory.
    constraint : str
        SQL condition on the visits; give the bundle the same one.
    years : sequence of float or None
        Lengths of the survey in years; None is all of it. One classifier is trained for each.
    **options
        Options of `pelsvae_cadence.classify.train_on_survey`: positions or n_positions, mix,
        groups, estimator, ebv, model, checkpoint_dir, workers, progress.

    Returns
    -------
    tuple of SurveyClassifier
        One for each of `years`.

    Raises
    ------
    InputError
        If the survey cannot be read, or a constraint is given for one that is in memory.
    """
    if isinstance(survey, (str, Path)):
        cadence: Cadence = read_survey(survey, constraint=constraint)
    else:
        if constraint:
            raise InputError(
                f"constraint {constraint!r} on {survey.name}, which is already in memory",
                remedy="Give the file, or apply the condition before.",
            )
        cadence = survey
    return train_on_survey(cadence, years=years, **options)


def _score_reducer(key: str, words: str) -> Callable[[Any, dict[str, Any]], float]:
    """Make the reduce method for one of the scores."""

    def reduce(self: Any, value: dict[str, Any]) -> float:
        number = float(value[key])
        return number if np.isfinite(number) else float(self.badval)

    reduce.__name__ = f"reduce_{key.lower()}"
    reduce.__doc__ = f"Give the {words}; masked where it is not defined."
    return reduce


class ClassifiabilityMetric(BaseMetric):  # type: ignore[misc]  # rubin_sim has no types
    """How well the stars of a position are told apart, by a classifier that has not seen them.

    At each slice point the stars of a mix of classes are drawn, observed at every visit, searched
    for periods, measured and classified. The classifiers are those of `train_classifiers`; at any
    position the one answers that was trained without this part of the sky, so that a map of the
    metric is one of held-out stars. Trained on the same survey, they say what this survey can do;
    trained on another one and kept, they say what a frozen classifier will do here.

    Parameters
    ----------
    classifier : SurveyClassifier
        What `train_classifiers` returns.
    metric_name : str
        Name of the metric.
    mjd_col, m5_col, band_col, night_col, exptime_col, visit_id_col, seeing_col : str or None
        Columns: see `PeriodRecoveryMetric`.
    mjd_is_middle : bool
        `mjd_col` holds mid-exposure times.
    survey : {"lsst", "ztf"}
        Whose filters, noise and saturation apply.
    stars_per_class : int, optional
        Stars of each class at each slice point; as in training by default.
    ebv : float
        True E(B-V) in mag where the slice point has none.
    min_visits, max_visits : int
        Slice points with fewer visits are masked; with more, thinned.
    model : str
        Name or path of the source model.
    on_run : callable, optional
        Called after each slice point.
    **kwargs
        Passed to MAF's BaseMetric.

    Raises
    ------
    InputError
        If an argument is out of range.
    """

    def __init__(
        self,
        classifier: SurveyClassifier,
        metric_name: str = "Classifiability",
        mjd_col: str = "observationStartMJD",
        m5_col: str = "fiveSigmaDepth",
        band_col: str = "band",
        night_col: str | None = "night",
        exptime_col: str | None = "visitExposureTime",
        visit_id_col: str | None = None,
        seeing_col: str | None = None,
        mjd_is_middle: bool = False,
        survey: SurveyName = "lsst",
        stars_per_class: int | None = None,
        ebv: float = 0.0,
        min_visits: int = 20,
        max_visits: int = 5000,
        model: str = "default",
        on_run: Callable[[], None] | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(classifier, SurveyClassifier):
            raise InputError(
                f"classifier is a {type(classifier).__name__}",
                allowed="a SurveyClassifier",
                remedy="Make it with train_classifiers(survey)[0].",
            )
        if survey not in SURVEYS:
            raise InputError(f"unknown survey {survey!r}", allowed=", ".join(SURVEYS))
        if min_visits < 1 or max_visits < min_visits:
            raise InputError(
                f"min_visits = {min_visits!r}, max_visits = {max_visits!r}",
                allowed="1 <= min_visits <= max_visits",
            )
        self.columns = SliceColumns(
            mjd=mjd_col, m5=m5_col, band=band_col, night=night_col, exptime=exptime_col,
            visit_id=visit_id_col, seeing=seeing_col, mjd_is_middle=mjd_is_middle,
        )  # fmt: skip
        self.classifier = classifier
        self.survey: SurveyName = survey
        self.mix = _resized(classifier.mix, stars_per_class)
        self.ebv = ebv
        self.min_visits = int(min_visits)
        self.max_visits = int(max_visits)
        self.model = model
        self.on_run = on_run
        kwargs.setdefault("units", "")
        super().__init__(
            col=self.columns.needed(), metric_name=metric_name, metric_dtype="object", **kwargs
        )
        self.comment = (
            f"{self.mix.stars_per_class} simulated stars of each of {len(self.mix.classes)} classes "
            f"per position, told apart by a classifier trained elsewhere on {classifier.name}."
        )

    def run(
        self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None = None
    ) -> dict[str, Any] | float:
        """Observe and classify the stars of one slice point.

        Parameters
        ----------
        data_slice : numpy structured array, shape (n_visits,)
            The visits of the slice point.
        slice_point : dict
            Its "ra" and "dec" in radians.

        Returns
        -------
        dict or float
            "macro_f1", "balanced_accuracy", "log_loss", "recall_<class>", "recovered" (fraction of
            periodic stars with their period), "confusion" (counts by true and predicted class),
            and per star "star_id", "label", "predicted", "probability"; `badval` where there are
            too few visits.

        Raises
        ------
        InputError
            If the slice point has no position, or a column is missing.
        """
        try:
            return self._run(data_slice, slice_point)
        finally:
            if self.on_run is not None:
                self.on_run()

    def _run(
        self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any] | None
    ) -> dict[str, Any] | float:
        predictions, recovered, n_visits = self.classify(data_slice, slice_point)
        if predictions is None:
            masked: float = self.badval  # MAF masks this very object
            return masked
        confusion = predictions.confusion()
        scores = scores_of_counts(confusion.astype(np.float64))
        recall = dict(zip(predictions.classes, scores["recall"].tolist(), strict=True))
        return {
            "macro_f1": float(scores["macro_f1"]),
            "balanced_accuracy": float(scores["balanced_accuracy"]),
            "log_loss": float(predictions.surprise.mean()),
            **{f"recall_{name}": recall.get(name, float("nan")) for name in LABELS},
            "recovered": recovered,
            "n_visits": n_visits,
            "confusion": confusion,
            "star_id": predictions.star_id,
            "label": predictions.label,
            "predicted": predictions.predicted,
            "probability": predictions.probability,
            "magnitude": predictions.magnitude,
        }

    def classify(
        self,
        data_slice: npt.NDArray[Any],
        slice_point: dict[str, Any] | None,
        classifier: SurveyClassifier | None = None,
    ) -> tuple[Predictions | None, float, int]:
        """Observe and classify the stars of one slice point.

        Parameters
        ----------
        data_slice : numpy structured array, shape (n_visits,)
            The visits of the slice point.
        slice_point : dict or None
            Its "ra" and "dec" in radians.
        classifier : SurveyClassifier, optional
            Another classifier than the metric's.

        Returns
        -------
        predictions : Predictions or None
            None where there are too few visits.
        recovered : float
            Fraction of the periodic stars whose period was found; NaN if there are none.
        n_visits : int
            Visits to the slice point.

        Raises
        ------
        InputError
            If the slice point has no position, or a column is missing.
        """
        if not slice_point or slice_point.get("ra") is None or slice_point.get("dec") is None:
            raise InputError(
                "the slice point has no ra and dec",
                remedy="Use a spatial slicer (HealpixSlicer, UserPointsSlicer).",
            )
        if len(data_slice) < self.min_visits:
            return None, float("nan"), len(data_slice)
        ra = float(np.degrees(slice_point["ra"])) % 360.0
        dec = float(np.degrees(slice_point["dec"]))
        all_visits = visits_from_slice(data_slice, self.columns, self.survey)
        stars = observe_mix(
            self.mix,
            thin_visits(all_visits, self.max_visits),
            ra,
            dec,
            model=load_model(self.model),
            ebv=reddening_at(slice_point, self.ebv),
            baseline=max(float(np.ptp(all_visits.mjd)), 1.0),
        )
        periodic = ~np.isin(stars.label, LABELS[-2:])
        recovered = float(stars.recovered[periodic].mean()) if periodic.any() else float("nan")
        judge = self.classifier if classifier is None else classifier
        return judge.predict(stars), recovered, len(all_visits)

    # MAF finds reduce methods by their names.
    reduce_macro_f1 = _score_reducer("macro_f1", "mean F1 score of the classes")
    reduce_balanced_accuracy = _score_reducer("balanced_accuracy", "mean recall of the classes")
    reduce_log_loss = _score_reducer("log_loss", "mean of minus ln of the probability of the truth")
    reduce_recovered = _score_reducer("recovered", "fraction of stars with their period")
    reduce_recall_acep = _score_reducer("recall_ACEP", "recall of anomalous Cepheids")
    reduce_recall_cep = _score_reducer("recall_CEP", "recall of classical Cepheids")
    reduce_recall_dsct = _score_reducer("recall_DSCT", "recall of delta Scuti stars")
    reduce_recall_ecl = _score_reducer("recall_ECL", "recall of eclipsing binaries")
    reduce_recall_ell = _score_reducer("recall_ELL", "recall of ellipsoidal variables")
    reduce_recall_lpv = _score_reducer("recall_LPV", "recall of Miras")
    reduce_recall_rrlyr = _score_reducer("recall_RRLYR", "recall of RR Lyrae stars")
    reduce_recall_t2cep = _score_reducer("recall_T2CEP", "recall of type II Cepheids")
    reduce_recall_constant = _score_reducer("recall_constant", "recall of constant stars")
    reduce_recall_contaminant = _score_reducer("recall_contaminant", "recall of contaminants")


def _resized(mix: ClassMix, stars_per_class: int | None) -> ClassMix:
    from dataclasses import replace

    return mix if stars_per_class is None else replace(mix, stars_per_class=int(stars_per_class))
