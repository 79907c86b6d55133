"""A task as a Lightning module, and the callbacks that stop, keep and record its training.

A step's random numbers depend on (seed, step) alone. A checkpoint is taken where an epoch ends, so
that a run that was interrupted continues bit for bit as if it had not been.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from pelsvae_cadence.core.console import messages
from pelsvae_cadence.core.files import replacing
from pelsvae_cadence.training.fit.schedules import rate_factor

if TYPE_CHECKING:
    from pelsvae_cadence.training.fit.config import FitConfig

__all__ = ["Bar", "Keeper", "Task", "TaskModule"]


class Task(Protocol):
    """What is trained."""

    @property
    def module(self) -> nn.Module:
        """The module in training."""

    @property
    def settings(self) -> dict[str, Any]:
        """JSON-able settings; a checkpoint made with others is refused."""

    def loss(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the loss of one random batch.

        Parameters
        ----------
        batch : int
            Number of stars.
        generator : torch.Generator
            Source of all random numbers of the step but those of dropout.

        Returns
        -------
        dict of str to Tensor
            ``"loss"`` and its terms.
        """

    def validate(self) -> dict[str, float]:
        """Measure the module on the validation stars.

        Returns
        -------
        dict of str to float
            ``"score"``, lower is better, and what it is made of.
        """


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

    def configure_optimizers(self) -> Any:
        """Make the optimiser.

        Returns
        -------
        torch.optim.Optimizer
            The optimiser.
        """
        config = self.config
        kind = torch.optim.Adam if config.optimiser == "adam" else torch.optim.AdamW
        return kind(self.network.parameters(), lr=config.rate, weight_decay=config.weight_decay)

    def on_train_batch_start(self, batch: int, batch_idx: int) -> None:
        """Set the learning rate of the step.

        Parameters
        ----------
        batch : int
            Number of the step.
        batch_idx : int
            Its number within the epoch.
        """
        config = self.config
        factor = rate_factor(config.schedule, int(batch), config.steps, self._keeper.scores)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = config.rate * factor

    def train_dataloader(self) -> Any:
        """Give the numbers of the steps.

        Returns
        -------
        DataLoader
            One number a step.
        """
        return DataLoader(_Steps(self), batch_size=None)

    def val_dataloader(self) -> Any:
        """Make one validation.

        Returns
        -------
        DataLoader
            One item.
        """
        return DataLoader([0], batch_size=None)  # type: ignore[arg-type]

    def training_step(self, step: int, batch_idx: int) -> Tensor:
        """Compute the loss of a step.

        Parameters
        ----------
        step : int
            Number of the step.
        batch_idx : int
            Its number within the epoch.

        Returns
        -------
        Tensor
            The loss.
        """
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

    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        """Clip the norm of the gradient and refuse one that is not finite.

        Parameters
        ----------
        optimizer : Optimizer
            Not used.
        *args, **kwargs : object
            Not used: the configuration says how much is clipped.

        Raises
        ------
        FloatingPointError
            If the gradient is not finite.
        """
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        if not torch.isfinite(norm):
            raise FloatingPointError(f"the gradient of step {self.global_step} is not finite")

    def validation_step(self, *args: Any) -> None:
        """Measure the module on the validation stars.

        Parameters
        ----------
        *args : object
            Not used: the task has its stars.
        """
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

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint keeps.

        Returns
        -------
        dict
            All attributes.
        """
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

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the state of a checkpoint.

        Parameters
        ----------
        state_dict : dict
            What `state_dict` gave.
        """
        self.best, self._log = state_dict["best"], state_dict["log"]
        self.best_step, self.best_score = state_dict["best_step"], state_dict["best_score"]
        self.seconds, self.stopped = state_dict["seconds"], state_dict["stopped"]

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record an epoch, keep its weights if they are the best, and write a checkpoint.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The module.
        """
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

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the last checkpoint.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The module.
        """
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

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the bar.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The module.
        """
        self._progress.start()

    def on_train_batch_end(self, trainer: Trainer, *args: Any, **kwargs: Any) -> None:
        """Move the bar.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        *args, **kwargs : object
            Not used.
        """
        self._progress.update(self._bar, completed=trainer.global_step)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the score.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The module.
        """
        score = float(trainer.callback_metrics["score"])
        self._progress.update(self._bar, note=f"score {score:.4f}")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leave the bar as it is.

        Parameters
        ----------
        trainer : Trainer
            The trainer.
        pl_module : LightningModule
            The module.
        stage : str
            Not used.
        """
        self._progress.stop()
