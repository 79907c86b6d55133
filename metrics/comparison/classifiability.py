"""Classification in comparisons: classifiers trained for each run and survey year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from pelsvae_cadence.bands import BANDS, LSST_BANDS
from pelsvae_cadence.cadence.changes.transforms import start_of
from pelsvae_cadence.cadence.footprint_edge import visits_if_any
from pelsvae_cadence.cadence.survey import Cadence
from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.classify.features.table import DEFAULT_GROUPS, feature_definitions
from pelsvae_cadence.classify.labelled import ClassMix, LabelledStars
from pelsvae_cadence.classify.observing import observe_survey
from pelsvae_cadence.classify.protocol import cross_validate
from pelsvae_cadence.classify.scores import Predictions
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.times import JULIAN_YEAR
from pelsvae_cadence.metrics.comparison.classified_stars import ClassifiedStars
from pelsvae_cadence.metrics.comparison.further_metric import StarJudge, Workplace
from pelsvae_cadence.metrics.comparison.plan import Plan
from pelsvae_cadence.metrics.comparison.quantities import Quantity
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import PartitionError

__all__ = ["Classifiability"]

_Scalar = TypeVar("_Scalar", bound=np.generic)

_QUANTITIES: Final = (
    Quantity(name="balanced_accuracy", better="higher", caption="mean recall of the classes"),
    Quantity(name="log_loss", better="lower", caption="mean of minus ln of the probability of the truth"),
)
# A classifier needs other parts of the sky to learn from.
_FEWEST_POSITIONS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Classifiability(StarJudge):
    """Stars told apart by classifiers that are trained on the run itself.

    The stars of all positions are observed in each run and year; classifiers are trained on parts
    of the sky, and at any position the one answers that has not seen its part. Positions with too
    few visits so far have nobody classified: their stars count as missed. A run with too few
    positions that have enough visits, or whose stars cannot be learnt from, gets an error instead.

    Parameters
    ----------
    stars_per_class : int
        Stars of each class at each position.
    classes : tuple of str
        The classes to tell apart.
    magnitude_range : tuple of float
        Mean r magnitudes, drawn evenly in between.
    classified : ClassifiedStars, optional
        What was found; filled in by `prepare`, and no part of the metric's identity.
    """

    stars_per_class: int = 4
    classes: tuple[str, ...] = STAR_CLASSES
    magnitude_range: tuple[float, float] = (17.0, 23.0)
    classified: ClassifiedStars | None = field(default=None, repr=False, compare=False)

    @property
    @override
    def name(self) -> str:
        return "Classifiability"

    @property
    @override
    def quantities(self) -> Sequence[Quantity]:
        return _QUANTITIES

    @override
    def prepare(
        self, cadences: Sequence[Cadence], plan: Plan, workplace: Workplace
    ) -> Sequence[Classifiability | InputError]:
        only_lsst = all(cadence.survey == "lsst" for cadence in cadences)
        mix = ClassMix(
            classes=self.classes,
            stars_per_class=self.stars_per_class,
            magnitude_range=self.magnitude_range,
            seed=plan.seed,
            bands=LSST_BANDS if only_lsst else tuple(BANDS),
        )
        ready: list[Classifiability | InputError] = []
        for k, (cadence, name) in enumerate(zip(cadences, workplace.names, strict=True)):
            kept = fingerprint(plan, repr(self), cadence.name)[:12]
            folder = workplace.folder / f"classifiability-{k}-{kept}"
            try:
                found = _classified(cadence, name, plan, mix, folder, workplace)
                ready.append(replace(self, classified=found))
            except InputError as error:
                ready.append(error)
            except (ValueError, PartitionError) as error:  # scikit-learn refuses what it cannot fit
                ready.append(InputError(f"no classifier could be trained: {error}"))
        return ready

    @override
    def run(
        self, data_slice: npt.NDArray[Any], slice_point: dict[str, Any], year: float
    ) -> npt.NDArray[np.float64]:
        if self.classified is None:
            raise InputError(
                "this metric has not looked at the runs", remedy="Call prepare, and use what it gives."
            )
        return self.classified.scores(int(slice_point["sid"]), year)


def _classified(
    cadence: Cadence, name: str, plan: Plan, mix: ClassMix, folder: Path, workplace: Workplace
) -> ClassifiedStars:
    """Observe the stars of one run once, and classify them after every year."""
    start, years = start_of(cadence), np.array(plan.years)
    elapsed = [
        (visits_if_any(cadence, ra, dec, plan.radius).mjd - start) / JULIAN_YEAR for ra, dec in plan.sky
    ]
    n_visits = np.stack([np.count_nonzero(t[:, None] < years, axis=0) for t in elapsed])
    places = np.flatnonzero(n_visits[:, -1] >= plan.min_visits)
    enough = plan.min_visits <= n_visits[places].T
    for year, here in zip(plan.years, enough, strict=True):
        if np.count_nonzero(here) < _FEWEST_POSITIONS:
            raise InputError(
                f"{cadence.name} has {plan.min_visits} visits after {year:g} yr at "
                f"{np.count_nonzero(here)} positions",
                allowed=f"{_FEWEST_POSITIONS} or more, to train and judge classifiers",
                remedy="Ask for more positions, or for later years.",
            )
    observed = observe_survey(
        cadence,
        [(ra, dec) for ra, dec in plan.sky[places].tolist()],
        mix,
        years=plan.years,
        start=start,
        radius=plan.radius,
        max_visits=plan.max_visits,
        model=plan.model,
        checkpoint_dir=folder,
        workers=workplace.workers,
        scheduler=workplace.scheduler,
        progress=workplace.told(f"{name}: stars to classify"),
    )
    features = [one.name for one in feature_definitions(mix.bands, DEFAULT_GROUPS)]
    tell = workplace.told(f"{name}: classifiers")
    predictions: list[Predictions] = []
    for y, (stars, here) in enumerate(zip(observed, enough, strict=True)):
        if tell is not None:
            tell(y, len(plan.years))
        rows = np.repeat(here, len(stars) // places.size)
        found = cross_validate(stars.take(rows), features, seed=mix.seed)
        predictions.append(found.predictions)
    if tell is not None:
        tell(len(plan.years), len(plan.years))
    return _laid_out(observed[-1], predictions, enough, places, len(plan.sky), mix.classes, plan.years)


def _laid_out(
    stars: LabelledStars,
    predictions: Sequence[Predictions],
    enough: npt.NDArray[np.bool_],
    places: npt.NDArray[np.int64],
    n_positions: int,
    classes: tuple[str, ...],
    years: tuple[float, ...],
) -> ClassifiedStars:
    """Lay out, position by position, stars and the predictions of every year.

    There are as many stars at each of the places; predictions are of those at the places that had
    enough visits by the end of the year, in the same order.
    """
    n_years, n_places = enough.shape
    n_stars = len(stars) // n_places
    code = {name: k for k, name in enumerate(classes)}
    predicted = np.full((n_positions, n_years, n_stars), -1, dtype=np.int64)
    loss = np.full((n_positions, n_years, n_stars), np.nan)
    loss[places] = np.log(len(classes))
    for y, found in enumerate(predictions):
        here = places[enough[y]]
        mine = np.array([code[name] for name in found.predicted.tolist()], dtype=np.int64)
        predicted[here, y] = mine.reshape(-1, n_stars)
        loss[here, y] = found.surprise.reshape(-1, n_stars)

    def laid_out(values: npt.NDArray[_Scalar], outside: float) -> npt.NDArray[_Scalar]:
        every = np.full((n_positions, n_stars), outside, dtype=values.dtype)
        every[places] = values.reshape(n_places, n_stars)
        return every

    label = np.array([code[name] for name in stars.label.tolist()], dtype=np.int64)
    return ClassifiedStars(
        classes=classes,
        years=years,
        star_id=laid_out(stars.features.star_id, -1),
        label=laid_out(label, -1),
        magnitude=laid_out(stars.magnitude, np.nan),
        period=laid_out(10.0 ** stars.truth["log_period"], np.nan),
        predicted=predicted,
        log_loss=loss,
    )
