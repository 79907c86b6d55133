"""The classifier: calibrated probabilities with explicit priors, and a file without pickles."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classify.features.table import FeatureTable
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing

__all__ = ["TRUSTED_TYPES", "ClassifierWarning", "VariableClassifier", "check_priors", "default_estimator"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Types beyond skops' own list that a classifier's file may hold: scikit-learn's trees, its
#: calibration by temperature, and the description of an array's type.
TRUSTED_TYPES: Final = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
#: Version of the file.
SCHEMA: Final = 1
# A feature that fewer stars have cannot be learned.
_LEAST_MEASURED: Final = 5
_LEAST_PROBABILITY: Final = 1e-12


class ClassifierWarning(UserWarning):
    """A classifier was trained on less than it should be; results are defined, but say little."""


def default_estimator(seed: int = 0) -> Any:
    """Make scikit-learn's HistGradientBoostingClassifier with our settings."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=100,
        max_leaf_nodes=12,
        min_samples_leaf=10,
        l2_regularization=1.0,
        max_features=0.4,
        max_bins=127,
        early_stopping=False,
        random_state=seed,
    )


class VariableClassifier:
    """Tell classes of stars apart by their features.

    Parameters
    ----------
    estimator : scikit-learn classifier, optional
        With ``fit`` and ``predict_proba``; `default_estimator` by default. One that cannot live
        with missing features gets a median imputer with indicator columns, and a standard
        scaler, before it.
    calibrate : bool
        Scale the probabilities by a temperature that is fitted on held-out stars (Guo et al. 2017,
        ICML 70, 1321). The order of the classes of a star does not change.
    priors : mapping of str to float, optional
        Expected share of each class among the stars to be classified, in any unit. Equal shares
        by default, whatever the shares in training.
    n_folds : int
        Parts of the sky that take turns in being held out for the calibration.
    seed : int
        Seed of estimator and folds.

    Attributes
    ----------
    classes : tuple of str
        Classes, in the order of the columns of the probabilities.
    feature_names : tuple of str
        Features that are used.

    Notes
    -----
    Probabilities are first divided by the shares of the classes in training, then multiplied by
    the priors and normalised (Saerens, Latinne & Decaestecker 2002, Neural Comput. 14, 21, eq. 4).
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        calibrate: bool = True,
        priors: Mapping[str, float] | None = None,
        n_folds: int = 3,
        seed: int = 0,
    ) -> None:
        if estimator is not None and not hasattr(estimator, "predict_proba"):
            raise InputError(
                f"{type(estimator).__name__} gives no probabilities",
                allowed="a scikit-learn classifier with predict_proba",
            )
        if n_folds < 2:
            raise InputError(f"n_folds = {n_folds!r}", allowed="2 or more")
        self.estimator = estimator
        self.calibrate = calibrate
        self.priors = None if priors is None else dict(priors)
        self.n_folds = int(n_folds)
        self.seed = int(seed)
        self.classes: tuple[str, ...] = ()
        self.feature_names: tuple[str, ...] = ()
        self._shares: FloatArray = np.empty(0)
        self._fitted: Any = None

    def __repr__(self) -> str:
        state = f"{len(self.classes)} classes" if self.classes else "not trained"
        kind = "HistGradientBoostingClassifier"
        if self.estimator is not None:
            kind = type(self.estimator).__name__
        return f"<VariableClassifier {kind}: {state}, {len(self.feature_names)} features>"

    def fit(
        self, features: FeatureTable, label: npt.ArrayLike, *, group: npt.ArrayLike | None = None
    ) -> Self:
        """Train.

        Parameters
        ----------
        features : FeatureTable
            Features of N stars.
        label : array_like of str, shape (N,)
            What they are.
        group : array_like of int, shape (N,), optional
            Stars of one group (a sky position) are held out together in the calibration; every
            star is its own group by default.

        Returns
        -------
        VariableClassifier
            Itself.

        Raises
        ------
        InputError
            If there is no star, or labels and features differ in number, or a prior is missing.

        Warns
        -----
        ClassifierWarning
            If there is one class only, features are missing for nearly all stars, or a class has
            too few stars to calibrate.
        """
        from sklearn.base import clone

        labels = np.asarray(label).astype(np.str_)
        if labels.shape != (len(features),):
            raise InputError(f"{labels.size} labels for {len(features)} stars")
        if not labels.size:
            raise InputError("no star to train on")
        names, counts = np.unique(labels, return_counts=True)
        check_priors(self.priors, names.tolist())
        self.classes = tuple(names.tolist())
        self._shares = counts / counts.sum()
        self.feature_names = _usable(features)
        self._fitted = None
        if names.size == 1:
            warnings.warn(
                f"all stars are {names[0]}: every star will be classified as that",
                ClassifierWarning,
                stacklevel=2,
            )
            return self
        if not self.feature_names:
            warnings.warn(
                "no feature was measured for enough stars: the classifier knows only the priors",
                ClassifierWarning,
                stacklevel=2,
            )
            return self
        values = features.columns(self.feature_names).values
        estimator = default_estimator(self.seed) if self.estimator is None else self.estimator
        estimator = _with_missing(clone(estimator))
        groups = np.arange(labels.size) if group is None else np.asarray(group)
        folds = self._folds(values, labels, groups) if self.calibrate else []
        if folds:
            from sklearn.calibration import CalibratedClassifierCV

            estimator = CalibratedClassifierCV(estimator, method="temperature", cv=folds, ensemble=False)
        self._fitted = estimator.fit(values, labels)
        return self

    def _folds(
        self, values: FloatArray, labels: npt.NDArray[np.str_], groups: npt.NDArray[Any]
    ) -> list[tuple[IntArray, IntArray]]:
        from sklearn.model_selection import StratifiedGroupKFold

        names, index = np.unique(labels, return_inverse=True)
        seen = np.array([np.unique(groups[labels == name]).size for name in names])
        if (seen < self.n_folds).any():
            few = str(names[np.argmin(seen)])
            warnings.warn(
                f"stars of {few} are in {seen.min()} group(s), fewer than {self.n_folds} folds: "
                "probabilities are not calibrated",
                ClassifierWarning,
                stacklevel=3,
            )
            return []
        split = StratifiedGroupKFold(self.n_folds, shuffle=True, random_state=self.seed)
        folds = [(np.asarray(a), np.asarray(b)) for a, b in split.split(values, index, groups)]
        complete = all(np.unique(index[train]).size == names.size for train, _ in folds)
        measured = all(_varies(values[train], 2).all() for train, _ in folds)
        if complete and measured:
            return folds
        warnings.warn(
            "a class or a feature is missing from a fold: probabilities are not calibrated",
            ClassifierWarning,
            stacklevel=3,
        )
        return []

    def predict_proba(
        self, features: FeatureTable, *, priors: Mapping[str, float] | None = None
    ) -> FloatArray:
        """Give the probabilities of the classes.

        Parameters
        ----------
        features : FeatureTable
            Features of N stars; those used in training must be among them.
        priors : mapping of str to float, optional
            Other priors than those of the classifier.

        Returns
        -------
        ndarray of float64, shape (N, n_classes)
            Probabilities in the order of `classes`; each row sums to one. A star without any
            measured feature gets the priors.

        Raises
        ------
        InputError
            If the classifier is not trained, a feature is missing, or a prior is missing.
        """
        if not self.classes:
            raise InputError("the classifier is not trained", remedy="Call fit first.")
        wanted = self.priors if priors is None else priors
        check_priors(wanted, self.classes)
        prior = np.array([1.0 if wanted is None else float(wanted[c]) for c in self.classes])
        prior = prior / prior.sum()
        n = len(features)
        values = features.columns(self.feature_names).values
        blank = ~np.isfinite(values).any(axis=1)
        if self._fitted is None or n == 0:
            return np.tile(prior, (n, 1))
        probability = np.asarray(self._fitted.predict_proba(values), dtype=np.float64)
        probability = np.maximum(probability, _LEAST_PROBABILITY) * prior / self._shares
        probability /= probability.sum(axis=1, keepdims=True)
        probability[blank] = prior
        return np.asarray(probability)

    def predict(
        self, features: FeatureTable, *, priors: Mapping[str, float] | None = None
    ) -> npt.NDArray[np.str_]:
        """Give the most probable class of each star.

        Parameters
        ----------
        features : FeatureTable
            Features of N stars.
        priors : mapping of str to float, optional
            Other priors than those of the classifier.

        Returns
        -------
        ndarray of str, shape (N,)
            Classes.
        """
        best = np.argmax(self.predict_proba(features, priors=priors), axis=1)
        return np.asarray(np.array(self.classes, dtype=np.str_)[best])

    def save(self, path: str | Path) -> Path:
        """Write the classifier to a file.

        Parameters
        ----------
        path : str or Path
            File, by habit with the suffix ``.skops``. An older file is replaced only when the new
            one is complete.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        InputError
            If the classifier is not trained.
        """
        import skops.io

        if not self.classes:
            raise InputError("the classifier is not trained", remedy="Call fit first.")
        content = {
            "schema": SCHEMA,
            "classes": list(self.classes),
            "feature_names": list(self.feature_names),
            "shares": self._shares.tolist(),
            "priors": self.priors,
            "calibrate": self.calibrate,
            "n_folds": self.n_folds,
            "seed": self.seed,
            "fitted": self._fitted,
        }
        target = Path(path)
        with replacing(target) as partial:
            skops.io.dump(content, partial)
        return target

    @classmethod
    def load(cls, path: str | Path, *, trusted: Sequence[str] = ()) -> Self:
        """Read a classifier from a file.

        Parameters
        ----------
        path : str or Path
            The file.
        trusted : sequence of str
            Types beyond `TRUSTED_TYPES` that the file may hold, for estimators of your own. A
            type that is not listed is refused before anything of it is made.

        Returns
        -------
        VariableClassifier
            The classifier.

        Raises
        ------
        InputError
            If the file cannot be read, holds other types, or is of a newer version.
        """
        import skops.io
        from sklearn.calibration import CalibratedClassifierCV

        file = Path(path)
        if not file.is_file():
            raise InputError(f"no classifier at {file}")
        allowed = {*TRUSTED_TYPES, *trusted}
        try:
            unknown = [name for name in skops.io.get_untrusted_types(file=file) if name not in allowed]
            if unknown:
                raise InputError(
                    f"{file.name} holds objects of the type {unknown[0]}",
                    allowed=", ".join(sorted(allowed)),
                    remedy="If you know where the file comes from, name the type in `trusted`.",
                )
            content = skops.io.load(file, trusted=sorted(allowed))
        except InputError:
            raise
        except Exception as error:  # a damaged archive fails in many ways
            raise InputError(f"{file} is no classifier: {error}") from error
        if not isinstance(content, dict) or "schema" not in content:
            raise InputError(f"{file} is no classifier of this package")
        if content["schema"] > SCHEMA:
            raise InputError(
                f"{file.name} has version {content['schema']}, this package reads up to {SCHEMA}",
                remedy="Install a newer pelsvae_cadence.",
            )
        classifier = cls(
            calibrate=content["calibrate"],
            priors=content["priors"],
            n_folds=content["n_folds"],
            seed=content["seed"],
        )
        classifier.classes = tuple(content["classes"])
        classifier.feature_names = tuple(content["feature_names"])
        classifier._shares = np.array(content["shares"], dtype=np.float64)
        classifier._fitted = content["fitted"]
        classifier.estimator = classifier._fitted
        if classifier.calibrate and isinstance(classifier._fitted, CalibratedClassifierCV):
            classifier.estimator = classifier._fitted.estimator  # `fit` calibrates it anew
        return classifier


def check_priors(priors: Mapping[str, float] | None, classes: Sequence[str]) -> None:
    """Refuse priors that lack a class, or are no shares."""
    if priors is None:
        return
    missing = [name for name in classes if name not in priors]
    if missing:
        raise InputError(f"no prior for {missing[0]}", remedy="Give one for every class.")
    used = [float(priors[name]) for name in classes]
    if not all(np.isfinite(p) and p >= 0 for p in used) or not sum(used) > 0:
        raise InputError(f"priors = {dict(priors)!r}", allowed="0 or more, not all 0")


def _varies(values: FloatArray, least: int) -> npt.NDArray[np.bool_]:
    """Tell which columns have enough values, and not all the same."""
    known = np.isfinite(values)
    low = np.where(known, values, np.inf).min(axis=0)
    high = np.where(known, values, -np.inf).max(axis=0)
    return np.asarray((known.sum(axis=0) >= least) & (high > low))


def _usable(features: FeatureTable) -> tuple[str, ...]:
    """List the features that enough stars have; say which ones are left out."""
    keep = _varies(features.values, min(_LEAST_MEASURED, max(2, len(features) // 4)))
    if not keep.all():
        dropped = [name for name, good in zip(features.names, keep, strict=True) if not good]
        shown = ", ".join(dropped[:4]) + (", ..." if len(dropped) > 4 else "")
        warnings.warn(
            f"{len(dropped)} feature(s) missing or the same for nearly all stars are left out: {shown}",
            ClassifierWarning,
            stacklevel=3,
        )
    return tuple(name for name, good in zip(features.names, keep, strict=True) if good)


def _with_missing(estimator: Any) -> Any:
    """Put an imputer and a scaler before an estimator that cannot live with missing values."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import get_tags

    if get_tags(estimator).input_tags.allow_nan:
        return estimator
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return make_pipeline(imputer, StandardScaler(), estimator)
