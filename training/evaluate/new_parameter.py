"""A parameter that the model was never trained on: [Fe/H] of RRab stars, judged on test stars.

The labels are Smolec's (2005, Acta Astron. 55, 59) of period and phi31, so that in the real stars
phi31 follows from period and [Fe/H]. A mapping that has understood [Fe/H] must find that relation
in the shapes it draws; one that was given shuffled values, or none, cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pelsvae_cadence.core.arrays import FloatArray
from pelsvae_cadence.core.phase_curve import PhaseCurve
from pelsvae_cadence.model.latent.mapping import LatentMapping
from pelsvae_cadence.model.source import LightCurveModel
from pelsvae_cadence.stars import Stars
from pelsvae_cadence.training.evaluate.measures.samples import stars_of
from pelsvae_cadence.training.fit.fit_mapping import fit_mapping
from pelsvae_cadence.training.fit.options import MappingOptions
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["MetallicityTest", "metallicity_test", "plot_metallicity"]

_PARAMETERS: Final = ("period", "teff", "abs_mag_g", "feh")
_SMOLEC: Final = (-3.142, -4.902, 0.824)  # eq. 2: [Fe/H] = a + b P + c phi31 (sine convention)
_PERIOD: Final = 0.55  # d, of the sequence that is drawn
_DRAWS: Final = 4


@dataclass(frozen=True, kw_only=True)
class MetallicityTest:
    """What was measured on the test stars.

    Parameters
    ----------
    table : DataFrame
        By mapping: median and RMS of the difference of phi31 between drawn and real stars [rad],
        and the slope d phi31 / d[Fe/H] at fixed period [rad / dex].
    stars : OpenSet
        The test stars.
    phi31 : ndarray of float64, shape (N,)
        Theirs, in the sine convention [rad].
    drawn : ndarray of float64, shape (N,)
        phi31 of one drawn star for each.
    amplitude : ndarray of float64, shape (N,)
        Its I amplitude [mag].
    sequence : PhaseCurve
        Curves of one star at several metallicities.
    sequence_feh : ndarray of float64
        The metallicities.
    """

    table: pd.DataFrame
    stars: OpenSet
    phi31: FloatArray
    drawn: FloatArray
    amplitude: FloatArray
    sequence: PhaseCurve
    sequence_feh: FloatArray


def metallicity_test(
    model: LightCurveModel,
    table: OpenSet,
    folder: str | Path,
    *,
    regressor: str = "flow",
    steps: int = 1200,
    seed: int = 0,
    quiet: bool = False,
) -> MetallicityTest:
    """Fit mappings with [Fe/H], with shuffled [Fe/H] and without, and draw the test stars.

    Parameters
    ----------
    model : LightCurveModel
        The trained model, which stays as it is.
    table : OpenSet
        The training table.
    folder : str or Path
        Holds the mappings.
    regressor : str
        Kind of the mappings.
    steps : int
        Steps of flows.
    seed : int
        Seed of everything random.
    quiet : bool
        Show no progress.

    Returns
    -------
    MetallicityTest
        The measurement.
    """
    with_feh = MappingOptions(
        regressor=regressor, parameters=_PARAMETERS, star_class="RRab", steps=steps, seed=seed
    )
    cases = {
        "with [Fe/H]": with_feh,
        "shuffled parameters": replace(with_feh, permute=True),
        "without [Fe/H]": replace(with_feh, parameters=_PARAMETERS[:3]),
    }
    known = (table.subtype == "RRab") & (table.split == "test") & np.isfinite(table.feh)
    for name, (low, high) in model.ranges("RRab").items():
        known &= (getattr(table, name) >= low) & (getattr(table, name) <= high)
    edge = np.percentile(table.feh[known], [0.5, 99.5])
    known &= (table.feh >= edge[0]) & (table.feh <= edge[1])
    test = table.take(np.flatnonzero(known))
    # The branch of phi31 next to what the relation says.
    relation = (test.feh - _SMOLEC[0] - _SMOLEC[1] * test.period) / _SMOLEC[2]
    truth = relation + _around(_phi31(test.curve), relation)
    rows, kept = [], {}
    for label, options in cases.items():
        # With and without, a mapping sees the same stars: those that have the label.
        labelled = table.take(np.flatnonzero(np.isfinite(table.feh)))
        mapping = fit_mapping(
            model,
            folder,
            options,
            table=labelled,
            name=label.replace("[Fe/H]", "feh").replace(" ", "-"),
            quiet=quiet,
        )
        kept[label] = mapping
        extra: dict[str, Any] = {"feh": test.feh} if "feh" in mapping.parameters else {}
        differences = []
        for draw in range(_DRAWS):
            drawn = mapping.draw(_stars(test), seed=seed + draw, amplitude=False, **extra)
            differences.append(_around(_phi31(model.phase_curve(drawn)), truth))
        difference = np.concatenate(differences)
        rows.append(
            {
                "mapping": label,
                "median |d phi31|": float(np.median(np.abs(difference))),
                "RMS d phi31": float(np.sqrt(np.mean(difference**2))),
                "d phi31 / d[Fe/H]": _slope(model, mapping, seed),
            }
        )
    rows.append(dict(zip(rows[0], ("real stars", 0.0, 0.0, 1.0 / _SMOLEC[2]), strict=True)))
    mapping = kept["with [Fe/H]"]
    drawn = mapping.draw(_stars(test), seed=seed, feh=test.feh)
    feh = np.linspace(-2.3, -0.3, 6)
    one = model.sample("RRab", n=1, period=_PERIOD, seed=seed + 4)
    curves = [
        model.phase_curve(mapping.draw(one, seed=seed, amplitude=False, feh=value)) for value in feh.tolist()
    ]
    return MetallicityTest(
        table=pd.DataFrame(rows).set_index("mapping"),
        stars=test,
        phi31=truth,
        drawn=truth + _around(_phi31(model.phase_curve(drawn)), truth),
        amplitude=np.asarray(drawn.amplitude_i),
        sequence=PhaseCurve.concatenate(curves),
        sequence_feh=feh,
    )


def plot_metallicity(result: MetallicityTest) -> Figure:
    """Draw the sequence of shapes and the relations of phi31 and amplitude with [Fe/H].

    Parameters
    ----------
    result : MetallicityTest
        The measurement.

    Returns
    -------
    matplotlib.figure.Figure
        One star at six metallicities; phi31 and amplitude of drawn and real test stars.
    """
    import matplotlib as mpl

    figure = Figure(figsize=(13.0, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    colours = mpl.colormaps["viridis"]
    phase = np.linspace(0.0, 1.5, 500)
    span = result.sequence_feh[0], result.sequence_feh[-1]
    for i, feh in enumerate(result.sequence_feh):
        shade = colours((feh - span[0]) / (span[1] - span[0]))
        curve = result.sequence.take([i]).evaluate(phase)[0]
        left.plot(phase, curve + 0.12 * i, color=shade, lw=1.6, label=f"{feh:+.1f}")
    left.invert_yaxis()
    left.legend(title="[Fe/H]", frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8)
    left.set(xlabel="Phase", ylabel="Magnitude / amplitude, shifted", title=f"One RRab of {_PERIOD} d")
    stars = result.stars
    # Each star is brought to one period along the relation, so that [Fe/H] alone is seen.
    moved = -_SMOLEC[1] / _SMOLEC[2] * (_PERIOD - stars.period)
    for values, colour, label in ((result.phi31, "0.55", "real"), (result.drawn, "C3", "drawn")):
        middle.plot(stars.feh, values + moved, ".", ms=3.5, color=colour, alpha=0.7, label=label)
    x = np.linspace(np.min(stars.feh), np.max(stars.feh), 10)
    relation = (x - _SMOLEC[0] - _SMOLEC[1] * _PERIOD) / _SMOLEC[2]
    middle.plot(x, relation, "k-", lw=1.0, label="Smolec 2005")
    low, high = np.percentile(result.phi31 + moved, [0.5, 99.5])
    middle.set(
        xlabel="[Fe/H]",
        ylabel=rf"$\phi_{{31}}$ at {_PERIOD} d [rad]",
        ylim=(low - 0.6, high + 0.6),
        title="Test stars",
    )
    middle.legend(frameon=False, markerscale=2.5)
    edges = np.quantile(stars.feh, np.linspace(0.0, 1.0, 9))
    centre = 0.5 * (edges[1:] + edges[:-1])
    which = np.clip(np.digitize(stars.feh, edges) - 1, 0, len(centre) - 1)
    for values, colour, label in ((stars.amplitude_i, "0.55", "real"), (result.amplitude, "C3", "drawn")):
        right.plot(stars.feh, values, ".", ms=3, color=colour, alpha=0.35)
        binned = [np.median(values[which == b]) for b in range(len(centre))]
        right.plot(centre, binned, "o-", color=colour, ms=5, lw=1.5, label=label)
    right.set(xlabel="[Fe/H]", ylabel="I amplitude [mag]", title="Test stars, medians of bins")
    right.legend(frameon=False)
    for axes in (middle, right):
        axes.locator_params(axis="x", nbins=5)
    for axes in (left, middle, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _phi31(curve: PhaseCurve) -> FloatArray:
    """Give phi31 in the sine convention, in [0, 2 pi)."""
    angle = np.arctan2(-curve.sin, curve.cos)  # m = sum A cos(2 pi k phi + angle)
    return np.asarray((angle[:, 2] - 3.0 * angle[:, 0] + np.pi) % (2.0 * np.pi))


def _around(values: FloatArray, centre: FloatArray) -> FloatArray:
    """Give the difference of angles on the branch from -pi to pi."""
    return np.asarray((values - centre + np.pi) % (2.0 * np.pi) - np.pi)


def _slope(model: LightCurveModel, mapping: LatentMapping, seed: int) -> float:
    """Change of the median phi31 of the same stars from [Fe/H] = -2 to -1, at one period."""
    if "feh" not in mapping.parameters:
        return 0.0
    stars = model.sample("RRab", n=200, period=_PERIOD, seed=seed)
    low, high = (
        _phi31(
            model.phase_curve(mapping.draw(stars, seed=seed, amplitude=False, feh=feh), extrapolate="flag")
        )
        for feh in (-2.0, -1.0)
    )
    return float(np.median(_around(high, low)))


def _stars(rows: OpenSet) -> Stars:
    return replace(stars_of(rows), star_id=np.arange(len(rows)))
