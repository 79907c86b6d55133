"""MAF's camera footprint, where rubin_sim's data are installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.cadence.survey import Footprint
from pelsvae_cadence.core.errors import InputError

__all__ = ["camera_footprint"]

FloatArray = npt.NDArray[np.float64]


def camera_footprint(footprint_file: str | Path | None = None) -> Footprint:
    """Make the LSST camera's footprint for `pelsvae_cadence.cadence.Survey.at`.

    Parameters
    ----------
    footprint_file : str or Path, optional
        The footprint map; by default ``utils/fov_map.npz`` of rubin_sim's data.

    Returns
    -------
    callable
        (ra, dec, pointing ra, pointing dec, rotSkyPos), all in degrees, to a mask of the
        pointings that put the position on silicon.

    Raises
    ------
    InputError
        If the map is not installed.
    """
    from rubin_scheduler.utils import LsstCameraFootprint

    file = None if footprint_file is None else str(footprint_file)
    try:
        camera = LsstCameraFootprint(units="degrees", footprint_file=file)
    except OSError as error:
        raise InputError(
            f"MAF's camera footprint is not installed: {error}",
            remedy="Run rs_download_data, or use the circular field of view.",
        ) from error

    def seen(
        ra: float, dec: float, pointing_ra: FloatArray, pointing_dec: FloatArray, rotation: FloatArray
    ) -> npt.NDArray[np.bool_]:
        # MAF asks with many objects for one pointing; the projection is elementwise, so that one
        # object and many pointings are one call as well.
        mask = np.zeros(pointing_ra.size, dtype=bool)
        same = np.ones(pointing_ra.size)
        mask[camera(ra * same, dec * same, pointing_ra, pointing_dec, rotation)] = True
        return mask

    return seen
