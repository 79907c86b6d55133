"""What a slice point says about its stars: dust in front of them, crowding, or the star itself.

A slice point of `pelsvae_cadence.metrics.position.population_slicer` carries one star with all its parameters
under the names of `STAR_KEYS`; other slicers only say where to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pelsvae_cadence.core.extinction import RawSFD
from pelsvae_cadence.population.crowding import CrowdedField, crowded_field, crowded_region
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["STAR_KEYS", "carries_star", "field_at", "own_star", "reddening_at", "region_at"]

#: Keys of a slice point that carries a star; "ra" and "dec" in radians as everywhere in MAF.
STAR_KEYS: Final = (
    "star_id",
    "star_class",
    "subtype",
    "period",
    "teff",
    "abs_mag_g",
    "amplitude_i",
    "epoch",
    "distance_modulus",
    "true_ebv",
    "feh",
)


def _degrees(slice_point: Mapping[str, Any]) -> tuple[float, float]:
    return float(np.degrees(slice_point["ra"])) % 360.0, float(np.degrees(slice_point["dec"]))


def reddening_at(slice_point: Mapping[str, Any], default: float) -> float:
    """Give the true E(B-V) of a slice point.

    Parameters
    ----------
    slice_point : mapping
        ``"true_ebv"`` is used as it is; ``"ebv"`` is what MAF's DustMap adds, a value on the scale
        of Schlegel, Finkbeiner & Davis (1998), and is converted.
    default : float
        True E(B-V) in mag where there is neither.

    Returns
    -------
    float
        True E(B-V) in mag.
    """
    if "true_ebv" in slice_point:
        return float(slice_point["true_ebv"])
    if "ebv" in slice_point:
        return float(RawSFD(slice_point["ebv"]).to_true().value)
    return default


def region_at(slice_point: Mapping[str, Any]) -> str:
    """Name the crowded region of a slice point.

    Parameters
    ----------
    slice_point : mapping
        Its "ra" and "dec" in radians.

    Returns
    -------
    str
        See `pelsvae_cadence.population.crowding.crowded_region`.
    """
    return str(crowded_region(*_degrees(slice_point))[0])


def field_at(slice_point: Mapping[str, Any]) -> CrowdedField | None:
    """Give the star counts of a slice point.

    Parameters
    ----------
    slice_point : mapping
        The counts of MAF's StellarDensityMap, where it has run, else its "ra" and "dec".

    Returns
    -------
    CrowdedField or None
        The map's counts, else the built-in ones of bulge and Clouds, else None.
    """
    from_map = CrowdedField.from_slice_point(slice_point)
    return crowded_field(*_degrees(slice_point)) if from_map is None else from_map


def carries_star(slice_point: Mapping[str, Any] | None) -> bool:
    """Tell whether a slice point carries a star of its own.

    Parameters
    ----------
    slice_point : mapping or None
        The slice point.

    Returns
    -------
    bool
        True for those of a population slicer.
    """
    return slice_point is not None and all(key in slice_point for key in STAR_KEYS)


def own_star(
    slice_point: Mapping[str, Any], model: LightCurveModel, seed: int
) -> tuple[Stars, PhaseCurve] | None:
    """Take the star that a slice point carries.

    Parameters
    ----------
    slice_point : mapping
        A slice point of a population slicer, or any other.
    model : LightCurveModel
        Decodes the shape.
    seed : int
        Seed of the shape where the slice point has no "latent" coordinates.

    Returns
    -------
    tuple of Stars and PhaseCurve, or None
        One star with its own distance and dust; None where the slice point carries none.
    """
    if not carries_star(slice_point):
        return None
    ra, dec = _degrees(slice_point)
    values = {key: np.atleast_1d(slice_point[key]) for key in STAR_KEYS if key != "true_ebv"}
    latent = slice_point.get("latent")
    star = Stars(
        ra=np.array([ra]),
        dec=np.array([dec]),
        ebv=np.atleast_1d(slice_point["true_ebv"]),
        latent=None if latent is None else np.atleast_2d(latent),
        **values,
    )
    return star, model.phase_curve(star, seed=seed)
