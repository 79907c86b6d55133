"""Pictures of the validated cross-match: the paper's Figure 9."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pelsvae_cadence.classes import STAR_CLASSES
from pelsvae_cadence.core.errors import InputError

__all__ = ["CONFIRMED", "PLACED", "plot_confirmed_against_placed"]

#: Verdicts that need no colour-magnitude diagram, and those that rest on it.
CONFIRMED: Final = ("variability class", "variable without class", "definite", "one in proper-motion radius")
PLACED: Final = ("colour-magnitude diagram", "second neighbour")

_COLOURS: Final = ("#0072b2", "#d55e00")
# Fewer stars are drawn as ticks: a histogram of them would pretend to a shape.
_FEWEST: Final = 30


def plot_confirmed_against_placed(matches: pd.DataFrame) -> Figure:
    """Draw colour and absolute magnitude of confirmed and of diagram-validated matches.

    Parameters
    ----------
    matches : DataFrame
        ``star_class``, ``bp_rp``, ``abs_mag`` and ``reason`` (a verdict of `CONFIRMED` or
        `PLACED`), such as the accepted rows of
        `pelsvae_cadence.training.crossmatch.match.validate_matches`.

    Returns
    -------
    Figure
        One column per class, with the numbers of both kinds: histograms of BP - RP above, of M_G
        below, each of unit area, or one tick a star for less than 30. Nothing is shown or saved.

    Raises
    ------
    InputError
        If there are no matches.
    """
    whole = matches.dropna(subset=["bp_rp", "abs_mag"])
    groups = {
        "confirmed": whole[whole["reason"].isin(CONFIRMED)],
        "by the diagram": whole[whole["reason"].isin(PLACED)],
    }
    classes = [name for name in STAR_CLASSES if (whole["star_class"] == name).any()]
    if not classes:
        raise InputError("there are no matches with colour and distance to draw")
    figure = Figure(figsize=(1.9 * len(classes) + 1.0, 4.6), layout="constrained")
    axes = figure.subplots(2, len(classes), squeeze=False)
    for column, star_class in enumerate(classes):
        for row, name in enumerate(("bp_rp", "abs_mag")):
            own: list[Any] = [
                group.loc[group["star_class"] == star_class, name].to_numpy() for group in groups.values()
            ]
            _histograms(axes[row, column], own, list(groups))
        sizes = ", ".join(str(values.size) for values in own)
        axes[0, column].set_title(f"{star_class}\n{sizes}", fontsize=9)
        axes[0, column].set_xlabel("BP - RP [mag]", fontsize=8)
        axes[1, column].set_xlabel("M_G [mag]", fontsize=8)
        axes[1, column].invert_xaxis()
    axes[0, 0].set_ylabel("density")
    axes[1, 0].set_ylabel("density")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
    return figure


def _histograms(ax: Any, groups: list[Any], names: list[str]) -> None:
    low, high = np.percentile(np.concatenate(groups), [0.5, 99.5])
    fewest = min((values.size for values in groups if values.size >= _FEWEST), default=_FEWEST)
    n_bins = int(np.clip(np.sqrt(fewest), 6, 30))
    edges = np.linspace(low, high if high > low else low + 1.0, n_bins + 1)
    for k, (values, name, colour) in enumerate(zip(groups, names, _COLOURS, strict=True)):
        inside = values[(values >= edges[0]) & (values <= edges[-1])]
        ax.plot([], [], color=colour, label=name)
        if values.size >= _FEWEST:
            ax.hist(inside, edges, density=True, histtype="step", color=colour)
        else:
            height = np.full(values.size, 0.06 + 0.12 * k)
            ax.plot(values, height, "|", ms=12, color=colour, transform=ax.get_xaxis_transform())
    ax.set_ylim(bottom=0.0)
    ax.set_yticks([])
    ax.tick_params(labelsize=7)
