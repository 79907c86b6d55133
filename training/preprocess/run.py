"""Preprocessing of a whole archive: in parts, with a journal, so that a killed run continues.

Each part of the archive is written to its own files under a temporary name, renamed, and only then
entered in ``journal.jsonl``. A part is therefore either complete or absent, whenever the run dies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.training.archives.light_curve_files import read_ragged, write_ragged
from pelsvae_cadence.training.archives.raw_light_curves import LightCurveSource, RawLightCurves
from pelsvae_cadence.training.archives.splits import split_by_star
from pelsvae_cadence.training.preprocess.cleaning import PreprocessingOptions, clean_light_curves
from pelsvae_cadence.training.preprocess.counts import format_counts
from pelsvae_cadence.training.preprocess.folded_light_curves import write_folded
from pelsvae_cadence.training.preprocess.folding import fold_light_curves

__all__ = ["preprocess", "read_preprocessed"]

_JOURNAL: Final = "journal.jsonl"
_SCHEMA: Final = 1


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
    folder = Path(output)
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    header = _header(source, settings, seed, part_size)
    done = _open_journal(folder / _JOURNAL, header)
    n = len(source)
    for part, start in enumerate(range(0, n, part_size)):
        stop = min(start + part_size, n)
        if part not in done or not _part(folder, part).is_file():
            cleaned, log = clean_light_curves(source.read(start, stop), settings)
            _write_part(folder, part, cleaned, log)
            _append(folder / _JOURNAL, {"part": part, "kept": len(cleaned), "read": stop - start})
        if progress is not None:
            progress(stop, n)
    return _finish(folder, -(-n // part_size), settings, seed)


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


def _header(
    source: LightCurveSource, options: PreprocessingOptions, seed: int, part_size: int
) -> dict[str, Any]:
    numbers = asdict(options)
    dropped = options.dropped_subtypes
    numbers["dropped_subtypes"] = {cls: sorted(names) for cls, names in sorted(dropped.items())}
    return {
        "schema": _SCHEMA,
        "source": source.fingerprint(),
        "light_curves": len(source),
        "options": numbers,
        "seed": seed,
        "part_size": part_size,
    }


def _open_journal(journal: Path, header: dict[str, Any]) -> set[int]:
    """Read what is done; start the journal if there is none."""
    if not journal.exists():
        _append(journal, header)
        return set()
    text = journal.read_bytes()
    # A line without its end was being written when the run died.
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        with journal.open("r+b") as stream:
            stream.truncate(len(whole))
    lines = [json.loads(line) for line in whole.splitlines()]
    if not lines:
        _append(journal, header)
        return set()
    different = [key for key in header if lines[0].get(key) != header[key]]
    if different:
        raise InputError(
            f"{journal.parent} holds a run with another {different[0]}",
            remedy="Give another folder, or remove that one.",
        )
    return {line["part"] for line in lines[1:] if "part" in line}


def _append(journal: Path, line: dict[str, Any]) -> None:
    with journal.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line, sort_keys=True) + "\n")
        stream.flush()
        os.fsync(stream.fileno())


def _part(folder: Path, part: int) -> Path:
    return folder / "parts" / f"part-{part:06d}.npz"


def _write_part(folder: Path, part: int, cleaned: RawLightCurves, log: pd.DataFrame) -> None:
    file = _part(folder, part)
    draft = file.with_name(f"draft-{part:06d}.npz")
    write_ragged(cleaned, draft)
    log.to_parquet(draft.with_suffix(".log.parquet"), index=False)
    draft.with_suffix(".log.parquet").replace(file.with_suffix(".log.parquet"))
    draft.with_name(f"{draft.stem}_stars.parquet").replace(file.with_name(f"{file.stem}_stars.parquet"))
    draft.replace(file)


def _finish(folder: Path, n_parts: int, options: PreprocessingOptions, seed: int) -> pd.DataFrame:
    files = [_part(folder, part) for part in range(n_parts)]
    log = pd.concat([pd.read_parquet(file.with_suffix(".log.parquet")) for file in files], ignore_index=True)
    log.to_parquet(folder / "log.parquet", index=False)
    if not (log["step"] == "").any():
        counts = log["reason"].value_counts()
        raise InputError(
            f"no light curve is left of {len(log)}; most left for {counts.index[0]!r}",
            remedy="See log.parquet, and count_reasons of it.",
        )
    cleaned = RawLightCurves.concatenate(read_ragged(file) for file in files)
    split = split_by_star(cleaned.star, cleaned.star_class, seed=seed)
    write_ragged(cleaned, folder / "cleaned.npz", {"split": split})
    folded = fold_light_curves(cleaned, t_len=options.t_len, seed=seed)
    write_folded(folded, folder / "folded.npz", {"split": split, "band": np.asarray(cleaned.band)})
    draft = folder / "counts.draft"
    draft.write_text(format_counts(log) + "\n", encoding="utf-8")
    draft.replace(folder / "counts.txt")
    return log
