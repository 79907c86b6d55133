"""MAF's surroundings: its data directory, its column names, its slicers.

rubin_sim looks for a data directory when it is imported. Nothing here needs what is in it (camera
footprint, dust and star maps), so an empty directory will do where there is no other.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["DATA_VARIABLE", "has_camera_data", "prepare_data_directory"]

#: The environment variable that names rubin_sim's data directory.
DATA_VARIABLE: Final = "RUBIN_SIM_DATA_DIR"


def prepare_data_directory() -> Path:
    """Make sure that rubin_sim has a data directory before it is imported.

    A directory that the user has named, or ``~/rubin_sim_data``, is left alone. Otherwise an empty
    one is made in the user's cache, or among the temporary files where that cannot be written.
    """
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return Path(named)
    usual = Path.home() / "rubin_sim_data"
    if usual.is_dir():
        return usual
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # With a hyphen: a folder of the package's own name beside a script would hide the package.
    for parent in (cache / "pelsvae-cadence", Path(tempfile.gettempdir()) / "pelsvae-cadence"):
        folder = parent / "no_rubin_sim_data"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        break
    else:
        folder = Path(tempfile.mkdtemp(prefix="pelsvae_cadence-"))
    os.environ[DATA_VARIABLE] = str(folder)
    return folder


def has_camera_data() -> bool:
    """Tell whether MAF's camera footprint is available.

    Returns
    -------
    bool
        True if slicers may use ``use_camera=True``.
    """
    return (prepare_data_directory() / "utils" / "fov_map.npz").is_file()
