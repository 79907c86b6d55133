"""Populations for MAF: a slicer with one star a slice point, as rubin_sim's transients have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np
from typing_extensions import Unpack

from pelsvae_cadence.cadence.survey import FOV_RADIUS
from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.extinction import SFD_SCALE, TrueEBV
from pelsvae_cadence.metrics.maf.data_directory import has_camera_data, prepare_data_directory
from pelsvae_cadence.metrics.position.observe import load_model
from pelsvae_cadence.metrics.position.slice_point import STAR_KEYS
from pelsvae_cadence.population.survey import Mode, draw_population
from pelsvae_cadence.stars import Stars

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.slicers import UserPointsSlicer

__all__ = ["SlicerKeywords", "generate_periodic_pop_slicer", "slicer_of_stars"]


class SlicerKeywords(TypedDict, total=False):
    """Keywords of `slicer_of_stars`."""

    radius: float
    use_camera: bool | None
    lon_col: str
    lat_col: str
    rot_sky_pos_col_name: str
    badval: float


def slicer_of_stars(
    stars: Stars,
    *,
    radius: float = FOV_RADIUS["lsst"],
    use_camera: bool | None = None,
    lon_col: str = "fieldRA",
    lat_col: str = "fieldDec",
    rot_sky_pos_col_name: str = "rotSkyPos",
    badval: float = -666,
    extra: Mapping[str, Any] | None = None,
) -> UserPointsSlicer:
    """Make a slicer of stars, one at each slice point.

    Parameters
    ----------
    stars : Stars
        The stars, e.g. of `pelsvae_cadence.population.tables.read_star_table`.
    radius : float
        Radius of the circular field of view in degrees, without the camera's footprint.
    use_camera : bool, optional
        Use MAF's camera footprint; by default where its data are installed.
    lon_col, lat_col, rot_sky_pos_col_name : str
        Columns of the survey table.
    badval : float
        Value of masked slice points.
    extra : mapping, optional
        Further columns of ``slice_points``, one value per star.

    Returns
    -------
    UserPointsSlicer
        Its ``slice_points`` hold the star's parameters under
        `pelsvae_cadence.metrics.position.slice_point.STAR_KEYS`, its latent coordinates, and ``"ebv"`` on
        the raw SFD scale that MAF's own metrics expect.

    Raises
    ------
    InputError
        If there is no star.
    """
    if not len(stars):
        raise InputError("no stars for a slicer")
    slicer = UserPointsSlicer(
        np.array(stars.ra),
        np.array(stars.dec),
        lon_col=lon_col,
        lat_col=lat_col,
        lat_lon_deg=True,
        verbose=False,
        badval=badval,
        radius=radius,
        use_camera=has_camera_data() if use_camera is None else use_camera,
        rot_sky_pos_col_name=rot_sky_pos_col_name,
    )
    for key in STAR_KEYS:
        slicer.slice_points[key] = np.array(getattr(stars, "ebv" if key == "true_ebv" else key))
    slicer.slice_points["ebv"] = TrueEBV(stars.ebv).value / SFD_SCALE
    if stars.latent is not None:
        slicer.slice_points["latent"] = np.array(stars.latent)
    for key, value in (extra or {}).items():
        slicer.slice_points[key] = np.asarray(value)
    return slicer


def generate_periodic_pop_slicer(
    n_events: int = 10000,
    seed: int = 42,
    star_classes: str | Mapping[str, float] = "RRab",
    where: str = "galaxy",
    mode: Mode = "magnitude-limited",
    *,
    band: str = "r",
    magnitude_range: tuple[float, float] = (16.0, 24.0),
    magnitude: float = 20.0,
    max_distance: float = 10.0,
    dec_range: tuple[float, float] = (-90.0, 12.0),
    ebv: float | None = None,
    model: str = "default",
    **slicer_options: Unpack[SlicerKeywords],
) -> UserPointsSlicer:
    """Generate a population of periodic variables, and put it into a UserPointsSlicer.

    Parameters
    ----------
    n_events : int
        Number of stars.
    seed : int
        Seed of the population.
    star_classes : str or mapping of str to float
        Class, subtype or alias, or several with their shares.
    where, mode, band, magnitude_range, magnitude, max_distance, dec_range, ebv : optional
        As in `pelsvae_cadence.population.survey.draw_population`; by default Rubin's sky.
    model : str
        Name or path of the source model.
    **slicer_options
        Passed to `slicer_of_stars` (``radius``, ``use_camera``, column names).

    Returns
    -------
    UserPointsSlicer
        One star a slice point; "component", "crowded_region" and "mean_magnitude" beside its
        parameters. `PeriodRecoveryMetric` and `TimeToRecoveryMetric` observe that star.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> slicer = generate_periodic_pop_slicer(100, seed=1, where="halo", use_camera=False)
    >>> sorted(set(slicer.slice_points["subtype"].tolist()))
    ['RRab']
    """
    drawn = draw_population(
        load_model(model),
        star_classes,
        n=n_events,
        seed=seed,
        where=where,
        mode=mode,
        band=band,
        magnitude_range=magnitude_range,
        magnitude=magnitude,
        max_distance=max_distance,
        dec_range=dec_range,
        ebv=ebv,
    )
    extra = {"component": drawn.component, "crowded_region": drawn.region, "mean_magnitude": drawn.magnitude}
    return slicer_of_stars(drawn.stars, extra=extra, **slicer_options)
