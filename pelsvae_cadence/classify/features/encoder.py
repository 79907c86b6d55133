"""Features from the encoder of the source model: how a folded curve looks to each class.

The encoder must be told class, temperature and luminosity of a star. Of a star that is to be
classified nobody knows them: it is encoded once for each class, as the star of this class with the
nearest period, and decoded again. What the class cannot draw comes back changed.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.classes import STAR_CLASSES, is_binary
from pelsvae_cadence.classify.features.table import FeatureTable
from pelsvae_cadence.model.reference_stars import physics_matrix
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["encoder_features"]

FloatArray = npt.NDArray[np.float64]

_PHASES: Final = 64
_ERROR: Final = 0.02  # mag; all curves are encoded as if measured equally well
_TYPICAL: Final = 400
_TERMS: Final = (2, 3, 4)


def encoder_features(features: FeatureTable, model: LightCurveModel) -> FeatureTable:
    """Encode and decode the folded curves of stars, class by class.

    Parameters
    ----------
    features : FeatureTable
        Features of N stars, with the groups "period" and "shape". The curve is rebuilt of the
        amplitude and the first four Fourier terms.
    model : LightCurveModel
        The source model.

    Returns
    -------
    FeatureTable
        For each class ``latent_<class>``, the root mean square of the latent coordinates, and
        ``mismatch_<class>``, the rms difference between the curve and its reconstruction over the
        peak-to-peak amplitude; NaN for stars without a shape.
    """
    n = len(features)
    curve = _curves(features)
    seen = np.flatnonzero(np.isfinite(curve).all(axis=1) & np.isfinite(features["log_period"]))
    values = np.full((n, 2 * len(STAR_CLASSES)), np.nan)
    for k, name in enumerate(STAR_CLASSES):
        if seen.size:
            values[seen, 2 * k], values[seen, 2 * k + 1] = _as_class(
                name, curve[seen], 10.0 ** features["log_period"][seen], model
            )
    names = [f"{what}_{name}" for name in STAR_CLASSES for what in ("latent", "mismatch")]
    return FeatureTable(star_id=features.star_id.copy(), names=tuple(names), values=values)


def _curves(features: FeatureTable) -> FloatArray:
    """Rebuild curves on equal steps of phase, with their peak-to-peak amplitudes."""
    phase = 2.0 * np.pi * np.arange(_PHASES) / _PHASES
    curve = np.tile(np.cos(phase), (len(features), 1))
    for k in _TERMS:
        size = np.nan_to_num(features[f"r{k}1"])
        shift = np.nan_to_num(features[f"phi{k}1"])
        curve += size[:, None] * np.cos(k * phase + shift[:, None])
    return np.asarray(curve * (features["amplitude"] / np.ptp(curve, axis=1))[:, None])


def _as_class(
    name: str, curve: FloatArray, period: FloatArray, model: LightCurveModel
) -> tuple[FloatArray, FloatArray]:
    n = curve.shape[0]
    typical = model.sample(name, n=_TYPICAL)
    # Temperature and luminosity of a star of the class whose period is the nearest.
    order = np.argsort(typical.period)
    place = np.searchsorted(typical.period[order], period)
    like = order[np.minimum(place, _TYPICAL - 1)]
    columns = {f.name: getattr(typical, f.name)[like] for f in fields(Stars) if f.name != "latent"}
    columns |= {"star_id": np.arange(n), "amplitude_i": np.ptp(curve, axis=1)}
    stars = Stars(**columns)
    # Phase zero is maximum light, or the primary minimum of a binary.
    zero = np.argmax(curve, axis=1) if is_binary(name) else np.argmin(curve, axis=1)
    rows = np.arange(n)[:, None]
    curve = curve[rows, (zero[:, None] + np.arange(_PHASES)) % _PHASES]
    phase = np.arange(_PHASES) / _PHASES
    mu, _ = model.encode([phase] * n, list(curve), [np.full(_PHASES, _ERROR)] * n, stars)
    physics = physics_matrix(stars)
    decoded, _ = model.decode(mu, stars.star_class, physics)
    again = decoded.evaluate(phase)
    scale = np.ptp(curve, axis=1, keepdims=True)
    shape = (curve - curve.mean(axis=1, keepdims=True)) / scale
    mismatch = np.sqrt(np.mean((shape - (again - again.mean(axis=1, keepdims=True))) ** 2, axis=1))
    return np.sqrt(np.mean(mu**2, axis=1)), mismatch
