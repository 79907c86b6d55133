"""Measure of the cadence contract: dependence of a magnitude on other visits."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["dependence_on_visits"]


def dependence_on_visits(model: LightCurveModel, *, stars_per_class: int = 4, seed: int = 0) -> float:
    """Measure by how much magnitudes change with other visits, order, density and company.

    Parameters
    ----------
    model : LightCurveModel
        Any model we ship.
    stars_per_class : int
        Stars drawn of each class.
    seed : int
        Seed of stars and phases.

    Returns
    -------
    float
        Largest change of a magnitude at a fixed phase when visits are taken away (down to one),
        added, shuffled, moved by whole cycles, or the star is decoded alone.
    """
    rng = np.random.default_rng(seed)
    worst = 0.0
    for name in model.classes:
        stars = model.sample(name, n=stars_per_class, seed=seed)
        amplitude = stars.amplitude_i[:, None]
        curves = model.phase_curve(stars)
        phase = rng.random(300)
        mag = amplitude * curves.evaluate(phase)
        order = rng.permutation(len(phase))
        few = np.sort(rng.choice(len(phase), 20, replace=False))
        dense = np.concatenate([phase, rng.random(3000)])
        everyone = np.arange(len(phase))
        cases = [
            (curves.evaluate(phase[order]), order),
            (curves.evaluate(phase[few]), few),
            (curves.evaluate(phase[:1]), everyone[:1]),
            (curves.evaluate(dense)[:, : len(phase)], everyone),
            (curves.evaluate(phase + rng.integers(-50, 50, len(phase))), everyone),
        ]
        for values, which in cases:
            worst = max(worst, float(np.abs(amplitude * values - mag[:, which]).max()))
        alone = model.phase_curve(stars.take([1])).evaluate(phase)
        worst = max(worst, float(np.abs(amplitude[1] * alone - mag[1]).max()))
    return worst
