"""A task as a Lightning module, and the callbacks that stop, keep and record its training.

A step's random numbers depend on (seed, step) alone. A checkpoint is taken where an epoch ends, so
that a run that was interrupted continues bit for bit as if it had not been.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset
from typing_extensions import override

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.training.fit.schedules import rate_factor
from pelsvae_cadence.training.fit.task import Task

if TYPE_CHECKING:
    from pelsvae_cadence.training.fit.config import FitConfig

__all__ = ["Bar", "Keeper", "TaskModule"]


class _Steps(IterableDataset[int]):
    """The numbers of the steps of one epoch."""

    def __init__(self, module: TaskModule) -> None:
        super().__init__()
        self._module = module

    def __iter__(self) -> Iterator[int]:
        # A generator: the number of steps made is read when the first one is asked for, not when
        # Lightning builds the loader, which it does before it has taken up a checkpoint.
        config = self._module.config
        first = self._module.global_step
        end = (first // config.evaluate_every + 1) * config.evaluate_every
        yield from range(first, min(end, config.steps))


class TaskModule(LightningModule):
    """A task in the form that Lightning trains; an epoch ends with a validation.

    Parameters
    ----------
    task : Task
        The task.
    config : FitConfig
        How it is trained.
    keeper : Keeper
        Knows the scores so far.
    """

    def __init__(self, task: Task, config: FitConfig, keeper: Keeper) -> None:
        super().__init__()
        self.config = config
        self._keeper = keeper
        self.network = task.module
        self._task = task

    @override
    def configure_optimizers(self) -> Any:
        config = self.config
        kind = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
        return kind(self.network.parameters(), lr=config.rate, weight_decay=config.weight_decay)

    @override
    def on_train_batch_start(self, batch: int, batch_idx: int) -> None:
        config = self.config
        factor = rate_factor(config.schedule, int(batch), config.steps, self._keeper.scores)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = config.rate * factor

    @override
    def train_dataloader(self) -> Any:
        # One number a step.
        return DataLoader(_Steps(self), batch_size=None)

    @override
    def val_dataloader(self) -> Any:
        # One validation: the task has its stars.
        return DataLoader([0], batch_size=None)  # type: ignore[arg-type]

    @override
    def training_step(self, step: int, batch_idx: int) -> Tensor:
        # Steps of neighbouring seeds must not coincide; a large odd factor keeps them apart.
        key = (self.config.seed * 1_000_003 + int(step)) % 2**63
        torch.manual_seed(key)  # dropout draws from the global generator
        terms = self._task.loss(self.config.batch, torch.Generator().manual_seed(key))
        self.log_dict(
            {f"train_{name}": value.detach() for name, value in terms.items()},
            on_step=False,
            on_epoch=True,
            batch_size=1,
        )
        return terms["loss"]

    @override
    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the gradient of step {self.global_step} is not finite")

    @override
    def validation_step(self, *args: Any) -> None:
        self.log_dict(self._task.validate(), batch_size=1)


class Keeper(Callback):
    """Keeps the best weights, writes ``log.csv`` and checkpoints.

    Parameters
    ----------
    folder : Path
        Where ``log.csv`` and ``checkpoint.safetensors`` are written.
    about : dict
        What the run is, stored in its checkpoint.

    Attributes
    ----------
    best : dict of str to Tensor
        Weights of the best validation.
    best_step, best_score, seconds, stopped
        Step and score of that validation, wall-clock time of all calls, and whether the run is
        over.
    """

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self._folder = folder
        self._about = about
        self.best: dict[str, Tensor] = {}
        self.best_step = 0
        self.best_score = float("inf")
        self.seconds = 0.0
        self.stopped = False
        self._log: list[dict[str, float]] = []
        self._started = time.monotonic()

    @property
    def scores(self) -> list[float]:
        """Scores of all validations so far."""
        return [row["score"] for row in self._log]

    @property
    def checkpoint(self) -> Path:
        """The checkpoint file."""
        return self._folder / "checkpoint.safetensors"

    @override
    def state_dict(self) -> dict[str, Any]:
        now = time.monotonic()
        self.seconds, self._started = self.seconds + now - self._started, now
        return {
            "about": self._about,
            "best": self.best,
            "best_step": self.best_step,
            "best_score": self.best_score,
            "seconds": self.seconds,
            "stopped": self.stopped,
            "log": self._log,
        }

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self._log = state_dict["best"], state_dict["log"]
        self.best_step, self.best_score = state_dict["best_step"], state_dict["best_score"]
        self.seconds, self.stopped = state_dict["seconds"], state_dict["stopped"]

    @override
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        scores = {k: float(v) for k, v in trainer.callback_metrics.items()}
        step = trainer.global_step
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self._log.append({"step": float(step), "rate": float(rate), **scores})
        if scores["score"] < self.best_score:
            self.best_score, self.best_step = scores["score"], step
            network: Any = pl_module.network
            self.best = {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}
        names = list(dict.fromkeys(name for row in self._log for name in row))
        with replacing(self._folder / "log.csv") as partial, partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self._log)
        trainer.save_checkpoint(self.checkpoint)

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.stopped = True
        trainer.save_checkpoint(self.checkpoint)


class Bar(Callback):
    """A progress bar on standard error.

    Parameters
    ----------
    steps : int
        Number of steps.
    label : str
        What is trained.
    """

    def __init__(self, steps: int, label: str) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=messages,
        )
        self._bar = self._progress.add_task(label, total=steps, note="")

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._progress.start()

    @override
    def on_train_batch_end(self, trainer: Trainer, *args: Any, **kwargs: Any) -> None:
        self._progress.update(self._bar, completed=trainer.global_step)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        score = float(trainer.callback_metrics["score"])
        self._progress.update(self._bar, note=f"score {score:.4f}")

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._progress.stop()
