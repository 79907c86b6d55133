"""Preprocessing of a whole archive, in parts that are kept, so that a killed run continues."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.core.version import __version__
from pelsvae_cadence.parallel.checkpoints import fingerprint
from pelsvae_cadence.parallel.partitions import Arrays, Partition, run_partitions
from pelsvae_cadence.training.archives.light_curve_files import read_ragged, write_ragged
from pelsvae_cadence.training.archives.raw_light_curves import LightCurveSource, RawLightCurves
from pelsvae_cadence.training.archives.splits import split_by_star
from pelsvae_cadence.training.preprocess.cleaning import PreprocessingOptions, clean_light_curves
from pelsvae_cadence.training.preprocess.counts import format_counts
from pelsvae_cadence.training.preprocess.folded_light_curves import write_folded
from pelsvae_cadence.training.preprocess.folding import fold_light_curves

__all__ = ["preprocess", "read_preprocessed"]


def preprocess(
    source: LightCurveSource,
    output: Path | str,
    options: PreprocessingOptions | None = None,
    *,
    seed: int,
    part_size: int = 500,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Preprocess an archive into a folder; call it again to continue a run that was killed.

    Parameters
    ----------
    source : LightCurveSource
        Where the light curves come from: a `RawLightCurves` or an `OgleArchive`.
    output : path
        The folder. In the end it holds ``cleaned.npz`` and ``cleaned_stars.parquet`` (clipped
        light curves, with the split of each star), ``folded.npz`` and ``folded_stars.parquet``
        (`t_len` points each), ``log.parquet`` (one row per light curve of the source) and
        ``counts.txt``.
    options : PreprocessingOptions, optional
        The numbers; the paper's by default.
    seed : int
        The random seed of the undersampling and of the split.
    part_size : int
        Light curves in a part: what is lost at most when the run is killed.
    progress : callable, optional
        Called with (light curves done, all) after each part.

    Returns
    -------
    DataFrame
        The log, see `pelsvae_cadence.training.preprocess.cleaning.clean_light_curves`.

    Raises
    ------
    InputError
        If the source is empty, the folder holds a run of another source, seed or options, or no
        light curve is left.
    """
    settings = PreprocessingOptions() if options is None else options
    if part_size < 1:
        raise InputError(f"part_size = {part_size} is out of range", allowed="1 or more")
    if len(source) == 0:
        raise InputError("the source holds no light curves")
    folder, n = Path(output), len(source)
    task = _Clean(source=source, options=settings, part_size=part_size)
    pieces = [Partition(f"part-{k:06d}", k) for k in range(-(-n // part_size))]
    identity = fingerprint(__version__, source.fingerprint(), n, settings, seed, part_size)
    parts = []
    for piece, arrays in run_partitions(task, pieces, checkpoint_dir=folder / "parts", fingerprint=identity):
        parts.append(arrays)
        if progress is not None:
            progress(min((piece.index + 1) * part_size, n), n)
    return _finish(folder, parts, settings, seed)


def read_preprocessed(folder: Path | str) -> tuple[RawLightCurves, pd.DataFrame]:
    """Read the cleaned light curves of a finished run.

    Parameters
    ----------
    folder : path
        The folder given to `preprocess`.

    Returns
    -------
    cleaned : RawLightCurves
        The cleaned light curves.
    table : DataFrame
        Their stars, with the ``split`` of each.

    Raises
    ------
    InputError
        If the run is not finished.
    """
    path = Path(folder)
    if not (path / "counts.txt").is_file():
        raise InputError(
            f"{path} holds no finished preprocessing", remedy="Run the preprocessing again on it."
        )
    return read_ragged(path / "cleaned.npz"), pd.read_parquet(path / "cleaned_stars.parquet")


@dataclass(frozen=True, kw_only=True)
class _Clean:
    """The task: clean the light curves of one part."""

    source: LightCurveSource
    options: PreprocessingOptions
    part_size: int

    def __call__(self, part: Partition) -> Arrays:
        start = part.index * self.part_size
        stop = min(start + self.part_size, len(self.source))
        cleaned, log = clean_light_curves(self.source.read(start, stop), self.options)
        arrays = {f"log.{name}": _plain(log[name]) for name in log}
        for name in (field.name for field in fields(cleaned)):
            value = getattr(cleaned, name)
            # As precise as the file that they end in.
            arrays[f"curves.{name}"] = value.astype(np.float32) if name in ("mag", "mag_err") else value
        return arrays


def _plain(column: pd.Series[Any]) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.to_numpy()
    return values.astype(np.str_) if values.dtype == object else values


def _columns(arrays: Arrays, table: str) -> dict[str, npt.NDArray[Any]]:
    prefix = f"{table}."
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}


def _finish(folder: Path, parts: list[Arrays], options: PreprocessingOptions, seed: int) -> pd.DataFrame:
    log = pd.concat([pd.DataFrame(_columns(part, "log")) for part in parts], ignore_index=True)
    log.to_parquet(folder / "log.parquet", index=False)
    if not (log["step"] == "").any():
        counts = log["reason"].value_counts()
        raise InputError(
            f"no light curve is left of {len(log)}; most left for {counts.index[0]!r}",
            remedy="See log.parquet, and count_reasons of it.",
        )
    cleaned = RawLightCurves.concatenate(RawLightCurves(**_columns(part, "curves")) for part in parts)
    split = split_by_star(cleaned.star, cleaned.star_class, seed=seed)
    write_ragged(cleaned, folder / "cleaned.npz", {"split": split})
    folded = fold_light_curves(cleaned, t_len=options.t_len, seed=seed)
    write_folded(folded, folder / "folded.npz", {"split": split, "band": np.asarray(cleaned.band)})
    with replacing(folder / "counts.txt") as partial:
        partial.write_text(format_counts(log) + "\n", encoding="utf-8")
    return log
