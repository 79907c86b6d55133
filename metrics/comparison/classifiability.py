"""How well stars are told apart, compared between runs: one classifier per run and year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.bands import BANDS, LSST_BANDS
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.cadence.transforms import start_of
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.classify import ClassMix
from pelsvae_cadence.classify.survey_classifier import SurveyClassifier, train_on_survey
from pelsvae_cadence.errors import InputError
from pelsvae_cadence.metrics.classifiability import ClassifiabilityMetric
from pelsvae_cadence.metrics.comparison.evaluate import COLUMNS
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.quantities import Quantity
from pelsvae_cadence.partitions import PartitionError

__all__ = ["Classifiability"]

_QUANTITIES: Final = (
    Quantity(
        name="balanced_accuracy", better="higher", caption="mean recall of the classes"
    ),
    Quantity(
        name="macro_f1", better="higher",
        caption="mean F1 score of the classes of a position's stars",
    ),
    Quantity(
        name="log_loss", better="lower", caption="mean of minus ln of the probability of the truth"
    ),
)  # fmt: skip
# A classifier needs other parts of the sky to learn from.
_FEWEST_POSITIONS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Classifiability:
    """Stars told apart by classifiers that are trained on the run itself.

    For each run and year a classifier is trained on stars at the plan's positions; at any
    position the one answers that was trained without this part of the sky.

    Parameters
    ----------
    stars_per_class : int
        Stars of each class at each position.
    classes : tuple of str
        The classes to tell apart.
    magnitude_range : tuple of float
        Mean r magnitudes, drawn evenly in between.
    """

    stars_per_class: int = 4
    classes: tuple[str, ...] = STAR_CLASSES
    magnitude_range: tuple[float, float] = (17.0, 23.0)
    # Trained classifiers by year; they are made anew from the rest, and are no part of its identity.
    trained: dict[float, SurveyClassifier] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Name in tables and files."""
        return "Classifiability"

    @property
    def quantities(self) -> Sequence[Quantity]:
        """Scores."""
        return _QUANTITIES

    def prepare(
        self, cadences: Sequence[Cadence], plan: Plan, folder: Path
    ) -> Sequence[Classifiability | InputError]:
        """Train a classifier for each run and year.

        Parameters
        ----------
        cadences : sequence of Cadence
            The runs.
        plan : Plan
            Its positions, years, seed and model.
        folder : Path
            Keeps what was observed, for a comparison that is started again.

        Returns
        -------
        sequence of Classifiability or InputError
            One for each run; an error where a run has too few positions with enough visits, or
            its stars cannot be learnt from.
        """
        only_lsst = all(cadence.survey == "lsst" for cadence in cadences)
        mix = ClassMix(
            classes=self.classes, stars_per_class=self.stars_per_class,
            magnitude_range=self.magnitude_range, seed=plan.seed,
            bands=LSST_BANDS if only_lsst else tuple(BANDS),
        )  # fmt: skip
        ready: list[Classifiability | InputError] = []
        for k, cadence in enumerate(cadences):
            place = (
                folder / f"classifiability-{k}-{plan.fingerprint(repr(self), cadence.name)[:12]}"
            )
            try:
                ready.append(self._trained(cadence, plan, mix, place))
            except InputError as error:
                ready.append(error)
            except (ValueError, PartitionError) as error:  # scikit-learn refuses what it cannot fit
                ready.append(InputError(f"no classifier could be trained: {error}"))
        return ready

    def _trained(
        self, cadence: Cadence, plan: Plan, mix: ClassMix, folder: Path
    ) -> Classifiability:
        trained = train_on_survey(
            cadence, positions=self._places(cadence, plan), mix=mix, years=plan.years,
            start=start_of(cadence), model=plan.model, checkpoint_dir=folder,
        )  # fmt: skip
        return replace(self, trained=dict(zip(plan.years, trained, strict=True)))

    def _places(self, cadence: Cadence, plan: Plan) -> list[tuple[float, float]]:
        """Positions with enough visits after the first of the years."""
        end = start_of(cadence) + 365.25 * plan.years[0]
        places = []
        for ra, dec in plan.sky.tolist():
            visits = cadence.at(ra, dec, plan.radius)
            if np.count_nonzero(visits.mjd < end) >= plan.min_visits:
                places.append((ra, dec))
        if len(places) < _FEWEST_POSITIONS:
            raise InputError(
                f"{cadence.name} has {plan.min_visits} visits after {plan.years[0]:g} yr at "
                f"{len(places)} positions",
                allowed=f"{_FEWEST_POSITIONS} or more, to train and judge classifiers",
                remedy="Ask for more positions, or for later years.",
            )
        return places

    def run(
        self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any], year: float
    ) -> npt.NDArray[np.float64]:
        """Classify the stars of one position.

        Parameters
        ----------
        data_slice : numpy structured array
            The visits so far.
        slice_point : dict
            Its "ra" and "dec" in radians.
        year : float
            The survey year.

        Returns
        -------
        ndarray of float64, shape (3,)
            Balanced accuracy, macro-F1 and log-loss; NaN with too few visits.
        """
        seeing = "seeingFwhmEff"
        metric = ClassifiabilityMetric(
            self.trained[year],
            **COLUMNS,
            seeing_col=seeing if seeing in (data_slice.dtype.names or ()) else None,
            survey="joint",
        )
        value = metric.run(data_slice, slice_point)
        if not isinstance(value, dict):
            return np.full(len(_QUANTITIES), np.nan)
        return np.array([float(value[quantity.name]) for quantity in _QUANTITIES])
