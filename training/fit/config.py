"""Fit configuration: steps, batch, learning rate, optimiser, device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.options import at_least
from pelsvae_cadence.training.fit.schedules import SCHEDULES

__all__ = ["OPTIMISERS", "FitConfig"]

OPTIMISERS: Final = ("adam", "adamw")


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How long and how fast to train.

    Parameters
    ----------
    steps : int
        Optimiser steps.
    batch : int
        Stars a step.
    rate : float
        Peak learning rate.
    optimiser : {"adam", "adamw"}
        Adam (Kingma & Ba 2015, arXiv:1412.6980), the paper's; or Adam with decoupled weight decay
        (Loshchilov & Hutter 2019, arXiv:1711.05101).
    schedule : str
        One of `pelsvae_cadence.training.fit.schedules.SCHEDULES`.
    weight_decay : float
        Weight decay.
    gradient_clip : float
        Largest norm of the gradient.
    seed : int
        Seed of initial weights, batches and noise.
    evaluate_every : int
        Steps between validations, each with a checkpoint.
    patience : int
        Validations without progress after which training stops; 0 trains to the end.
    keep : {"best", "last"}
        Weights that the module ends with: those of the best validation, or the last ones.
    device : str
        ``"cpu"``, ``"cuda"``, or ``"cuda:1"``.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    steps: int = 3000
    batch: int = 256
    rate: float = 2e-3
    optimiser: str = "adamw"
    schedule: str = "warmup-cosine"
    weight_decay: float = 1e-4
    gradient_clip: float = 5.0
    seed: int = 0
    evaluate_every: int = 250
    patience: int = 0
    keep: str = "best"
    device: str = "cpu"

    def __post_init__(self) -> None:
        at_least(self, 1, "steps", "batch", "evaluate_every")
        for name in ("rate", "gradient_clip"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} = {getattr(self, name)}", allowed="above 0")
        for name, names in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES), ("keep", ("best", "last"))):
            if getattr(self, name) not in names:
                raise InputError(f"{name} = {getattr(self, name)!r}", allowed=", ".join(names))
        if self.keep == "last" and self.patience:
            raise InputError(
                "keep = 'last' with early stopping", remedy="Train to the end (patience=0), or keep the best."
            )
        kind, _, index = self.device.partition(":")
        if kind not in ("cpu", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
            raise InputError(f"device = {self.device!r}", allowed="'cpu', 'cuda', 'cuda:<number>'")
        if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
            raise InputError(
                f"device = {self.device!r} is not there: torch sees {torch.cuda.device_count()} CUDA devices"
            )
