"""Slice points of MAF: position, dust, crowding, or a star of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import RawSFD
from pelsvae_cadence.population.crowding import CrowdedField, crowded_field, crowded_region
from pelsvae_cadence.stars import Stars

if TYPE_CHECKING:
    from pelsvae_cadence.core.phase_curve import PhaseCurve
    from pelsvae_cadence.model.source import LightCurveModel

__all__ = ["STAR_KEYS", "SlicePoint", "carries_star"]

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


def carries_star(slice_point: Mapping[str, Any] | None) -> bool:
    """Tell whether a slice point, or all those of a slicer, carry a star of their own."""
    return slice_point is not None and all(key in slice_point for key in STAR_KEYS)


@dataclass(frozen=True)
class SlicePoint:
    """What a slice point says about its stars.

    Parameters
    ----------
    values : mapping
        What MAF hands to a metric: "ra" and "dec" in radians; "true_ebv", or "ebv" as MAF's DustMap
        adds it, on the scale of Schlegel, Finkbeiner & Davis (1998); counts of its StellarDensityMap.
        A slice point of `pelsvae_cadence.metrics.position.population_slicer` carries one star under
        the names of `STAR_KEYS`.

    Raises
    ------
    InputError
        If there is no position.
    """

    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not self.values or self.values.get("ra") is None or self.values.get("dec") is None:
            raise InputError(
                "the slice point has no ra and dec",
                remedy="Use a spatial slicer (HealpixSlicer, UserPointsSlicer).",
            )

    @property
    def ra(self) -> float:
        """Right ascension in degrees, 0 to 360."""
        return float(np.degrees(self.values["ra"])) % 360.0

    @property
    def dec(self) -> float:
        """Declination in degrees."""
        return float(np.degrees(self.values["dec"]))

    @property
    def ebv(self) -> float | None:
        """True E(B-V) in mag, where it is known."""
        if "true_ebv" in self.values:
            return float(self.values["true_ebv"])
        return float(RawSFD(self.values["ebv"]).to_true().value) if "ebv" in self.values else None

    @property
    def region(self) -> str:
        """The crowded region (`pelsvae_cadence.population.crowding.crowded_region`), or ""."""
        return str(crowded_region(self.ra, self.dec)[0])

    @property
    def field(self) -> CrowdedField | None:
        """Star counts of MAF's map, else the built-in ones of bulge and Clouds, else None."""
        from_map = CrowdedField.from_slice_point(self.values)
        return crowded_field(self.ra, self.dec) if from_map is None else from_map

    def star(self, model: LightCurveModel, seed: int) -> tuple[Stars, PhaseCurve] | None:
        """Take the star that the slice point carries, with its own distance and dust; None without one.

        The seed is that of the shape where the slice point has no "latent" coordinates.
        """
        if not carries_star(self.values):
            return None
        latent = self.values.get("latent")
        star = Stars(
            ra=np.array([self.ra]),
            dec=np.array([self.dec]),
            ebv=np.atleast_1d(self.values["true_ebv"]),
            latent=None if latent is None else np.atleast_2d(latent),
            **{key: np.atleast_1d(self.values[key]) for key in STAR_KEYS if key != "true_ebv"},
        )
        return star, model.phase_curve(star, seed=seed)
