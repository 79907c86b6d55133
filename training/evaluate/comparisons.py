"""The paper's comparisons at a small, stated scale: cost of the layers, latent sizes, conditions."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch

from pelsvae_cadence.core.options import at_least
from pelsvae_cadence.training.fit.export import network_task
from pelsvae_cadence.training.fit.options import FitOptions
from pelsvae_cadence.training.fit.trainer import run
from pelsvae_cadence.training.open_set.sequences import SequenceRows, sequence_rows
from pelsvae_cadence.training.open_set.shapes import ShapeTable
from pelsvae_cadence.training.open_set.table import OpenSet

__all__ = ["ComparisonOptions", "compare_conditions", "compare_latent_sizes", "compare_layers"]

#: Latent dimensions that the paper compares.
LATENT_SIZES: Final = (4, 6, 8, 12)
_TIMED_STEPS: Final = 3


@dataclass(frozen=True, kw_only=True)
class ComparisonOptions:
    """The scale of the comparisons.

    Parameters
    ----------
    seeds : int
        Fits of each kind, with seeds 0, 1, ...
    harmonic_steps, sequence_steps : int
        Steps of each fit.
    t_len : int
        Points of a light curve of the sequence networks.
    row_scale : float
        Rows per class in units of the paper's.

    Raises
    ------
    InputError
        If a number is not positive.
    """

    seeds: int = 2
    harmonic_steps: int = 400
    sequence_steps: int = 400
    t_len: int = 64
    row_scale: float = 0.15

    def __post_init__(self) -> None:
        at_least(self, 1, "seeds", "harmonic_steps", "sequence_steps")

    def sequence(self, config: str) -> FitOptions:
        """Give the options of a small sequence network.

        Parameters
        ----------
        config : str
            A configuration of the paper.

        Returns
        -------
        FitOptions
            A TCN of 5 blocks of 24 channels; GRU and LSTM of 2 layers of 32.
        """
        tcn = config == "paper-tcn"
        return FitOptions(
            config=config,
            t_len=self.t_len,
            row_scale=self.row_scale,
            batch=64,
            steps=self.sequence_steps,
            rate=4e-3,
            schedule="warmup-cosine",
            dropout=0.0,
            floor=0.02,
            n_latent=4,
            n_layers=5 if tcn else 2,
            hidden=24 if tcn else 32,
        )


def compare_layers(table: OpenSet, options: ComparisonOptions) -> pd.DataFrame:
    """Time a training step of TCN, GRU and LSTM, the small ones and the paper's, side by side.

    Parameters
    ----------
    table : OpenSet
        The training table.
    options : ComparisonOptions
        The scale.

    Returns
    -------
    DataFrame
        Per network its parameters, processor seconds of a step of 64 light curves (median of 3,
        one thread), and the ratio to the TCN of the same size.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = []
    try:
        for size, t_len in (("small", options.t_len), ("paper", 300)):
            curves = sequence_rows(table, t_len=t_len, scale=1e-6)
            shapes = ShapeTable.from_open_set(table)
            for config in ("paper-tcn", "paper-gru", "paper-lstm"):
                chosen = options.sequence(config)
                if size == "paper":
                    chosen = FitOptions(config=config, batch=64)
                rows.append(
                    {
                        "size": size,
                        "network": config.removeprefix("paper-").upper(),
                        **_step_cost(shapes, chosen, curves),
                    }
                )
    finally:
        torch.set_num_threads(threads)
    frame = pd.DataFrame(rows)
    tcn = frame[frame.network == "TCN"].set_index("size")["CPU s a step"]
    frame["ratio to TCN"] = frame["CPU s a step"] / frame["size"].map(tcn)
    return frame


def compare_latent_sizes(
    table: OpenSet, folder: str | Path, options: ComparisonOptions, *, quiet: bool = False
) -> pd.DataFrame:
    """Train harmonic networks with the paper's latent dimensions.

    Parameters
    ----------
    table : OpenSet
        The training table.
    folder : str or Path
        Holds checkpoints and logs.
    options : ComparisonOptions
        The scale.
    quiet : bool
        Show no progress.

    Returns
    -------
    DataFrame
        Per size the validation score (mean over classes of the log of the median RMS of the
        reconstruction at 20 and at 300 points): mean and standard deviation over the seeds.
    """
    plain = FitOptions(steps=options.harmonic_steps)
    cases = {f"{size} latent dimensions": replace(plain, n_latent=size) for size in LATENT_SIZES}
    places = [Path(folder) / f"latent-{size}" for size in LATENT_SIZES]
    return _over_seeds(ShapeTable.from_open_set(table), None, cases, places, options.seeds, quiet)


def compare_conditions(
    table: OpenSet, folder: str | Path, options: ComparisonOptions, *, quiet: bool = False
) -> pd.DataFrame:
    """Train small TCN networks with and without physical parameters (cVAE-P and cVAE).

    Parameters
    ----------
    table : OpenSet
        The training table.
    folder : str or Path
        Holds checkpoints and logs.
    options : ComparisonOptions
        The scale.
    quiet : bool
        Show no progress.

    Returns
    -------
    DataFrame
        Per network the validation score (mean over classes of the log of the median RMS residual
        in units of the range of the points): mean and standard deviation over the seeds.
    """
    rows = sequence_rows(table, t_len=options.t_len, scale=options.row_scale)
    plain = options.sequence("paper-tcn")
    cases = {
        "cVAE-P (class, P, Teff, M_G)": replace(plain, physics=True),
        "cVAE (class)": replace(plain, physics=False),
    }
    places = [Path(folder) / f"conditions-{k}" for k in (1, 0)]
    return _over_seeds(ShapeTable.from_open_set(table), rows, cases, places, options.seeds, quiet)


def _over_seeds(
    shapes: ShapeTable,
    rows: SequenceRows | None,
    cases: dict[str, FitOptions],
    places: list[Path],
    seeds: int,
    quiet: bool,
) -> pd.DataFrame:
    table = []
    for (name, options), place in zip(cases.items(), places, strict=True):
        scores = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            task, fit = network_task(shapes, replace(options, seed=seed), rows=rows)
            here = place.with_name(f"{place.name}-{seed}")
            scores.append(run(task, fit, here, quiet=quiet, label=here.name).best_score)
        table.append(
            {
                "case": name,
                "score": np.mean(scores),
                "RMS": np.exp(np.mean(scores)),
                "seeds": seeds,
                "std": np.std(scores, ddof=1) if seeds > 1 else np.nan,
            }
        )
    return pd.DataFrame(table)


def _step_cost(shapes: ShapeTable, options: FitOptions, rows: SequenceRows) -> dict[str, float]:
    torch.manual_seed(0)
    task, fit = network_task(shapes, options, rows=rows)
    optimiser = torch.optim.Adam(task.module.parameters(), lr=fit.rate)
    times = []
    for step in range(_TIMED_STEPS + 1):
        started = time.process_time()
        loss = task.loss(fit.batch, torch.Generator().manual_seed(step))["loss"]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        times.append(time.process_time() - started)
    return {
        "parameters": sum(p.numel() for p in task.module.parameters()),
        "CPU s a step": float(np.median(times[1:])),  # the first one warms up
    }
