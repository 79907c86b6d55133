"""Sky maps of recall: one a class, in one scale."""

from __future__ import annotations

import healpy
import numpy as np
import pytest

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.plotting.recall_maps import plot_recall_maps


def test_a_panel_for_each_class_says_its_mean(tmp_path):
    sky = np.full(healpy.nside2npix(2), np.nan)
    sky[20:40] = np.linspace(0.5, 1.0, 20)
    maps = {"all classes": sky, "CEP": np.sqrt(sky), "ECL": np.full_like(sky, np.nan)}
    maps["RRLYR"] = sky
    figure = plot_recall_maps(maps, title="a survey")
    shown = [ax for ax in figure.axes if ax.name == "mollweide" and ax.get_visible()]
    assert [ax.get_title() for ax in shown] == [
        "all classes: 0.75",
        f"CEP: {np.nanmean(np.sqrt(sky)):.2f}",
        "ECL: none",
        "RRLYR: 0.75",
    ]
    assert all(ax.collections[0].get_clim() == (0.0, 1.0) for ax in shown)
    figure.savefig(tmp_path / "maps.png")


def test_values_at_positions_and_nothing():
    figure = plot_recall_maps({"CEP": [0.2, 0.4]}, ra=[10.0, 200.0], dec=[-20.0, -60.0])
    assert figure.axes[0].get_title() == "CEP: 0.30"
    with pytest.raises(InputError, match="no recall"):
        plot_recall_maps({})
