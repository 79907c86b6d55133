"""Pictures of a classification: who is taken for whom, and how well by magnitude and by year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.styles import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pelsvae_cadence.classify.scores import Predictions

__all__ = ["plot_confusion", "plot_score_by_magnitude"]

# From the first year to the last: light to dark, told apart also in grey.
_LINES: Final = ("o-", "s--", "^-.", "D:", "v-")


def plot_confusion(
    confusion: npt.ArrayLike, classes: tuple[str, ...], *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw a confusion matrix: the share of each true class (row) by predicted class.

    Parameters
    ----------
    confusion : array_like, shape (K, K)
        Stars by true (row) and predicted class (column).
    classes : tuple of str
        Names of the K classes.
    title : str
        Title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    InputError
        If the matrix is not square or does not fit the names.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    k = len(classes)
    if counts.shape != (k, k):
        raise InputError(f"a confusion matrix of shape {counts.shape} for {k} classes")
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    texts = {"title": title, "xlabel": "classified as", "ylabel": "true class (stars)"}
    ax = axes_of(ax, 1.6 + 0.72 * k, 1.2 + 0.6 * k, **texts)
    image = ax.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto")
    for i in range(k):
        for j in range(k):
            if counts[i, j] > 0:
                ax.text(
                    j,
                    i,
                    f"{100.0 * share[i, j]:.0f}",
                    ha="center",
                    va="center",
                    fontsize=10,
                    color="white" if share[i, j] > 0.55 else "black",
                    fontweight="bold" if i == j else "normal",
                )
    ax.set_xticks(range(k), classes, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(k), [f"{c} ({int(n)})" for c, n in zip(classes, total[:, 0], strict=True)])
    for side in ax.spines.values():
        side.set_visible(False)
    ax.figure.colorbar(image, ax=ax, label="share of the true class", pad=0.02)
    return ax


def plot_score_by_magnitude(
    predictions: Mapping[str, Predictions],
    *,
    magnitude_label: str = "mean r magnitude",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the macro-F1 score against magnitude, one line a classification.

    Parameters
    ----------
    predictions : mapping of str to Predictions
        Classifications by name, e.g. ``{"1 year": ..., "10 years": ...}``; error bars are 68 per
        cent of resampled sky positions.
    magnitude_label : str
        Label of the magnitudes.
    title : str
        Title.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    from pelsvae_cadence.classify.scores import score

    if not predictions or not all(len(p) for p in predictions.values()):
        raise InputError("no predictions to draw")
    ax = axes_of(ax, 7.2, 4.6, title=title, xlabel=magnitude_label, ylabel="macro-F1")
    shades = np.linspace(0.25, 0.85, len(predictions)) if len(predictions) > 1 else [0.7]
    from matplotlib import colormaps

    for k, (name, found) in enumerate(predictions.items()):
        first = np.floor(found.magnitude.min())
        edges = np.arange(first, found.magnitude.max() + 1.0)
        centres, values = [], []
        for low in edges:
            here = (found.magnitude >= low) & (found.magnitude < low + 1.0)
            if here.any():
                estimate = score(found.take(here)).macro_f1
                centres.append(low + 0.5 + 0.06 * (k - 0.5 * (len(predictions) - 1)))
                values.append((estimate.value, estimate.value - estimate.low, estimate.high - estimate.value))
        value, below, above = np.nan_to_num(np.array(values).T)
        overall = score(found).macro_f1.value
        ax.errorbar(
            centres,
            value,
            yerr=np.maximum([below, above], 0.0),
            fmt=_LINES[k % len(_LINES)],
            color=colormaps["viridis_r"](shades[k]),
            capsize=2.5,
            linewidth=1.6,
            markersize=6.5,
            label=f"{name} ({overall:.2f} in all)",
        )
    chance = 1.0 / len(next(iter(predictions.values())).classes)
    ax.axhline(chance, color="0.6", linestyle=":", linewidth=1.2)
    ax.text(0.01, chance + 0.015, "chance", color="0.45", transform=ax.get_yaxis_transform())
    ax.set_ylim(0.0, 1.02)
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    ax.legend(loc="lower left", bbox_to_anchor=(0.0, 0.2), frameon=False)
    return ax
