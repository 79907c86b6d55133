"""From a finished preprocessing to the augmented training set, in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.star_table import read_star_table
from pelsvae_cadence.training.preprocess.augmentation import AugmentationOptions, augment_light_curves
from pelsvae_cadence.training.preprocess.figures import plot_augmentation_steps
from pelsvae_cadence.training.preprocess.folded_light_curves import write_folded
from pelsvae_cadence.training.preprocess.run import read_preprocessed

__all__ = ["augment"]


def _stars_with_parameters(
    star: npt.ArrayLike,
    parameters: Path | str | pd.DataFrame,
    columns: Sequence[str] = ("radius_val", "lum_val"),
) -> npt.NDArray[np.bool_]:
    """Tell which stars have all of some physical parameters."""
    table = read_star_table(parameters)
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(
            f"the table of parameters has no column {missing[0]}",
            allowed=", ".join(str(name) for name in table.columns),
        )
    numbers = table[list(columns)].apply(pd.to_numeric, errors="coerce")
    whole = set(table.loc[numbers.notna().all(axis=1), "star"])
    return np.array([name in whole for name in np.asarray(star).astype(str).tolist()], dtype=bool)


def augment(
    folder: Path | str,
    output: Path | str,
    options: AugmentationOptions | None = None,
    *,
    parameters: Path | str | None = None,
    columns: Sequence[str] = ("radius_val", "lum_val"),
    seed: int,
) -> pd.DataFrame:
    """Write the augmented training set of a finished preprocessing.

    Parameters
    ----------
    folder : path
        The folder given to `pelsvae_cadence.training.preprocess.run.preprocess`.
    output : path
        The npz file to write; beside it go the stars, with ``copy`` and ``split``, to
        ``<name>_stars.parquet``, and a picture of the steps to ``<name>_steps.png``.
    options : AugmentationOptions, optional
        The numbers.
    parameters : path, optional
        Table with physical parameters: its stars are copied first.
    columns : sequence of str
        The parameters a star must have.
    seed : int
        The random seed.

    Returns
    -------
    DataFrame
        Counts per class, see `pelsvae_cadence.training.preprocess.augmentation.augment_light_curves`.
    """
    cleaned, table = read_preprocessed(folder)
    known = None if parameters is None else _stars_with_parameters(cleaned.star, parameters, columns)
    folded, split, counts = augment_light_curves(
        cleaned, table["split"].to_numpy(), known, options, seed=seed
    )
    write_folded(folded, output, {"split": split})
    file = Path(output)
    figure = plot_augmentation_steps(cleaned, t_len=folded.t_len, seed=seed)
    figure.savefig(file.with_name(f"{file.stem}_steps.png"), dpi=120)
    return counts
