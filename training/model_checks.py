"""How good a source model is on test stars it has never seen."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.phase_curve import PhaseCurve
from pelsvae_cadence.population import PARAMETERS, to_rows
from pelsvae_cadence.report import Figure, Report
from pelsvae_cadence.source import LightCurveModel
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.training.open_set import OpenSet, load_open_set
from pelsvae_cadence.training.two_sample import (
    bic_harmonics,
    fold_noise,
    observed_features,
    two_sample_auc,
)
from pelsvae_cadence.weights import load_weights

__all__ = ["model_report", "reconstruction_error", "two_sample_test"]

FloatArray = npt.NDArray[np.float64]

_GRID: Final = np.arange(512) / 512
# True distance moduli (Pietrzynski et al. 2019, Graczyk et al. 2020, GRAVITY 2019).
_MODULUS: Final = {"LMC": 18.477, "SMC": 18.977, "BLG": 14.568}
# Stars without a place are tested as if they had this I magnitude, where OGLE errs by 0.02 mag.
_PLACELESS_MAG: Final = 17.5

# What a first experiment on the same classes reached or what we ask for beyond it.
_RMS_TARGETS: Final = {
    ("CEP", 20): 0.017, ("RRLYR", 20): 0.040, ("ECL", 20): 0.045, ("DSCT", 20): 0.13,
    ("CEP", 300): 0.006, ("RRLYR", 300): 0.015, ("ECL", 300): 0.020,
}  # fmt: skip
_AUC_TARGET: Final = 0.57


def _noise(rows: OpenSet) -> FloatArray:
    modulus = np.array([_MODULUS.get(g, np.nan) for g in rows.galaxy.tolist()])
    mag = np.where(np.isnan(modulus), _PLACELESS_MAG, rows.abs_mag_i + modulus)
    return fold_noise(mag)


def _stars(rows: OpenSet, **drawn: FloatArray) -> Stars:
    """Make stars of rows, nowhere in particular; `drawn` replaces parameters."""
    zero = np.zeros(len(rows))
    values = {name: getattr(rows, name) for name in PARAMETERS} | drawn
    return Stars(
        star_id=np.arange(len(rows)), star_class=rows.star_class, subtype=rows.subtype,
        epoch=zero, ra=zero, dec=zero, distance_modulus=zero, ebv=zero, feh=rows.feh, **values,
    )  # fmt: skip


def _some(rows: OpenSet, star_class: str, split: str, most: int) -> OpenSet:
    mine = np.flatnonzero((rows.star_class == star_class) & (rows.split == split))
    if len(mine) > most:
        mine = np.sort(np.random.default_rng(0).choice(mine, most, replace=False))
    return rows.take(mine)


def reconstruction_error(
    model: LightCurveModel,
    rows: OpenSet,
    n_points: int,
    *,
    noise_scale: float = 1.0,
    seed: int = 0,
) -> tuple[FloatArray, FloatArray]:
    """Encode noisy points of known stars, decode, and compare with the true curves.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        The stars.
    n_points : int
        Points per star, at random phases, with the error of an OGLE-III-like exposure.
    noise_scale : float
        Factor on that error.
    seed : int
        Seed of phases and noise.

    Returns
    -------
    model_rms : ndarray, shape (N,)
        RMS difference over a cycle in units of the amplitude. Both curves have unit amplitude;
        the phase zero is known to both.
    fit_rms : ndarray, shape (N,)
        The same for a Fourier fit of the order chosen by the BIC.
    """
    rng = np.random.default_rng(seed)
    noise = noise_scale * _noise(rows)
    truth = rows.curve
    phase = rng.random((len(rows), n_points))
    mag = 16.0 + rows.amplitude_i[:, None] * truth.evaluate(phase)
    mag = mag + noise[:, None] * rng.normal(size=phase.shape)
    stars = _stars(rows)
    mu, _ = model.encode(phase, mag, np.repeat(noise[:, None], n_points, axis=1), stars)
    physics = to_rows(rows.period, rows.teff, rows.abs_mag_g, rows.amplitude_i)
    curves, shift = model.decode(mu, rows.star_class, physics)
    exact = truth.evaluate(_GRID)
    model_rms = np.sqrt(np.mean((curves.shifted(-shift).evaluate(_GRID) - exact) ** 2, axis=1))
    fit_rms = np.empty(len(rows))
    for i in range(len(rows)):
        fit = bic_harmonics(phase[i], mag[i], float(noise[i]))
        scaled = fit.evaluate(_GRID)[0] / rows.amplitude_i[i]
        fit_rms[i] = np.sqrt(np.mean((scaled - exact[i]) ** 2))
    return model_rms, fit_rms


def two_sample_test(
    model: LightCurveModel,
    rows: OpenSet,
    reference: OpenSet,
    *,
    given: tuple[str, ...] = ("period",),
    seed: int = 0,
) -> tuple[float, float]:
    """Try to tell drawn stars from real ones of the same class and the same given parameters.

    Parameters
    ----------
    model : LightCurveModel
        The model.
    rows : OpenSet
        Real test stars of one class.
    reference : OpenSet
        Other real stars of the class, for the control.
    given : tuple of str
        Parameters that the drawn stars share with the real ones, and that the classifier sees.
    seed : int
        Seed of everything random.

    Returns
    -------
    auc : float
        Area under the ROC curve, drawn against real; 0.5 is ideal.
    control : float
        The same for the other real stars against these.
    """
    star_class = str(rows.star_class[0])
    drawn_rows, curves = _drawn_like(model, rows, given, seed)

    def columns(table: OpenSet | Stars, shape: PhaseCurve, noise: FloatArray, s: int) -> FloatArray:
        features = observed_features(shape, star_class, table.amplitude_i, noise, seed=s)
        known = [np.log10(np.asarray(getattr(table, name))) if name != "abs_mag_g"
                 else np.asarray(table.abs_mag_g) for name in given]  # fmt: skip
        return np.concatenate([features, np.stack(known, axis=1)], axis=1)

    noise = _noise(rows)
    real = columns(rows, rows.curve, noise, seed + 1)
    drawn = columns(drawn_rows, curves, noise, seed + 2)
    other = columns(reference, reference.curve, _noise(reference), seed + 3)
    return two_sample_auc(real, drawn, seed=seed), two_sample_auc(real, other, seed=seed)


def _drawn_like(
    model: LightCurveModel, rows: OpenSet, given: tuple[str, ...], seed: int
) -> tuple[Stars, PhaseCurve]:
    """Draw one star for each row, of its subtype and given parameters, in the order of the rows."""
    star_class = str(rows.star_class[0])
    parts = {name: np.empty(len(rows)) for name in PARAMETERS}
    cos = np.empty((len(rows), model.n_harmonics))
    sin = np.empty_like(cos)
    subtype = np.asarray(rows.subtype)
    for kind in np.unique(subtype).tolist():
        mine = np.flatnonzero(subtype == kind)
        limits = model.ranges(star_class, kind)
        # A test star just outside the training range is drawn at the border: few, and stated.
        fixed = {name: np.clip(getattr(rows, name)[mine], *limits[name]) for name in given}
        stars = model.sample(star_class, subtype=kind, star_id=mine, seed=seed, **fixed)
        curves = model.phase_curve(stars)
        cos[mine], sin[mine] = curves.cos, curves.sin
        for name, values in parts.items():
            values[mine] = getattr(stars, name)
    return _stars(rows, **parts), PhaseCurve(cos=cos, sin=sin)


def _speed(model: LightCurveModel) -> float:
    """Milliseconds for 100 light curves of 300 points, from parameters to magnitudes."""
    star_class = "RRLYR" if "RRLYR" in model.classes else model.classes[0]
    period = model.sample(star_class, n=100).period
    phase = np.random.default_rng(0).random((100, 300))
    best = np.inf
    for _ in range(12):
        start = time.perf_counter()
        stars = model.sample(star_class, period=period)
        model.phase_curve(stars).evaluate(phase)
        best = min(best, time.perf_counter() - start)
    return 1e3 * best


def model_report(
    seed: int = 0, *, weights: str | Path = "default", table: OpenSet | None = None, most: int = 400
) -> Report:
    """Measure a source model on the test stars of the open training set.

    Parameters
    ----------
    seed : int
        Seed of noise and draws.
    weights : str or Path
        Name or path of the weights.
    table : OpenSet, optional
        The open training set; the committed one by default.
    most : int
        Most test stars per class.

    Returns
    -------
    Report
        Reconstruction at 20 and 300 points, two-sample tests, size and speed.
    """
    model = LightCurveModel.load(weights)
    rows = table if table is not None else load_open_set()
    figures: list[Figure] = []
    extra: dict[str, Any] = {"weights": model.hash, "reconstruction": {}, "two_sample": {}}
    for name in model.classes:
        test = _some(rows, name, "test", most)
        if len(test) < 5:
            continue
        for n_points in (20, 40, 100, 300):
            rms, classical = reconstruction_error(model, test, n_points, seed=seed)
            value, against = float(np.median(rms)), float(np.median(classical))
            extra["reconstruction"][f"{name} {n_points}"] = [value, against]
            if n_points not in (20, 300):
                continue
            noisy, fit = reconstruction_error(model, test, n_points, noise_scale=2.0, seed=seed)
            twice = float(np.median(noisy)), float(np.median(fit))
            extra["reconstruction"][f"{name} {n_points} twice the noise"] = list(twice)
            target = _RMS_TARGETS.get((name, n_points))
            label = f"{name}: reconstruction RMS / amplitude at {n_points} points"
            note = (
                f"median of {len(test)} test stars; Fourier fit by BIC {against:.3f}; "
                f"with twice the noise {twice[0]:.3f} and {twice[1]:.3f}"
            )
            figures.append(
                Figure(name=label, value=value, note=note)
                if target is None
                else Figure.within(label, value, 0.0, target, note=note)
            )
    for name in model.classes:
        test, other = (_some(rows, name, part, most) for part in ("test", "validation"))
        if min(len(test), len(other)) < 60:
            continue
        auc, control = two_sample_test(model, test, other, seed=seed)
        full, _ = two_sample_test(
            model, test, other, given=("period", "teff", "abs_mag_g"), seed=seed
        )
        extra["two_sample"][name] = {"period": auc, "all": full, "control": control}
        error = 0.29 / np.sqrt(min(len(test), len(other)) / 2.0)
        note = (
            f"{len(test)} test stars, error about {error:.2f}; real against real {control:.2f}; "
            f"given Teff and M_G too {full:.2f}"
        )
        figures.append(
            Figure.within(
                f"{name}: two-sample AUC given the period", auc, 0.0, _AUC_TARGET, note=note
            )
        )
    size = sum(v.nbytes for v in load_weights(weights).tensors.values()) / 1e6
    figures.append(Figure.within("size of the weights", size, 0.0, 2.0, unit="MB"))
    figures.append(
        Figure.within(
            "100 light curves of 300 points from parameters to magnitudes", _speed(model),
            0.0, 10.0, unit="ms", note="best of 12 on this machine, now; one torch thread",
        )
    )  # fmt: skip
    return Report(
        topic="model",
        data=f"test stars of the open training set; weights {model.name} {model.hash[:12]}",
        seed=seed,
        figures=tuple(figures),
        extra=extra,
    )
