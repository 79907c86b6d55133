"""MAF's slicers of a map of the sky or of some positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pelsvae_cadence.metrics.maf.data_directory import prepare_data_directory

prepare_data_directory()  # rubin_sim looks for it when it is imported

from rubin_sim.maf.slicers import BaseSlicer, HealpixSlicer, UserPointsSlicer

__all__ = ["sky_slicer"]


def sky_slicer(
    columns: Mapping[str, Any],
    *,
    nside: int | None = None,
    points: Sequence[tuple[float, float]] = (),
    radius: float,
    use_camera: bool = False,
) -> BaseSlicer:
    """Make the slicer of a map (`nside`) or of some positions in degrees.

    Columns are named as by ``rubin_sim.maf.batches.col_map_dict``. A map has no cache, since stars depend
    on the position.
    """
    options: dict[str, Any] = {
        "lon_col": columns["ra"],
        "lat_col": columns["dec"],
        "lat_lon_deg": columns.get("raDecDeg", True),
        "radius": radius,
        "use_camera": use_camera,
        # Without a footprint the rotation is never used; any column that exists will do.
        "rot_sky_pos_col_name": columns.get("rotSkyPos", "rotSkyPos") or columns["ra"],
        "verbose": False,
    }
    if nside is not None:
        return HealpixSlicer(nside=nside, use_cache=False, **options)
    ra, dec = (list(values) for values in zip(*points, strict=True))
    return UserPointsSlicer(ra, dec, **options)
