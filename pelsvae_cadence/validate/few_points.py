"""Thinned light curves: a few points a band, as a young survey has them."""

from __future__ import annotations

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.randomness import KeyedRandom
from pelsvae_cadence.light_curves import LightCurves

__all__ = ["few_points"]


def few_points(light_curves: LightCurves, n_per_band: int, *, seed: int = 0) -> LightCurves:
    """Keep a few points of each star in each band.

    Parameters
    ----------
    light_curves : LightCurves
        The stars.
    n_per_band : int
        Points to keep of each star in each band, drawn at random and for each band anew:
        bands that were observed together are torn apart.
    seed : int
        Seed of the draw; that of a star does not depend on the others, and fewer points are part of more.

    Returns
    -------
    LightCurves
        The points that were drawn.
    """
    if n_per_band < 1:
        raise InputError(f"{n_per_band} points a band", allowed="1 or more")
    random = KeyedRandom(seed=seed)
    keep = np.zeros(light_curves.n_points, dtype=bool)
    for i, star_id in enumerate(light_curves.star_id.tolist()):
        rows = np.arange(light_curves.n_points)[light_curves.rows(i)]
        drawn = random.uniform("points of a band", star_id, np.arange(rows.size))
        for name in np.unique(light_curves.band[rows]):
            mine = np.flatnonzero(light_curves.band[rows] == name)
            keep[rows[mine[np.argsort(drawn[mine], kind="stable")[:n_per_band]]]] = True
    return light_curves.keep(keep)
