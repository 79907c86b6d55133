"""The training file that was published with PELS-VAE: a pickle, converted once and on request.

The file is a gzip'd npy that holds one dictionary with ``lcs`` (n, 600, 3: phase over two periods,
magnitude, error) and ``meta``, a pandas table. Reading a pickle runs what is written in it, so the
conversion happens only with the user's word, and even then only the few names that arrays and
tables need are let through.
"""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.star_table import read_star_table
from pelsvae_cadence.training.preprocess.folded_light_curves import FoldedLightCurves, write_folded

__all__ = ["convert_published_file"]

_PICKLE_MODULES: Final = ("numpy", "pandas")
_PLAIN_NAMES: Final = (("builtins", "slice"), ("builtins", "bytearray"), ("_codecs", "encode"))
# How pandas 3 stores columns of strings.
_ARROW_NAMES: Final = frozenset({"_restore_array", "py_buffer", "type_for_alias", "chunked_array"})
# What NumPy arrays and pandas tables are rebuilt from, in old and new versions of both.
_PICKLE_NAMES: Final = frozenset(
    {
        *("_reconstruct", "scalar", "ndarray", "dtype", "_frombuffer", "_unpickle_block"),
        *("DataFrame", "BlockManager", "Index", "_new_Index", "RangeIndex", "Int64Index"),
        *("new_block", "_unpickle_manager", "StringDtype", "__pyx_unpickle_NDArrayBacked"),
        *("StringArray", "NumpyExtensionArray", "ArrowStringArray", "ArrowStringArrayNumpySemantics"),
    }
)


class _TableUnpickler(pickle.Unpickler):
    """Rebuild arrays and tables, and refuse every other name."""

    def find_class(self, module: str, name: str) -> Any:
        # Pickles written by Python 2 or for it, and by NumPy 1, use older names of modules.
        module = {"__builtin__": "builtins"}.get(module, module)
        module = module.replace("numpy.core", "numpy._core")
        if (module, name) in _PLAIN_NAMES:
            return super().find_class(module, name)
        if (module.split(".")[0] in _PICKLE_MODULES) and name in _PICKLE_NAMES:
            if name == "Int64Index":  # gone since pandas 2
                return pd.Index
            return super().find_class(module, name)
        if module == "pyarrow.lib" and name in _ARROW_NAMES:
            return super().find_class(module, name)
        raise InputError(
            f"the pickle asks for {module}.{name}, which no table of light curves needs",
            remedy="Do not trust this file.",
        )


def convert_published_file(
    path: Path | str, output: Path | str, *, trust_pickle: bool = False
) -> FoldedLightCurves:
    """Convert the published training file to npz and parquet.

    Parameters
    ----------
    path : path
        ``OGLE3_lcs_I_meta_snr5_augmented_folded_trim600.npy.gz`` or a file of its layout.
    output : path
        The npz file to write (see `pelsvae_cadence.training.preprocess.folded_light_curves.write_folded`).
    trust_pickle : bool
        The user's word that the file comes from a source they trust.

    Returns
    -------
    FoldedLightCurves
        What was written: the first of the two periods of every row. Whether a row is an augmented
        copy is not recorded in the file; rows of a star that occurs once are real, and the first
        row of no other star can be told from its copies, so all of those are marked as copies.

    Raises
    ------
    InputError
        Without `trust_pickle`, or if the file is not of the published layout.
    """
    file = Path(path)
    if not trust_pickle:
        raise InputError(
            f"{file.name} is a pickle: reading it can run any code its author put there",
            remedy="If you trust where it comes from, say so with --trust-pickle.",
        )
    with gzip.open(file, "rb") as stream:
        content = _load(stream, file.name)
    if not isinstance(content, dict) or not {"lcs", "meta"} <= content.keys():
        raise InputError(f"{file.name} does not hold a dictionary with lcs and meta")
    curves, meta = np.asarray(content["lcs"]), content["meta"]
    if curves.ndim != 3 or curves.shape[2] != 3 or curves.shape[1] % 2:
        raise InputError(f"lcs has shape {curves.shape}", allowed="(n_rows, 2 * t_len, 3): phase, mag, error")
    if not isinstance(meta, pd.DataFrame) or len(meta) != len(curves):
        raise InputError(f"meta does not have one row for each of the {len(curves)} curves")
    table = read_star_table(meta.reset_index(drop=True))
    t_len = curves.shape[1] // 2
    repeated = table["star"].duplicated(keep=False).to_numpy()
    folded = FoldedLightCurves(
        star=table["star"].to_numpy(np.str_),
        star_class=table["star_class"].to_numpy(np.str_),
        subtype=table["subtype"].to_numpy(np.str_),
        period=table["period"].to_numpy(np.float64),
        copy=repeated.astype(np.int64),
        phase=curves[:, :t_len, 0],
        mag=curves[:, :t_len, 1],
        mag_err=curves[:, :t_len, 2],
    )
    extra = table.drop(columns=["star", "star_class", "subtype", "period", "band"])
    write_folded(folded, output, extra)
    return folded


def _load(stream: BinaryIO | gzip.GzipFile, name: str) -> Any:
    """Read the npy header with NumPy, and its object with the guarded unpickler."""
    try:
        version = np.lib.format.read_magic(stream)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(stream)
    except (ValueError, OSError) as error:
        raise InputError(f"{name} is not a gzip'd npy file") from error
    if shape != () or not dtype.hasobject:
        raise InputError(f"{name} holds a plain array {shape}, not the published dictionary")
    try:
        content = _TableUnpickler(stream).load()
    except InputError:
        raise
    except Exception as error:  # pickles of other pandas versions fail in many ways
        raise InputError(
            f"{name} cannot be unpickled here ({type(error).__name__}: {error})",
            remedy="Load it once with the pandas it was written with (0.25) and save it again.",
        ) from error
    return content.item() if isinstance(content, np.ndarray) else content
