"""The fit of any network of this package: PyTorch Lightning, resumable to the bit."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

import torch

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import output_folder
from pelsvae_cadence.training.fit.config import FitConfig
from pelsvae_cadence.training.fit.task import Task

__all__ = ["FitResult", "RunOptions", "run"]


class RunOptions(TypedDict, total=False):
    """How a fit is run: what every function that trains passes on.

    Attributes
    ----------
    resume : bool
        Continue from the checkpoint if there is one, the default; otherwise it is overwritten.
    quiet : bool
        Show no progress; False by default.
    wandb : str, optional
        Project of Weights & Biases to log to as well; needs the package wandb.
    """

    resume: bool
    quiet: bool
    wandb: str | None


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a fit ended with.

    Parameters
    ----------
    best_step : int
        Step of the best validation, whose weights the module holds unless the last are kept.
    best_score : float
        Validation score at that step; lower is better.
    steps : int
        Steps made in all.
    seconds : float
        Wall-clock time of all calls.
    """

    best_step: int
    best_score: float
    steps: int
    seconds: float


def run(
    task: Task,
    config: FitConfig,
    folder: str | Path,
    *,
    label: str = "training",
    callbacks: tuple[Any, ...] = (),
    **how: Unpack[RunOptions],
) -> FitResult:
    """Train until the end or until validation stops improving; keep the best weights.

    Parameters
    ----------
    task : Task
        What to train; its module ends with the best (or last) weights, on the CPU.
    config : FitConfig
        The configuration.
    folder : str or Path
        Holds ``checkpoint.safetensors``, ``log.csv`` and ``tensorboard/``; made if needed.
    label : str
        What the progress bar says.
    callbacks : tuple of lightning.pytorch.Callback
        Further callbacks.
    **how
        See `RunOptions`.

    Returns
    -------
    FitResult
        Where it ended.

    Raises
    ------
    InputError
        If the checkpoint is damaged or of another configuration, or wandb is missing.

    Notes
    -----
    A resumed run ends with the same bits on one machine. Another machine, torch version or device
    rounds differently.
    """
    from lightning.pytorch import Trainer
    from lightning.pytorch.callbacks import EarlyStopping
    from lightning.pytorch.loggers import TensorBoardLogger

    from pelsvae_cadence.training.fit.checkpoint_files import SafetensorsCheckpoints, read_checkpoint
    from pelsvae_cadence.training.fit.lightning_module import Bar, Keeper, TaskModule

    place = output_folder(folder)
    about = {"fit": asdict(config), "task": task.settings}
    keeper = Keeper(place, about)
    module = TaskModule(task, config, keeper)
    again = None
    if how.get("resume", True) and keeper.checkpoint.exists():
        checkpoint = read_checkpoint(keeper.checkpoint)
        state = _state_of(checkpoint, keeper, about)
        again = keeper.checkpoint
        if state["stopped"]:
            keeper.load_state_dict(state)
            task.module.load_state_dict(keeper.best)
            task.module.eval()
            return _result(keeper, int(checkpoint["global_step"]))
    watchers: list[Any] = [keeper, *callbacks]
    if config.patience:
        watchers.append(EarlyStopping("score", patience=config.patience))
    if not how.get("quiet"):
        watchers.append(Bar(config.steps, label))
    kind, _, index = config.device.partition(":")
    with _surroundings():
        loggers: list[Any] = [TensorBoardLogger(str(place), name="tensorboard", version="")]
        if (project := how.get("wandb")) is not None:
            loggers.append(_wandb(project, place, about))
        trainer = Trainer(
            accelerator="gpu" if kind == "cuda" else "cpu",
            devices=[int(index or 0)] if kind == "cuda" else 1,
            max_epochs=-(-config.steps // config.evaluate_every),
            callbacks=watchers,
            logger=loggers,
            plugins=[SafetensorsCheckpoints()],
            enable_checkpointing=False,  # the keeper writes them
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=min(config.steps, config.evaluate_every),
            inference_mode=False,  # tables that a network caches serve in training too
            default_root_dir=place,
        )
        trainer.fit(module, ckpt_path=again)
    steps = int(trainer.global_step)
    task.module.cpu()
    if config.keep == "best":
        task.module.load_state_dict(keeper.best)
    task.module.eval()
    return _result(keeper, steps)


def _result(keeper: Any, steps: int) -> FitResult:
    return FitResult(
        best_step=keeper.best_step, best_score=keeper.best_score, steps=steps, seconds=keeper.seconds
    )


def _state_of(checkpoint: dict[str, Any], keeper: Any, about: dict[str, Any]) -> dict[str, Any]:
    """Take the keeper's state out of a checkpoint that must be of the same run."""
    state: dict[str, Any] | None = checkpoint.get("callbacks", {}).get(keeper.state_key)
    if state is None:
        raise InputError(f"the checkpoint {str(keeper.checkpoint)!r} is of another kind")
    changed = [
        name
        for part in ("fit", "task")
        for name in {**about[part], **state["about"][part]}
        if about[part].get(name) != state["about"][part].get(name)
    ]
    if changed:
        raise InputError(
            f"the checkpoint {str(keeper.checkpoint)!r} was made with another {', '.join(sorted(changed))}",
            remedy="Use another folder, or start afresh (resume=False, --restart).",
        )
    return state


def _wandb(project: str, folder: Path, about: dict[str, Any]) -> Any:
    from lightning.pytorch.loggers import WandbLogger

    try:
        return WandbLogger(project=project, save_dir=str(folder), config=about)
    except ModuleNotFoundError as error:
        raise InputError("wandb is not installed", remedy="pip install wandb") from error


@contextmanager
def _surroundings() -> Iterator[None]:
    """One thread, our own randomness, no remarks of Lightning's; Ctrl-C stays Ctrl-C."""
    # Networks of this size gain nothing from threads, and their number could change the rounding.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    loggers = [logging.getLogger(f"lightning.{name}") for name in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with torch.random.fork_rng(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            warnings.filterwarnings("ignore", module=r"torch\.utils\.data")
            yield
    except SystemExit as stop:
        # Lightning turns Ctrl-C into an exit and leaves the signal switched off.
        if isinstance(stop.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt from stop
        raise
    finally:
        torch.set_num_threads(threads)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
