"""True parameters of stars as features: the ceiling of any classification."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pelsvae_cadence.classify.features.curve_shape import SHAPE_PHASES, shape_of_curve
from pelsvae_cadence.classify.features.table import FeatureTable

if TYPE_CHECKING:
    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.stars import Stars

__all__ = ["true_parameters"]


def true_parameters(stars: Stars, curve: PhaseCurve, *, variable: bool = True) -> FeatureTable:
    """Tabulate the true parameters of stars.

    Parameters
    ----------
    stars : Stars
        N stars.
    curve : PhaseCurve
        Their shapes.
    variable : bool
        Whether they vary with a period. Without it period, amplitude and shape are NaN.

    Returns
    -------
    FeatureTable
        ``log_period`` [log10 d], ``log_teff`` [log10 K], ``log_amplitude`` [log10 mag, I band] and
        the shape of the noise-free I-band curve, under the names of the measured features.
        The absolute magnitude, which is as good as a distance, is not among them.
    """
    magnitudes = curve.evaluate(np.arange(SHAPE_PHASES) / SHAPE_PHASES)
    shape = shape_of_curve(magnitudes * np.maximum(stars.amplitude_i, 1e-6)[:, None])
    values = {"log_teff": np.log10(stars.teff), "log_period": np.log10(stars.period)}
    values["log_amplitude"] = np.log10(np.maximum(stars.amplitude_i, 1e-6))
    values |= {name: column for name, column in shape.items() if name != "amplitude"}
    if not variable:
        for name in values:
            if name != "log_teff":
                values[name] = np.full(len(stars), np.nan)
    return FeatureTable(
        star_id=stars.star_id.copy(), names=tuple(values), values=np.column_stack(list(values.values()))
    )
