"""Tables as HATS: Parquet files by HEALPix pixel, which LSDB opens and crossmatches.

HATS is the IVOA note on hierarchically adaptive tiling. Needs ``pip install 'pelsvae-cadence[scale]'``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing_folder

__all__ = ["arrow_array", "arrow_table", "hats_modules", "write_hats"]

_HIGHEST_ORDER: Final = 7  # pixels of half a degree
_SPATIAL_ORDER: Final = 29

#: Columns of a table: name, arrow array, and unit or None where nothing is said of it.
ArrowColumns = list[tuple[str, Any, str | None]]


def hats_modules() -> dict[str, Any]:
    """Load what is needed of pyarrow and hats; neither declares its types.

    Returns
    -------
    dict
        The modules.

    Raises
    ------
    InputError
        If one is missing.
    """
    wanted = {
        "pa": "pyarrow",
        "pq": "pyarrow.parquet",
        "paths": "hats.io.paths",
        "hats": "hats",
        "metadata": "hats.io.parquet_metadata",
        "info": "hats.catalog.partition_info",
        "pixel": "hats.pixel_math.healpix_pixel",
        "properties": "hats.catalog.dataset.table_properties",
    }
    try:
        return {key: import_module(module) for key, module in wanted.items()}
    except ImportError as error:
        raise InputError(
            f"HATS needs hats and pyarrow ({error.name} is not installed)",
            remedy="pip install 'pelsvae-cadence[scale]'.",
        ) from error


def write_hats(
    folder: str | Path,
    columns_of: Callable[[npt.NDArray[np.int64]], ArrowColumns],
    *,
    ra: npt.NDArray[np.float64],
    dec: npt.NDArray[np.float64],
    name: str,
    title: str,
    properties: Mapping[str, str],
    rows_per_file: int = 5000,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write rows with a place in the sky as a HATS catalogue.

    Parameters
    ----------
    folder : str or Path
        The folder to make. It appears when it is complete.
    columns_of : callable
        Gives the columns of some rows, as (name, arrow array, unit); ``ra`` and ``dec`` among them.
    ra, dec : ndarray of float64, shape (N,)
        Positions (ICRS) in degrees.
    name, title : str
        Name of the catalogue, and what it holds.
    properties : mapping of str to str
        Further entries of its properties.
    rows_per_file : int
        Pixels are made small enough that a file holds at most so many rows (pixels smaller than half a
        degree are not made). One file is in memory at a time.
    overwrite : bool
        Replace an existing folder of that name.
    progress : callable, optional
        Called with (files written, all files).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder exists or cannot be written, or pyarrow or hats is missing.
    """
    hats = hats_modules()
    target = Path(folder)
    if target.exists() and not overwrite:
        raise InputError(f"{target} exists already", remedy="Choose another name, or allow to overwrite it.")
    if rows_per_file < 1:
        raise InputError(f"{rows_per_file} stars per file", allowed="1 or more")
    try:
        with replacing_folder(target) as partial:
            order, largest = _write_files(partial, columns_of, ra, dec, rows_per_file, hats, progress)
            hats["properties"].TableProperties(
                catalog_name=name,
                catalog_type="object",
                total_rows=ra.size,
                ra_column="ra",
                dec_column="dec",
                healpix_column=f"_healpix_{_SPATIAL_ORDER}",
                healpix_order=_SPATIAL_ORDER,
                hats_order=order,
                hats_max_rows=largest,
                obs_title=title,
                **properties,
            ).to_properties_file(str(partial))
    except OSError as error:
        raise InputError(
            f"{target} could not be written: {error.strerror or error}",
            remedy="Make room, or choose a folder that you may write to.",
        ) from error
    return target


def _write_files(
    folder: Path,
    columns_of: Callable[[npt.NDArray[np.int64]], ArrowColumns],
    ra: npt.NDArray[np.float64],
    dec: npt.NDArray[np.float64],
    rows_per_file: int,
    hats: dict[str, Any],
    progress: Callable[[int, int], None] | None,
) -> tuple[int, int]:
    """Write the Parquet files; tell the order of their pixels, and the rows of the largest."""
    import healpy

    spatial = healpy.ang2pix(2**_SPATIAL_ORDER, ra, dec, nest=True, lonlat=True)
    for order in range(_HIGHEST_ORDER + 1):
        pixel = spatial >> (2 * (_SPATIAL_ORDER - order))
        pixels, counts = np.unique(pixel, return_counts=True)
        if counts.max() <= rows_per_file:
            break
    made = []
    for k, number in enumerate(pixels.tolist()):
        rows = np.flatnonzero(pixel == number)
        rows = rows[np.argsort(spatial[rows], kind="stable")]
        index: tuple[str, Any, str | None] = (
            f"_healpix_{_SPATIAL_ORDER}",
            hats["pa"].array(spatial[rows]),
            None,
        )
        table = arrow_table([index, *columns_of(rows)])
        place = hats["pixel"].HealpixPixel(order, number)
        path = Path(str(hats["paths"].pixel_catalog_file(str(folder), place)))
        path.parent.mkdir(parents=True, exist_ok=True)
        hats["pq"].write_table(table, path)
        made.append(place)
        if progress is not None:
            progress(k + 1, len(pixels))
    hats["metadata"].write_parquet_metadata(str(folder))
    hats["info"].PartitionInfo.from_healpix(made).write_to_file(folder / "partition_info.csv")
    return order, int(counts.max())


def arrow_table(columns: ArrowColumns) -> Any:
    """Make an arrow table whose fields state their units.

    Parameters
    ----------
    columns : list of (str, pyarrow.Array, str or None)
        Name, values and unit of every column; None where nothing is said of the unit.

    Returns
    -------
    pyarrow.Table
        The table.
    """
    import pyarrow as pa

    fields = [
        pa.field(name, array.type, metadata=None if unit is None else {"unit": unit})
        for name, array, unit in columns
    ]
    return pa.table([array for _, array, _ in columns], schema=pa.schema(fields))


def arrow_array(values: npt.NDArray[Any]) -> Any:
    """Make an arrow array; an empty list of texts is still one of texts.

    Parameters
    ----------
    values : ndarray
        Numbers or texts.

    Returns
    -------
    pyarrow.Array
        The same.
    """
    import pyarrow as pa

    return pa.array(values.tolist(), pa.string()) if values.dtype.kind == "U" else pa.array(values)
