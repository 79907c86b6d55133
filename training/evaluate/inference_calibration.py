"""Fit the calibration of the model's posterior to stars with known periods, and score it on others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from pelsvae_cadence.core.arrays import BoolArray, FloatArray
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.inference.calibration import LARGEST_LOGIT, Calibration, ClassLine
from pelsvae_cadence.training.evaluate.inference_sample import CalibrationSample
from pelsvae_cadence.validate.inference.shares import calibration_error

__all__ = ["cross_validated", "fit_calibration", "log_loss", "scored_calibration"]

# Standard deviations of the Gaussian priors: of intercept, log slope and slope with the number of points
# of all classes together, and of what a class may differ.
_POOLED_WIDTHS: Final = (3.0, 1.0, 0.5)
_CLASS_WIDTHS: Final = (0.7, 0.3)
_FOLDS: Final = 5
_SURE: Final = 0.9
# Stars of other classes that count for the ceiling of a class.
_BORROWED: Final = 150
_LEAST_STARS: Final = 20
_DECIMALS: Final = 5


def fit_calibration(
    sample: CalibrationSample, *, model: str, card: Mapping[str, Any] | None = None
) -> Calibration:
    """Fit the lines of all classes jointly.

    Parameters
    ----------
    sample : CalibrationSample
        Stars with known periods.
    model : str
        Hash of the model that read them.
    card : mapping, optional
        What the file says of itself.

    Returns
    -------
    Calibration
        The most probable lines: logistic regressions whose classes have Gaussian priors about the line of
        all classes. Ceilings are one less 1 / (n + 2), the rule of succession, where n is the number of
        stars with a raw probability of .9 or more that were right; up to 150 of other classes count.

    Raises
    ------
    InputError
        If there are fewer than 20 stars.
    """
    if len(sample) < _LEAST_STARS:
        raise InputError(f"a calibration on {len(sample)} stars", allowed=f"{_LEAST_STARS} or more")
    names, k = np.unique(sample.star_class, return_inverse=True)
    x = np.clip(logit(np.clip(sample.probability, 0.0, 1.0)), -LARGEST_LOGIT, LARGEST_LOGIT)
    decades = np.log10(sample.n_points) - 2.0
    sign = np.where(sample.right, 1.0, -1.0)
    width = np.concatenate([_POOLED_WIDTHS, np.repeat(_CLASS_WIDTHS, names.size)])

    def lines(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        shift, stretch = theta[3:].reshape(2, names.size)
        return theta[0] + shift, np.exp(theta[1] + stretch)

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        """Negative log posterior and its gradient."""
        intercept, slope = lines(theta)
        z = sign * (intercept[k] + slope[k] * x + theta[2] * decades)
        by_logit = -sign * expit(-z)
        by_slope = by_logit * x * slope[k]
        gradient = np.concatenate(
            [
                [by_logit.sum(), by_slope.sum(), by_logit @ decades],
                np.bincount(k, weights=by_logit, minlength=names.size),
                np.bincount(k, weights=by_slope, minlength=names.size),
            ]
        )
        value = np.logaddexp(0.0, -z).sum() + 0.5 * ((theta / width) ** 2).sum()
        return float(value), gradient + theta / width**2

    theta = minimize(loss, np.zeros(width.size), jac=True, method="L-BFGS-B").x
    intercept, slope = lines(theta)
    counted = sample.right & (sample.probability >= _SURE)
    sure = np.bincount(k[counted], minlength=names.size)
    total = int(sure.sum())
    return Calibration(
        classes={
            str(name): _line(intercept[j], slope[j], int(sure[j]) + min(_BORROWED, total - int(sure[j])))
            for j, name in enumerate(names.tolist())
        },
        pooled=_line(theta[0], np.exp(theta[1]), total),
        points_slope=round(float(theta[2]), _DECIMALS),
        points_range=(float(sample.n_points.min()), float(sample.n_points.max())),
        model=model,
        card={} if card is None else card,
    )


def _line(intercept: float, slope: float, n_right: int) -> ClassLine:
    return ClassLine(
        intercept=round(float(intercept), _DECIMALS),
        slope=round(float(slope), _DECIMALS),
        ceiling=round(1.0 - 1.0 / (n_right + 2.0), _DECIMALS),
    )


def cross_validated(sample: CalibrationSample, *, seed: int = 0) -> FloatArray:
    """Give each star the probability that a calibration on four fifths of the others states of it.

    Parameters
    ----------
    sample : CalibrationSample
        N stars.
    seed : int
        Seed of the division into five.

    Returns
    -------
    ndarray of float64, shape (N,)
        Calibrated probabilities.
    """
    fold = KeyedRandom(seed=seed).generator("folds of the calibration", 0).permutation(len(sample)) % _FOLDS
    stated = np.empty(len(sample))
    for part in range(_FOLDS):
        here = fold == part
        calibration = fit_calibration(sample.take(~here), model="")
        stated[here] = calibration.apply(
            sample.probability[here], sample.star_class[here], sample.n_points[here]
        )
    return stated


def log_loss(stated: FloatArray, right: BoolArray) -> float:
    """Give the mean negative log of the probability of what came true, in nats.

    Parameters
    ----------
    stated : ndarray of float64, shape (N,)
        Stated probabilities, of which those within e^-8 of 0 and 1 count as that.
    right : ndarray of bool, shape (N,)
        What came true.

    Returns
    -------
    float
        The mean.
    """
    p = np.clip(stated, expit(-LARGEST_LOGIT), expit(LARGEST_LOGIT))
    return float(-np.mean(np.where(right, np.log(p), np.log1p(-p))))


def scored_calibration(
    sample: CalibrationSample, *, model: str, seed: int, about: Mapping[str, Any]
) -> Calibration:
    """Fit the calibration and write its card.

    Parameters
    ----------
    sample : CalibrationSample
        Stars with known periods.
    model : str
        Hash of the model that read them.
    seed : int
        Seed of the division of the stars.
    about : mapping
        What the card says besides: command, data.

    Returns
    -------
    Calibration
        Its card has the number of stars by source, by true class and by the class that they were told to
        be, and log loss, expected calibration error, and mean and right share of what was stated to be .9 or
        more, raw and cross-validated, over all stars and by source.
    """
    after = cross_validated(sample, seed=seed)
    scores = {"all": _scores(sample, after, np.ones(len(sample), dtype=np.bool_))}
    for name in np.unique(sample.source).tolist():
        scores[name] = _scores(sample, after, np.asarray(sample.source == name))
    card = {
        **about,
        "stars": len(sample),
        "stars_by_source": _counts(sample.source),
        "stars_by_true_class": _counts(sample.true_class),
        "stars_by_told_class": _counts(sample.star_class),
        "right_by_told_class": _counts(sample.star_class[sample.right]),
        "scores": scores,
    }
    return fit_calibration(sample, model=model, card=card)


def _counts(names: Any) -> dict[str, int]:
    found, n = np.unique(names, return_counts=True)
    return {(name or "unknown"): count for name, count in zip(found.tolist(), n.tolist(), strict=True)}


def _scores(sample: CalibrationSample, after: FloatArray, here: BoolArray) -> dict[str, Any]:
    right = sample.right[here]
    told: dict[str, Any] = {"stars": int(here.sum()), "right": round(float(right.mean()), 4)}
    for when, stated in (("raw", sample.probability[here]), ("calibrated", after[here])):
        sure = stated >= _SURE
        told[when] = {
            "log_loss": round(log_loss(stated, right), 4),
            "expected_calibration_error": round(calibration_error(np.minimum(stated, 1.0), right), 4),
            "stated_0.9_or_more": {
                "stars": int(sure.sum()),
                "mean": round(float(stated[sure].mean()), 4) if sure.any() else None,
                "right": round(float(right[sure].mean()), 4) if sure.any() else None,
            },
        }
    return told
