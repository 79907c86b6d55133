"""Classifiers of a survey: trained at some positions, applied where they have not been trained."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from pelsvae_cadence.bands import in_order
from pelsvae_cadence.cadence.survey import Cadence, check_position
from pelsvae_cadence.classify.classifier import VariableClassifier
from pelsvae_cadence.classify.features.table import DEFAULT_GROUPS, feature_definitions
from pelsvae_cadence.classify.labelled import ClassMix, LabelledStars, class_mix_for
from pelsvae_cadence.classify.observing import observe_survey, positions_of
from pelsvae_cadence.classify.protocol import SkySplit, cross_validate, predict_by_part
from pelsvae_cadence.classify.scores import Predictions
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing

__all__ = ["SurveyClassifier", "train_on_survey"]

#: Positions and stars of each class there: enough that more change the score by less than 0.01.
DEFAULT_POSITIONS: Final = 30
_CARD: Final = "classifier.json"
_HELD_OUT: Final = "held_out.npz"


@dataclass(frozen=True, kw_only=True)
class SurveyClassifier:
    """Classifiers of one survey, one for each part of the sky, trained on the other parts.

    At any position the classifier answers that was trained without this part of the sky. So a map
    of its recall is one of held-out stars, whatever the positions of the map; and the same object,
    kept, is the frozen classifier for other surveys.

    Parameters
    ----------
    name : str
        Name of the survey it was trained on.
    years : float or None
        Length of the survey in years; None for all of it.
    mix : ClassMix
        The stars it was trained on.
    split : SkySplit
        The parts of the sky.
    classifiers : tuple of VariableClassifier
        One for each part.
    held_out : Predictions
        What they say of the training stars that they have not seen.
    """

    name: str
    years: float | None
    mix: ClassMix
    split: SkySplit
    classifiers: tuple[VariableClassifier, ...]
    held_out: Predictions

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of all probabilities."""
        return self.held_out.classes

    def __deepcopy__(self, memo: dict[int, Any]) -> SurveyClassifier:
        # MAF copies a metric for each of its reduce methods; nothing here ever changes.
        return self

    def at(self, ra: Any, dec: Any = None) -> VariableClassifier:
        """Give the classifier for a position.

        Parameters
        ----------
        ra, dec : float, Quantity or SkyCoord
            Position in degrees; or a SkyCoord alone, as `ra`.

        Returns
        -------
        VariableClassifier
            One that was trained without this part of the sky.
        """
        return self.classifiers[int(self.split.part_of(*check_position(ra, dec)))]

    def check_bands(self, bands: Iterable[str], what: str) -> None:
        """Refuse to classify what was observed in none of the bands of the training.

        Parameters
        ----------
        bands : iterable of str
            The bands of a survey, or of light curves.
        what : str
            Whose they are, for the message.

        Raises
        ------
        InputError
            If there is no common band: all stars would get the same answer.
        """
        theirs = in_order(bands)
        if theirs and not set(theirs) & set(self.mix.bands):
            raise InputError(
                f"the classifier was trained on {self.name} in the bands {', '.join(self.mix.bands)}, and {what} "
                f"has {', '.join(theirs)}",
                remedy="Use a classifier trained on the same survey, or with the same bands.",
            )

    def predict(self, stars: LabelledStars) -> Predictions:
        """Classify stars, each by the classifier for its position.

        Parameters
        ----------
        stars : LabelledStars
            Observed stars.

        Returns
        -------
        Predictions
            Probabilities beside the labels.

        Raises
        ------
        InputError
            If a label is none of the classes, or a feature is missing.
        """
        return predict_by_part(stars, stars.features, self.classifiers, self.split, self.classes)

    def save(self, folder: str | Path) -> Path:
        """Write everything to a folder.

        Parameters
        ----------
        folder : str or Path
            Folder, made if needed: a card (JSON), the classifiers (skops) and the predictions of
            held-out stars (npz). No pickles.

        Returns
        -------
        Path
            The folder.
        """
        target = output_folder(folder)
        for k, classifier in enumerate(self.classifiers):
            classifier.save(target / f"part-{k}.skops")
        held_out = self.held_out
        with replacing(target / _HELD_OUT) as partial, partial.open("wb") as stream:
            np.savez_compressed(
                stream,
                star_id=held_out.star_id,
                label=held_out.label,
                probability=held_out.probability,
                position=held_out.position,
                magnitude=held_out.magnitude,
                regions=self.split.regions,
                part=self.split.part,
            )
        card = {
            "schema": 1,
            "name": self.name,
            "years": self.years,
            "classes": self.classes,
            "mix": asdict(self.mix),
            "n_parts": self.split.n_parts,
        }
        with replacing(target / _CARD) as partial:
            partial.write_text(json.dumps(card, indent=2) + "\n")
        return target

    @classmethod
    def load(cls, folder: str | Path, *, trusted: Sequence[str] = ()) -> Self:
        """Read what `save` wrote.

        Parameters
        ----------
        folder : str or Path
            The folder.
        trusted : sequence of str
            See `VariableClassifier.load`.

        Returns
        -------
        SurveyClassifier
            The classifiers.

        Raises
        ------
        InputError
            If files are missing or damaged.
        """
        source = Path(folder)
        try:
            card = json.loads((source / _CARD).read_text())
            with np.load(source / _HELD_OUT, allow_pickle=False) as archive:
                arrays = dict(archive)
        except (OSError, ValueError) as error:
            raise InputError(f"{source} holds no classifier of a survey: {error}") from error
        if card.get("schema") != 1:
            raise InputError(
                f"{source} is of version {card.get('schema')}", remedy="Install a newer version."
            )
        mix: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in card["mix"].items()
        }
        split = SkySplit(regions=arrays.pop("regions"), part=arrays.pop("part"), n_parts=card["n_parts"])
        return cls(
            name=card["name"],
            years=card["years"],
            mix=ClassMix(**mix),
            split=split,
            classifiers=tuple(
                VariableClassifier.load(source / f"part-{k}.skops", trusted=trusted)
                for k in range(split.n_parts)
            ),
            held_out=Predictions(classes=tuple(card["classes"]), **arrays),
        )


def train_on_survey(
    cadence: Cadence,
    *,
    positions: Sequence[tuple[float, float]] | None = None,
    n_positions: int = DEFAULT_POSITIONS,
    mix: ClassMix | None = None,
    years: Sequence[float | None] = (None,),
    start: float | None = None,
    groups: Sequence[str] = DEFAULT_GROUPS,
    estimator: Any = None,
    n_parts: int = 3,
    ebv: float | Sequence[float] = 0.0,
    model: str = "default",
    checkpoint_dir: str | Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SurveyClassifier, ...]:
    """Train classifiers on stars that a survey has observed.

    Parameters
    ----------
    cadence : Survey, SyntheticSurvey or another cadence
        The survey.
    positions : sequence of (ra, dec), optional
        Where to train, in degrees; by default positions all over the footprint.
    n_positions : int
        Their number, without `positions`.
    mix : ClassMix, optional
        The stars; by default the eight classes at the magnitudes of the survey.
    years : sequence of float or None
        Train one classifier for each of these lengths of the survey, in years; None is all of it.
    start : float, optional
        MJD from which the years count.
    groups : sequence of str
        Groups of features to use (`pelsvae_cadence.classify.FEATURE_GROUPS`).
    estimator : scikit-learn classifier, optional
        Instead of histogram gradient boosting.
    n_parts : int
        Parts of the sky that take turns in being held out.
    ebv : float or sequence of float
        True E(B-V) in mag.
    model : str
        Name or path of the source model.
    checkpoint_dir : str or Path, optional
        Folder that keeps what was observed, position by position.
    workers : int
        Processes.
    progress : callable, optional
        Called with (positions done, positions in all).

    Returns
    -------
    tuple of SurveyClassifier
        One for each of `years`.

    Raises
    ------
    InputError
        If positions are missing or too close together to be divided.
    """
    if mix is None:
        mix = class_mix_for(cadence.survey)
    if positions is None:
        positions = positions_of(cadence, n_positions, seed=mix.seed)
    ra, dec = (list(values) for values in zip(*positions, strict=True)) if positions else ([], [])
    split = SkySplit.of_positions(ra, dec, n_parts, seed=mix.seed)
    observed = observe_survey(
        cadence,
        positions,
        mix,
        years=years,
        start=start,
        ebv=ebv,
        model=model,
        checkpoint_dir=checkpoint_dir,
        workers=workers,
        progress=progress,
    )
    names = [feature.name for feature in feature_definitions(mix.bands, groups)]
    trained = []
    for length, stars in zip(years, observed, strict=True):
        found = cross_validate(stars, names, estimator=estimator, seed=mix.seed, split=split)
        trained.append(
            SurveyClassifier(
                name=cadence.name,
                years=length,
                mix=mix,
                split=split,
                classifiers=found.classifiers,
                held_out=found.predictions,
            )
        )
    return tuple(trained)
