"""What a fit could say of stars, without a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from pelsvae_cadence.inference.fitted import FittedStars


def made_up(
    star_id: Any, *, classes: tuple[str, ...] = ("RRLYR", "other"), others: int = 4, physics: bool = True
) -> FittedStars:
    """What a fit could say of stars."""
    rng = np.random.default_rng(3)
    ids = np.asarray(star_id, dtype=np.int64)
    n = ids.size
    answered = rng.random(n) < 0.7
    column = {
        name: np.where(answered, rng.random(n), np.nan) for name in ("period", "period_error", "probability")
    }
    return FittedStars(
        star_id=ids,
        status=np.where(answered, "ok", "too few points"),
        star_class=np.where(answered & bool(classes), "RRLYR", ""),
        subtype=np.where(answered & bool(classes), "RRab", ""),
        class_probability=rng.random((n, len(classes))),
        no_period_probability=rng.random(n),
        false_alarm_probability=rng.random(n),
        n_points=rng.integers(0, 100, n),
        other_periods=rng.random((n, others)),
        other_probabilities=rng.random((n, others)),
        physics=rng.random((n, 15)) if physics else None,
        curve=np.full(n, None, dtype=object),
        classes=classes,
        options={"method": "learned", "period_range": [0.1, 2.0], "classes": {"RRLYR": 1.0}},
        **column,
    )
