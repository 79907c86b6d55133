"""Scores of weights on the test stars, kept on their card."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pelsvae_cadence.model.weights import load_weights, save_weights
from pelsvae_cadence.training.evaluate.report import PARTS, check_parts, model_report
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["score_model"]


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
