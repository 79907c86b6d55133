"""The transfer to real stars: classifiers trained on simulated stars, asked about real ones.

The real stars are OGLE Cepheids and eclipsing binaries in one band and RR Lyrae stars of Stripe 82
in five, sampled at the visits of the Rubin baseline. Beside them stand simulated stars of the same
classes under the same visits; the difference is the price of the simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.synthetic.survey import SyntheticSurvey
from pelsvae_cadence.cadence.tables import read_survey
from pelsvae_cadence.cadence.visits import Visits
from pelsvae_cadence.classify.features.extraction import extract
from pelsvae_cadence.classify.features.table import (
    DEFAULT_GROUPS,
    FEATURE_GROUPS,
    FeatureTable,
    feature_definitions,
)
from pelsvae_cadence.classify.labelled import ClassMix, LabelledStars, observe_mix
from pelsvae_cadence.classify.observing import observe_survey, positions_of
from pelsvae_cadence.classify.protocol import CrossValidation, SkySplit, cross_validate
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.light_curves import LightCurves
from pelsvae_cadence.periods import search
from pelsvae_cadence.photometry.colours import colour_minus_i
from pelsvae_cadence.validate.real_light_curves import (
    FAINTER_BY,
    FIVE_BANDS,
    binaries_at,
    cepheid_colours,
    cepheids_at_the_lmc,
    lmc_visits,
    rr_lyrae_at,
)
from pelsvae_cadence.validate.report import share_error

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["Transfer", "transfer_to_real_stars"]

FloatArray = npt.NDArray[np.float64]
Position = tuple[float, float]

_LMC: Final = (80.0, -69.0)
_WIDE: Final = (200.0, -25.0)
_THREE_BANDS: Final = ("g", "r", "i")
_BAND_SETS: Final[dict[str, tuple[str, ...]]] = {"i": ("i",), "ugriz": FIVE_BANDS, "gri": _THREE_BANDS}
_MAGNITUDES: Final = (18.0, 22.0)
_SIMULATED_MAGNITUDE: Final = 20.0

# What may be known of a star beside its i light curve: columns that are put beside the features.
_COLOUR: Final = "colour_v_i"
_ABSOLUTE: Final = "abs_mag_i"
# Distance modulus of the LMC (Pietrzynski et al. 2019, Nature 567, 200) and mean extinction in I.
_LMC_MODULUS: Final = 18.477
_LMC_A_I: Final = 0.17
# E(V-I) by A_I = 1.55 E(V-I) (Udalski et al. 1999, Acta Astron. 49, 201).
_LMC_E_VI: Final = _LMC_A_I / 1.55
# Scatter of V-I at one temperature (as in `star_to_star`) and of the reddening of LMC Cepheids
# about its mean (0.05 to 0.07 mag: Haschke, Grebel & Duffau 2011, AJ 141, 158).
_COLOUR_SCATTER: Final = float(np.hypot(0.04, 0.06))
_CEPHEID_TEFF: Final = 5800.0


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What became of one kind of real star.

    Parameters
    ----------
    name : str
        The stars, what they were observed in, and what else was known.
    label : str
        Their class.
    n_stars, n_simulated : int
        Real and simulated stars.
    recall, simulated : float
        Fraction of them that was given their class.
    predicted, simulated_predicted : dict of str to int
        What the real and the simulated stars were taken for.
    """

    name: str
    label: str
    n_stars: int
    n_simulated: int
    recall: float
    simulated: float
    predicted: dict[str, int]
    simulated_predicted: dict[str, int]

    @property
    def gap(self) -> float:
        """Recall of real less that of simulated stars."""
        return self.recall - self.simulated

    @property
    def error(self) -> float:
        """Standard error of the recall of the real stars."""
        return share_error(self.recall, self.n_stars)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """Real stars, where they are observed, and what is known of them beside the light curve."""

    name: str
    label: str
    bands: str
    position: Position
    visits: Visits
    light_curves: LightCurves
    known: dict[str, FloatArray]


def transfer_to_real_stars(
    data: Path,
    n: int = 100,
    *,
    seed: int = 0,
    n_positions: int = 12,
    stars_per_class: int = 12,
    checkpoint_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Transfer, ...]:
    """Classify real stars with classifiers trained on simulated ones.

    Parameters
    ----------
    data : Path
        Folder of the real data (``lightcurves/`` and ``cadence/``).
    n : int
        Real stars of each kind, and simulated stars of the same class beside them.
    seed : int
        Seed of everything.
    n_positions, stars_per_class : int
        Training positions in a synthetic LSST, and stars of each of the eight classes there.
    checkpoint_dir : Path, optional
        Folder that keeps the training stars.
    progress : callable, optional
        Called with (training positions done, in all).

    Returns
    -------
    tuple of Transfer
        Cepheids and binaries in i alone, RR Lyrae stars in u g r i z and in g r i alone; then
        Cepheids again, of which V - I, and V - I and the distance are known beside the i curve.

    Raises
    ------
    InputError
        If files are missing.
    """
    from pelsvae_cadence.model.source import LightCurveModel

    observed = _training_stars(
        seed, n_positions, stars_per_class, checkpoint_dir=checkpoint_dir, progress=progress
    )
    model = LightCurveModel.load()
    trained: dict[tuple[str, ...], CrossValidation] = {}
    results = []
    for case in _cases(data, n, seed):
        mix, stars = observed[case.bands]
        key = (case.bands, *case.known)
        if key not in trained:
            trained[key] = _train(stars, mix, tuple(case.known), seed)
        results.append(_judge(case, mix, trained[key], model, n))
    return tuple(results)


def _training_stars(
    seed: int,
    n_positions: int,
    stars_per_class: int,
    *,
    checkpoint_dir: Path | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, tuple[ClassMix, LabelledStars]]:
    """Observe the training stars in each set of bands."""
    survey = SyntheticSurvey(preset="lsst-v3", seed=seed)
    positions = positions_of(survey, n_positions, seed=seed)
    observed = {}
    for done, (key, bands) in enumerate(_BAND_SETS.items()):
        mix = ClassMix(
            stars_per_class=stars_per_class,
            magnitude_range=_MAGNITUDES,
            reference_band="i",
            bands=bands,
            groups=tuple(FEATURE_GROUPS),
            seed=seed,
        )

        def step(finished: int, total: int, before: int = done) -> None:
            if progress is not None:
                progress(before * total + finished, len(_BAND_SETS) * total)

        folder = None if checkpoint_dir is None else checkpoint_dir / key
        (stars,) = observe_survey(survey, positions, mix, checkpoint_dir=folder, progress=step)
        observed[key] = (mix, stars)
    return observed


def _cases(data: Path, n: int, seed: int) -> list[_Case]:
    survey = read_survey(data / "cadence" / "baseline_v3.0_10yrs_12points.db")
    one = lmc_visits(data)
    wide = survey.at(*_WIDE)
    five = wide.take(np.isin(wide.band, FIVE_BANDS))
    three = wide.take(np.isin(wide.band, _THREE_BANDS))
    cepheids = cepheids_at_the_lmc(data, one, n, seed=seed)
    colour = {_COLOUR: cepheid_colours(data, cepheids.name) - _LMC_E_VI}
    # OGLE's I stands for i: the constant between the two is that of a Cepheid.
    i_less_vega = float(colour_minus_i("i", _CEPHEID_TEFF, "CEP"))
    nearer = np.full(len(cepheids.name), i_less_vega - FAINTER_BY - _LMC_MODULUS - _LMC_A_I)

    def at_the_lmc(name: str, label: str, curves: LightCurves, **known: FloatArray) -> _Case:
        return _Case(
            name=name, label=label, bands="i", position=_LMC, visits=one, light_curves=curves, known=known
        )

    def in_the_field(words: str, bands: str, visits: Visits) -> _Case:
        return _Case(
            name=f"Stripe 82 RR Lyrae, {words}",
            label="RRLYR",
            bands=bands,
            position=_WIDE,
            visits=visits,
            light_curves=rr_lyrae_at(data, visits, n, seed=seed),
            known={},
        )

    name, curves = "OGLE-III Cepheids of the LMC, i", cepheids.light_curves
    return [
        at_the_lmc(name, "CEP", curves),
        at_the_lmc("OGLE-II binaries, i", "ECL", binaries_at(data, one, n, seed=seed)),
        in_the_field("u g r i z", "ugriz", five),
        in_the_field("g r i", "gri", three),
        at_the_lmc(f"{name} and mean V-I", "CEP", curves, **colour),
        at_the_lmc(f"{name}, mean V-I and distance", "CEP", curves, **colour, **{_ABSOLUTE: nearer}),
    ]


def _train(stars: LabelledStars, mix: ClassMix, known: Sequence[str], seed: int) -> CrossValidation:
    names = [f.name for f in feature_definitions(mix.bands, DEFAULT_GROUPS)]
    table = _with(stars.features, _known_of_simulated(stars, mix.seed, known))
    split = SkySplit.of_positions(stars.ra, stars.dec, 3, seed=seed)
    return cross_validate(replace(stars, features=table), [*names, *known], seed=seed, split=split)


def _known_of_simulated(stars: LabelledStars, seed: int, known: Sequence[str]) -> dict[str, FloatArray]:
    """Give simulated stars what is known of real ones, as uncertain as it is there."""
    columns: dict[str, FloatArray] = {}
    if _COLOUR in known:
        colour = colour_minus_i("V", 10.0 ** stars.truth["log_teff"], stars.label)
        drawn = KeyedRandom(seed=seed).normal("V-I of transfer", stars.features.star_id)
        columns[_COLOUR] = colour + _COLOUR_SCATTER * drawn
    if _ABSOLUTE in known:
        columns[_ABSOLUTE] = stars.features["mag_i"] - stars.distance_modulus
    return columns


def _with(table: FeatureTable, columns: dict[str, FloatArray]) -> FeatureTable:
    return table.beside(list(columns), np.column_stack(list(columns.values()))) if columns else table


def _judge(case: _Case, mix: ClassMix, trained: CrossValidation, model: LightCurveModel, n: int) -> Transfer:
    found = search(case.light_curves)
    features = extract(case.light_curves, found, bands=mix.bands, groups=mix.groups)
    known = dict(case.known)
    if _ABSOLUTE in known:  # what is known is how far the star is, not how bright it was measured
        known[_ABSOLUTE] = features["mag_i"] + known[_ABSOLUTE]
    classifier = trained.classifiers[int(trained.split.part_of(*case.position))]
    predicted = classifier.predict(_with(features, known))
    alike = replace(
        mix,
        classes=(case.label,),
        stars_per_class=n,
        magnitude_range=(_SIMULATED_MAGNITUDE, _SIMULATED_MAGNITUDE),
    )
    stars = observe_mix(alike, case.visits, *case.position, model=model)
    table = _with(stars.features, _known_of_simulated(stars, mix.seed, tuple(known)))
    simulated = classifier.predict(table)
    return Transfer(
        name=case.name,
        label=case.label,
        n_stars=predicted.size,
        n_simulated=simulated.size,
        recall=float(np.mean(predicted == case.label)),
        simulated=float(np.mean(simulated == case.label)),
        predicted=_counts(predicted),
        simulated_predicted=_counts(simulated),
    )


def _counts(names: npt.NDArray[np.str_]) -> dict[str, int]:
    kinds, counts = np.unique(names, return_counts=True)
    return dict(zip(kinds.tolist(), counts.tolist(), strict=True))
