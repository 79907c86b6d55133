"""Scores of weights on the test stars: kept on their card, and compared between seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.model.weights import load_weights, save_weights
from pelsvae_cadence.training.evaluate.report import PARTS, check_parts, model_report
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["score_model", "seed_table"]


def score_model(
    path: str | Path,
    *,
    table: OpenSet | None = None,
    seed: int = 0,
    most: int = 400,
    draws: int = 3,
    parts: tuple[str, ...] | None = None,
) -> dict[str, float]:
    """Measure weights on the test stars and keep the figures on their card.

    Parameters
    ----------
    path : str or Path
        The weights file; its card is written anew.
    table : OpenSet, optional
        The training table; by default the committed one.
    seed : int
        Seed of noise and draws.
    most : int
        Most test stars per class.
    draws : int
        Draws per test star.
    parts : tuple of str, optional
        What to measure, out of `pelsvae_cadence.training.evaluate.report.PARTS`; everything by
        default. Figures of other parts stay on the card.

    Returns
    -------
    dict of str to float
        The figures by name.

    Raises
    ------
    InputError
        If a part is unknown.
    """
    chosen = tuple(PARTS) if parts is None else parts
    check_parts(chosen)
    weights = load_weights(Path(path))
    report = model_report(seed, weights=Path(path), table=table, most=most, draws=draws, parts=chosen)
    # Speeds are those of one moment on one machine: no property of the weights.
    scores = {
        figure.name: round(figure.value, 4)
        for figure in report.figures
        if figure.unit not in ("ms", "times") and np.isfinite(figure.value)
    }
    scored = {"seed": seed, "test_stars_per_class_at_most": most, "draws": draws}
    settings = {**weights.card.get("scored_with", {}), **dict.fromkeys(chosen, scored)}
    kept = {**weights.card["scores"], **scores}
    save_weights(path, weights.tensors, {**weights.card, "scores": kept, "scored_with": settings})
    return scores


def seed_table(weights: Sequence[str | Path]) -> pd.DataFrame:
    """Compare the scores on the cards of weights that differ in their seed alone.

    Parameters
    ----------
    weights : sequence of str or Path
        Names or paths of two or more weights.

    Returns
    -------
    DataFrame
        Index: figure of merit, of those that all cards have. Columns: ``mean``, ``scatter``
        (sample standard deviation), then the value of each ``seed N``.

    Raises
    ------
    InputError
        If there are fewer than two, two of one seed, or cards of other architectures, data or
        numbers of stars and draws.
    """
    cards = [load_weights(name).card for name in weights]
    if len(cards) < 2:
        raise InputError(f"{len(cards)} weights", allowed="two or more")
    seeds = [card["seed"] for card in cards]
    if len(set(seeds)) < len(seeds):
        raise InputError(f"seeds {', '.join(map(str, seeds))}: one of them comes twice")
    shared = [name for name in cards[0]["scores"] if all(name in c["scores"] for c in cards)]
    if not shared:
        raise InputError(
            "the cards have no score in common", remedy="python -m pelsvae_cadence.training score FILE"
        )
    for what, values in (
        ("sizes", [card["hyperparameters"] for card in cards]),
        ("training data", [card["training_data"]["sha256"] for card in cards]),
        ("numbers of stars and draws", [card["scored_with"] for card in cards]),
    ):
        if any(value != values[0] for value in values):
            raise InputError(f"the weights differ in their {what}, not in their seed alone")
    table = pd.DataFrame(
        {f"seed {s}": [c["scores"][n] for n in shared] for s, c in zip(seeds, cards, strict=True)},
        index=pd.Index(shared, name="figure"),
    )
    values = table.to_numpy(dtype=np.float64)
    table.insert(0, "mean", values.mean(axis=1))
    table.insert(1, "scatter", values.std(axis=1, ddof=1))
    return table
