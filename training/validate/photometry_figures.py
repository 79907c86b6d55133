"""Pictures of the photometry: predicted bands beside real RR Lyrae stars, eclipses by band."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from pelsvae_cadence.bands import BANDS
from pelsvae_cadence.training.archives.stripe82 import SDSS_BANDS, Stripe82
from pelsvae_cadence.training.validate.bands import predict_band

if TYPE_CHECKING:
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["plot_eclipses", "plot_stripe82"]

# Columns: stars at these quantiles of the g amplitude, so that none is picked by hand.
_QUANTILES: Final = (0.15, 0.5, 0.85)
# Binaries drawn, and the quantile of the ratio of temperatures that is shown: where the two are
# alike, so are the bands.
_BINARIES: Final = 101
_RATIO_QUANTILE: Final = 0.9


def plot_stripe82(stars: Stripe82) -> Figure:
    """Draw real Stripe 82 stars and what their i points predict for the other bands.

    Parameters
    ----------
    stars : Stripe82
        The stars.

    Returns
    -------
    Figure
        Four judging stars: three RRab by amplitude, and the RRc of median amplitude.
    """
    chosen = [("RRab", q) for q in _QUANTILES] + [("RRc", 0.5)]
    figure = Figure(figsize=(13, 6.2), layout="constrained")
    panels = figure.subplots(1, len(chosen))
    for subtype in ("RRab", "RRc"):
        predictions = {b: predict_band(stars, subtype, b) for b in SDSS_BANDS}
        rows = predictions["g"].rows
        order = np.argsort(stars.amplitude[rows, 1])
        for panel, (kind, quantile) in zip(panels, chosen, strict=True):
            if kind != subtype:
                continue
            place = int(order[round(quantile * (rows.size - 1))])
            row = int(rows[place])
            for index, band in enumerate(SDSS_BANDS):
                phase, mag, err = stars.points[row][index]
                found = predictions[band]
                offset = np.average(
                    mag - np.interp(phase % 1.0, found.phase, found.predicted[place], period=1.0),
                    weights=1.0 / (err**2 + 0.02**2),
                )
                colour = BANDS[band].colour
                good = err < 0.15
                twice = np.concatenate([phase[good] % 1.0, phase[good] % 1.0 + 1.0])
                values = np.tile(mag[good], 2)
                panel.errorbar(
                    twice, values, np.tile(err[good], 2), fmt=".", ms=4, lw=0.6, color=colour, alpha=0.8
                )
                grid = np.concatenate([found.phase, found.phase + 1.0])
                panel.plot(
                    grid,
                    offset + np.tile(found.predicted[place], 2),
                    lw=1.3,
                    color=colour,
                    label=f"{band}{'  (fitted)' if band == 'i' else ''}",
                )
            panel.set_title(f"{subtype} {stars.star[row]}, P = {stars.period[row]:.3f} d", fontsize=10)
            panel.set_xlim(0.0, 1.6)
            panel.invert_yaxis()
    panels[0].set_ylabel("magnitude (SDSS)")
    figure.supxlabel("phase from the maximum in i")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, ncols=5, loc="outside upper center", frameon=False)
    return figure


def plot_eclipses(model: LightCurveModel) -> Figure:
    """Draw eclipsing binaries in u, I and y.

    Parameters
    ----------
    model : LightCurveModel
        The source model.

    Returns
    -------
    Figure
        An EA, an EB and an EW star, each with a temperature ratio that nine in ten do not reach.
    """
    from pelsvae_cadence.photometry.band_curves import band_curves
    from pelsvae_cadence.photometry.binaries import eclipse_contrast

    bands = ("u", "I", "y")
    colours = {"u": BANDS["u"].colour, "I": "#777777", "y": BANDS["y"].colour}
    phase = np.linspace(-0.25, 1.25, 1201)
    figure = Figure(figsize=(12, 4), layout="constrained")
    panels = figure.subplots(1, 3)
    for panel, kind in zip(panels, ("EA", "EB", "EW"), strict=True):
        stars = model.sample(kind, n=_BINARIES, seed=5)
        curves = model.phase_curve(stars)
        contrast = eclipse_contrast(
            curves.evaluate(np.arange(512) / 512.0), stars.amplitude_i, stars.teff, bands
        )
        order = np.argsort(contrast.teff_1 / contrast.teff_2)
        place = int(order[round(_RATIO_QUANTILE * (_BINARIES - 1))])
        star = stars.take([place])
        mine = band_curves(star, model.phase_curve(star), bands)
        for j, band in enumerate(bands):
            values = mine.evaluate(phase[None, :], np.full(phase.size, j))[0]
            panel.plot(phase, values - values.min(), color=colours[band], label=band)
        hot, cool = float(contrast.teff_1[place]), float(contrast.teff_2[place])
        panel.set_title(f"{kind}: {hot:.0f} K and {cool:.0f} K from the depths", fontsize=10)
        panel.set_xlabel("phase")
        panel.invert_yaxis()
    panels[0].set_ylabel("mag below maximum light")
    panels[0].legend(frameon=False)
    return figure
