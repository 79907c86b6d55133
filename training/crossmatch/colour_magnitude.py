"""Colour-magnitude selection of the stars of a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import gaussian_kde

from pelsvae_cadence.core.arrays import FloatArray

__all__ = ["ColourMagnitudePlaces", "absolute_magnitude"]


def absolute_magnitude(mag: npt.ArrayLike, distance: npt.ArrayLike) -> FloatArray:
    """Convert apparent magnitudes with distances, without extinction, as the paper does.

    Parameters
    ----------
    mag : array_like, shape (n,)
        Apparent magnitudes.
    distance : array_like, shape (n,)
        Distances in parsecs; the paper takes those of Bailer-Jones et al. 2018, which for stars of
        the Magellanic Clouds follow their prior (about 6 kpc). Both sides of the comparison here
        share that fault, so it serves to place a star, not as its luminosity.

    Returns
    -------
    ndarray of float64, shape (n,)
        m - 5 log10(d / 10 pc); NaN where the distance is missing or not above zero.
    """
    pc = np.asarray(distance, dtype=np.float64)
    safe = np.where(pc > 0, pc, np.nan)
    return np.asarray(mag, dtype=np.float64) - 5.0 * np.log10(safe) + 5.0


@dataclass(frozen=True, kw_only=True)
class ColourMagnitudePlaces:
    """The density of each class in (BP - RP, M_G), and the level that encloses most of it.

    Parameters
    ----------
    density : mapping of str to gaussian_kde
        Density estimate of each class with enough confirmed stars.
    level : mapping of str to float
        Density at the edge of the place of the class.
    """

    density: Mapping[str, gaussian_kde]
    level: Mapping[str, float]

    @classmethod
    def learn(cls, confirmed: pd.DataFrame, *, enclosed: float, fewest: int) -> Self:
        """Learn the places from confirmed stars.

        Parameters
        ----------
        confirmed : DataFrame
            ``star_class``, ``bp_rp``, ``abs_mag``; rows with a missing value are passed over.
        enclosed : float
            Fraction of the confirmed stars that lie inside, 0 to 1.
        fewest : int
            Stars needed to place a class.

        Returns
        -------
        ColourMagnitudePlaces
            A Gaussian kernel density with Scott's bandwidth (scipy) per class; the edge is the
            density exceeded at the given fraction of its stars.
        """
        density, level = {}, {}
        whole = confirmed.dropna()
        for star_class, own in whole.groupby("star_class"):
            points = own[["bp_rp", "abs_mag"]].to_numpy(np.float64).T
            if points.shape[1] >= fewest:
                kernel = gaussian_kde(points)
                density[str(star_class)] = kernel
                level[str(star_class)] = float(np.quantile(kernel(points), 1.0 - enclosed))
        return cls(density=density, level=level)

    def judge(self, stars: pd.DataFrame) -> npt.NDArray[np.str_]:
        """Say which stars are out of their place.

        Parameters
        ----------
        stars : DataFrame, n rows
            ``star_class``, ``bp_rp``, ``abs_mag``.

        Returns
        -------
        ndarray of str, shape (n,)
            ``""`` inside the place of the class, otherwise the reason.
        """
        reason = np.full(len(stars), "too few confirmed stars of the class", dtype="U60")
        classes = stars["star_class"].to_numpy()
        points = stars[["bp_rp", "abs_mag"]].to_numpy(np.float64)
        whole = np.isfinite(points).all(axis=1)
        for star_class, kernel in self.density.items():
            own = np.flatnonzero((classes == star_class) & whole)
            if own.size:
                inside = kernel(points[own].T) >= self.level[star_class]
                reason[own] = np.where(inside, "", "off the class's place in the diagram")
        reason[~whole] = "colour or distance missing"
        return reason
