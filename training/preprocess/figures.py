"""Pictures of the preprocessing and augmentation: the paper's Figure 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.training.archives.raw_light_curves import RawLightCurves
from pelsvae_cadence.training.archives.splits import star_numbers
from pelsvae_cadence.training.preprocess.augmentation import resample_and_shift
from pelsvae_cadence.training.preprocess.folding import undersample

__all__ = ["plot_augmentation_steps"]

_STEPS = ("folded", "resampled by its errors", "phase shifted")
_COLOURS = ("#222222", "#0072b2", "#d55e00", "#009e73")


def plot_augmentation_steps(curves: RawLightCurves, *, t_len: int = 300, seed: int = 0) -> Figure:
    """Draw the four steps from a folded light curve to an augmented copy, one star a row.

    Of each class the star of median range in magnitude is drawn.
    """
    chosen = _typical(curves)
    if chosen.size == 0:
        raise InputError("there is no light curve to draw")
    random = KeyedRandom(seed=seed)
    figure = Figure(figsize=(11.0, 1.5 * chosen.size + 0.7), layout="constrained")
    axes = figure.subplots(chosen.size, 4, sharex=True, sharey="row", squeeze=False)
    for k, row in enumerate(chosen):
        one = chosen[k : k + 1]
        copy = np.ones(1, dtype=np.int64)
        phase, shifted, mag, mag_err = resample_and_shift(curves, one, copy, seed=seed)
        real = curves.mag[curves.rows(int(row))]
        few = undersample(
            shifted,
            mag,
            mag_err,
            curves.n_points[one],
            star_numbers(curves.star[one]),
            random,
            purpose="augment",
            t_len=t_len,
            item=copy,
        )[:, 0]
        panels: tuple[tuple[Any, Any, Any], ...] = (
            (phase, real, mag_err),
            (phase, mag, mag_err),
            (shifted, mag, mag_err),
            (few[0], few[1], few[2]),
        )
        for ax, (x, y, error), colour in zip(axes[k], panels, _COLOURS, strict=True):
            ax.errorbar(x, y, yerr=error, fmt=".", ms=3, lw=0.6, color=colour, alpha=0.7)
        label = f"{curves.star_class[row]} {curves.subtype[row]}".strip()
        axes[k, 0].set_title(
            f"{label}, P = {curves.period[row]:.4g} d, {real.size} points", fontsize=8, loc="left"
        )
        axes[k, 0].set_ylabel(f"{curves.band[row]} [mag]".strip(), fontsize=8)
        axes[k, 0].invert_yaxis()
    for ax, name in zip(axes[0], (*_STEPS, f"brought to {t_len} points"), strict=True):
        # Above the star's own title in the first column.
        ax.annotate(
            name,
            (0.5, 1.0),
            xytext=(0, 20),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            fontsize=10,
        )
    for ax in axes[-1]:
        ax.set_xlabel("phase", fontsize=9)
        ax.set_xlim(0, 1)
    for ax in axes.ravel():
        ax.tick_params(labelsize=7)
    return figure


def _typical(curves: RawLightCurves) -> npt.NDArray[np.int64]:
    chosen = []
    for star_class in STAR_CLASSES:
        own = np.flatnonzero(curves.star_class == star_class)
        if own.size:
            ranges = [np.ptp(curves.mag[curves.rows(int(i))]) for i in own]
            chosen.append(own[np.argsort(ranges, kind="stable")[own.size // 2]])
    return np.array(chosen, dtype=np.int64)
