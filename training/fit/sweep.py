"""Bayesian optimisation over the hyper-parameters of the paper's Table 2, shared by processes.

The study lies in an SQLite file: any number of processes on machines that see the file work on
it together, each asking for the next trial and telling its score. A process that dies leaves a
trial that another one takes up from its last checkpoint.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Unpack

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder, replacing
from pelsvae_cadence.training.fit.export import network_task, options_rows
from pelsvae_cadence.training.fit.options import FitOptions, SweepOptions
from pelsvae_cadence.training.fit.study import database_url, open_study, quiet_optuna
from pelsvae_cadence.training.fit.trainer import RunOptions, run
from pelsvae_cadence.training.open_set.shapes import ShapeTable
from pelsvae_cadence.training.open_set.table import OpenSet, load_open_set

if TYPE_CHECKING:
    import optuna

__all__ = ["sweep", "sweep_table", "write_sweep"]

_FINISHED: Final = ("COMPLETE", "PRUNED")


def _search_space(options: FitOptions, trial: optuna.Trial) -> FitOptions:
    """Ask for one point of the paper's Table 2 (values of its published sweep).

    The grid's ordered values become the whole range, so that the search can interpolate.
    """
    chosen: dict[str, Any] = {
        "rate": trial.suggest_float("rate", 5e-5, 5e-2, log=True),
        "schedule": trial.suggest_categorical("schedule", ["none", "exponential", "cosine", "plateau"]),
        "n_latent": trial.suggest_int("n_latent", 4, 10, step=2),
    }
    if not options.is_sequence:
        chosen["beta"] = trial.suggest_float("beta", 0.005, 0.5, log=True)
        chosen["hidden"] = trial.suggest_int("hidden", 64, 192, step=32)
        return replace(options, **chosen)
    chosen["beta"] = trial.suggest_float("beta", 0.1, 1.0)
    chosen["dropout"] = trial.suggest_float("dropout", 0.2, 0.5, step=0.1)
    chosen["hidden"] = trial.suggest_int("hidden", 16, 64, step=16)
    if options.config == "paper-tcn":
        chosen["kernel_size"] = trial.suggest_int("kernel_size", 3, 7, step=2)
        chosen["n_layers"] = trial.suggest_int("n_layers", 5, 9, step=2)
    else:
        chosen["n_layers"] = trial.suggest_int("n_layers", 1, 3)
    return replace(options, **chosen)


def sweep(
    folder: str | Path,
    options: FitOptions,
    search: SweepOptions | None = None,
    *,
    table: OpenSet | None = None,
    storage: str | None = None,
    **how: Unpack[RunOptions],
) -> optuna.Study:
    """Work on a study until it has enough finished trials.

    Parameters
    ----------
    folder : str or Path
        Holds ``study.db``, and checkpoints and logs of each trial.
    options : FitOptions
        The configuration, with what is not searched.
    search : SweepOptions, optional
        What is searched and how long.
    table : OpenSet, optional
        The training table; by default the committed one.
    storage : str, optional
        URL of another database (SQLAlchemy's).
    **how
        See `pelsvae_cadence.training.fit.trainer.RunOptions`.

    Returns
    -------
    optuna.Study
        The study; values are validation scores, lower is better.

    Raises
    ------
    InputError
        If the study was begun with other options or its database cannot be opened.
    """
    import optuna

    search = search or SweepOptions()
    place = output_folder(folder)
    stars = table if table is not None else load_open_set()
    shapes = ShapeTable.from_open_set(stars)
    rows = options_rows(options, stars) if options.is_sequence else None

    def objective(trial: optuna.Trial) -> float:
        chosen = _search_space(options, trial)
        torch.manual_seed(chosen.seed)
        task, fit = network_task(shapes, chosen, rows=rows)
        callback = optuna.storages.RetryHeartbeatStaleTrialCallback
        frozen = trial.study.get_trials(deepcopy=False)[trial.number]
        first = callback.retried_trial_number(frozen)
        number = trial.number if first is None else first
        label = f"trial {trial.number + 1} of {search.trials}"
        result = run(
            task,
            fit,
            place / f"trial-{number:04d}",
            label=label,
            callbacks=(_reporter(trial, prune=search.prune),),
            **how,
        )
        trial.set_user_attr("seconds", round(result.seconds, 1))
        return result.best_score

    with quiet_optuna():
        study = open_study(
            storage or database_url(place / "study.db"),
            search.name,
            {**asdict(options), "data": shapes.hash},
            seed=search.seed * 1000 + search.worker,
        )
        states = tuple(optuna.trial.TrialState[name] for name in _FINISHED)
        if _n_finished(study) < search.trials:
            study.optimize(
                objective,
                callbacks=[optuna.study.MaxTrialsCallback(search.trials, states=states)],
                catch=(FloatingPointError,),  # a rate that makes the network diverge
            )
    return study


def sweep_table(study: optuna.Study) -> pd.DataFrame:
    """List the finished trials of a study.

    Parameters
    ----------
    study : optuna.Study
        The study.

    Returns
    -------
    DataFrame
        One row a trial, best first: ``trial``, ``score``, ``state``, ``seconds`` and the
        hyper-parameters.
    """
    rows = [
        {
            "trial": trial.number,
            "score": trial.value,
            "state": trial.state.name.lower(),
            "seconds": trial.user_attrs.get("seconds", np.nan),
            **trial.params,
        }
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in _FINISHED
    ]
    table = pd.DataFrame(rows)
    return table.sort_values(["state", "score"], ignore_index=True) if len(table) else table


def _plot_sweep(study: optuna.Study) -> Figure:
    """Draw the progress of a study and what its hyper-parameters matter."""
    import optuna

    done = [t for t in study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
    if len(done) < 2:
        raise InputError(f"the study has {len(done)} complete trials", allowed="2 or more")
    with quiet_optuna():
        importance = optuna.importance.get_param_importances(
            study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
        )
    figure = Figure(figsize=(10.5, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.4, 1.0))
    number = np.array([t.number + 1 for t in done])
    score = np.array([t.value for t in done], dtype=np.float64)
    left.plot(number, score, "o", color="0.6", label="trial")
    left.step(number, np.minimum.accumulate(score), where="post", color="C3", label="best so far")
    pruned = [t.number + 1 for t in study.get_trials(deepcopy=False) if t.state.name == "PRUNED"]
    if pruned:
        low, high = left.get_ylim()
        left.plot(pruned, np.full(len(pruned), high), "x", color="0.8", label="stopped early")
        left.set_ylim(low, high + 0.05 * (high - low))
    left.set(xlabel="Trial", ylabel="Validation score (log RMS / range)")
    left.legend(frameon=False)
    names = list(importance)[::-1]
    right.barh(names, [importance[name] for name in names], color="C0")
    right.set(xlabel="Share of the variance of the score", xlim=(0, None))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def write_sweep(study: optuna.Study, folder: str | Path) -> list[Path]:
    """Write the table and the picture of a study.

    Parameters
    ----------
    study : optuna.Study
        The study.
    folder : str or Path
        Where ``trials.csv`` and, from two complete trials on, ``sweep.png`` are written.

    Returns
    -------
    list of Path
        The files.
    """
    place = output_folder(folder)
    table = sweep_table(study)
    paths = [place / "trials.csv"]
    with replacing(paths[0]) as partial:
        table.to_csv(partial, index=False)
    if len(table) and (table["state"] == "complete").sum() >= 2:
        paths.append(place / "sweep.png")
        with replacing(paths[1]) as partial:
            _plot_sweep(study).savefig(partial, dpi=130)
    return paths


def _n_finished(study: optuna.Study) -> int:
    return sum(t.state.name in _FINISHED for t in study.get_trials(deepcopy=False))


def _reporter(trial: optuna.Trial, *, prune: bool) -> Any:
    import optuna
    from lightning.pytorch import Callback

    class Reporter(Callback):
        def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
            done = trainer.current_epoch
            trial.report(float(trainer.callback_metrics["score"]), done)
            if prune and trial.should_prune():
                raise optuna.TrialPruned

    return Reporter()
