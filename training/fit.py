"""The training loop, and the fit of the VAE with it.

A step's random numbers depend on (seed, step) alone, so a run that was interrupted continues bit
for bit as if it had not been. A checkpoint is one file that is replaced whole.
"""

from __future__ import annotations

import csv
import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as write_tensors
from torch import Tensor, nn

from pelsvae_cadence.errors import InputError
from pelsvae_cadence.model import HarmonicVAE
from pelsvae_cadence.training.losses import (
    expected_chi_square,
    kl_divergence,
    mean_square_difference,
)
from pelsvae_cadence.training.shape_table import PointSimulator, ShapeTable

__all__ = ["FitConfig", "FitResult", "Task", "VAETask", "VAETaskConfig", "learning_rate", "run"]


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
    weight_decay : float
        Decoupled weight decay (AdamW).
    gradient_clip : float
        Largest norm of the gradient.
    seed : int
        Seed of initial weights, batches and noise.
    evaluate_every : int
        Steps between validations.
    patience : int
        Validations without progress after which training stops; 0 trains to the end.
    checkpoint_every : int
        Steps between checkpoints.
    device : str
        Torch device.
    """

    steps: int = 3000
    batch: int = 256
    rate: float = 2e-3
    weight_decay: float = 1e-4
    gradient_clip: float = 5.0
    seed: int = 0
    evaluate_every: int = 250
    patience: int = 0
    checkpoint_every: int = 500
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "evaluate_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)}", allowed="1 or more")


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """What a fit ended with.

    Parameters
    ----------
    best_step : int
        Step whose weights the module now holds.
    best_score : float
        Validation score at that step; lower is better.
    steps : int
        Steps made in all.
    seconds : float
        Wall-clock time of this call.
    """

    best_step: int
    best_score: float
    steps: int
    seconds: float


class Task(Protocol):
    """What the loop trains."""

    @property
    def module(self) -> nn.Module:
        """The module in training."""

    def loss(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the loss of one random batch.

        Parameters
        ----------
        batch : int
            Number of stars.
        generator : torch.Generator
            Source of all random numbers of the step.

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


def learning_rate(step: int, config: FitConfig) -> float:
    """Give the learning rate of a step: linear rise over a tenth, cosine fall to a hundredth.

    Parameters
    ----------
    step : int
        Step from 0.
    config : FitConfig
        The configuration.

    Returns
    -------
    float
        The rate.
    """
    rise = max(1, config.steps // 10)
    if step < rise:
        return config.rate * (step + 1) / rise
    fall = (step - rise) / max(1, config.steps - rise)
    return config.rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * fall)))


def run(
    task: Task, config: FitConfig, folder: str | Path, *, resume: bool = True, quiet: bool = False
) -> FitResult:
    """Train until the end or until validation stops improving; keep the best weights.

    Parameters
    ----------
    task : Task
        What to train; its module ends with the best weights.
    config : FitConfig
        The configuration.
    folder : str or Path
        Holds ``checkpoint.safetensors`` and ``log.csv``; made if needed.
    resume : bool
        Continue from the checkpoint if there is one; otherwise it is overwritten.
    quiet : bool
        Show no progress.

    Returns
    -------
    FitResult
        Where it ended.

    Raises
    ------
    InputError
        If the checkpoint is damaged or of another configuration.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    module = task.module.to(config.device)
    optimiser = torch.optim.AdamW(
        module.parameters(), lr=config.rate, weight_decay=config.weight_decay
    )
    state: dict[str, Any] = {"step": 0, "best_step": 0, "best_score": math.inf, "stale": 0}
    best = _copy(module)
    checkpoint = place / "checkpoint.safetensors"
    log: list[dict[str, float]] = []
    if resume and checkpoint.exists():
        state, best, log = _resume(checkpoint, config, module, optimiser)
    sums: dict[str, float] = {}
    with _one_thread(), _progress(quiet) as progress:
        bar = progress.add_task("", total=config.steps, completed=state["step"])
        while state["step"] < config.steps and not _finished(state, config):
            step = state["step"]
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, config)
            module.train()
            terms = task.loss(config.batch, _generator(config.seed, step))
            optimiser.zero_grad(set_to_none=True)
            terms["loss"].backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(module.parameters(), config.gradient_clip)
            if not torch.isfinite(norm):
                raise FloatingPointError(f"the gradient of step {step} is not finite")
            optimiser.step()
            state["step"] = step + 1
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            sums["n"] = sums.get("n", 0.0) + 1.0
            last = state["step"] == config.steps
            if state["step"] % config.evaluate_every == 0 or last:
                module.eval()
                scores = task.validate()
                n = sums.pop("n")
                row = {"step": float(state["step"]), "rate": learning_rate(step, config)}
                row |= {f"train_{k}": v / n for k, v in sums.items()} | scores
                log.append(row)
                sums = {}
                if scores["score"] < state["best_score"]:
                    state.update(best_score=scores["score"], best_step=state["step"], stale=0)
                    best = _copy(module)
                else:
                    state["stale"] += 1
                _write_log(place / "log.csv", log)
                note = f"score {scores['score']:.4f}, best {state['best_score']:.4f}"
                progress.update(bar, description=note)
            progress.update(bar, completed=state["step"])
            # Only where no sums are pending: what the log says must survive an interruption.
            if not sums and (
                state["step"] % config.checkpoint_every == 0 or last or _finished(state, config)
            ):
                _save(checkpoint, config, state, module, best, optimiser, log)
    module.load_state_dict(best)
    module.eval()
    return FitResult(
        best_step=state["best_step"],
        best_score=state["best_score"],
        steps=state["step"],
        seconds=time.monotonic() - started,
    )


def _finished(state: dict[str, Any], config: FitConfig) -> bool:
    return bool(config.patience and state["stale"] >= config.patience)


def _generator(seed: int, step: int) -> torch.Generator:
    # Steps of neighbouring seeds must not coincide; a large odd factor keeps them apart.
    return torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _progress(quiet: bool) -> Progress:
    return Progress(
        BarColumn(), TextColumn("{task.completed}/{task.total} steps"), TimeRemainingColumn(),
        TextColumn("{task.description}"), disable=quiet,
    )  # fmt: skip


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _write_log(path: Path, rows: list[dict[str, float]]) -> None:
    part = path.with_name(f".{path.name}.part")
    names = list(dict.fromkeys(name for row in rows for name in row))
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    os.replace(part, path)


def _save(
    path: Path,
    config: FitConfig,
    state: dict[str, Any],
    module: nn.Module,
    best: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    log: list[dict[str, float]],
) -> None:
    tensors = {f"module.{k}": v for k, v in _copy(module).items()}
    tensors |= {f"best.{k}": v for k, v in best.items()}
    for i, parts in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{i}.{k}": v.detach().clone() for k, v in parts.items()}
    text = json.dumps({"config": asdict(config), "state": state, "log": log})
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(write_tensors(tensors, metadata={"fit": text}))
    os.replace(part, path)


def _resume(
    path: Path, config: FitConfig, module: nn.Module, optimiser: torch.optim.Optimizer
) -> tuple[dict[str, Any], dict[str, Tensor], list[dict[str, float]]]:
    try:
        with safe_open(path, framework="pt") as file:
            text = json.loads((file.metadata() or {})["fit"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"the checkpoint {str(path)!r} cannot be read: {error}",
            remedy="Delete it, or start afresh with resume=False.",
        ) from error
    if text["config"] != asdict(config):
        changed = sorted(k for k, v in asdict(config).items() if text["config"].get(k) != v)
        raise InputError(
            f"the checkpoint {str(path)!r} was made with another {', '.join(changed)}",
            remedy="Use another folder, or start afresh with resume=False.",
        )
    parts: dict[str, dict[str, Tensor]] = {"module": {}, "best": {}, "optimiser": {}}
    for name, value in tensors.items():
        head, _, rest = name.partition(".")
        parts[head][rest] = value
    module.load_state_dict(parts["module"])
    wanted = optimiser.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["optimiser"].items():
        index, _, rest = name.partition(".")
        moments.setdefault(int(index), {})[rest] = value
    optimiser.load_state_dict({"state": moments, "param_groups": wanted["param_groups"]})
    return text["state"], parts["best"], text["log"]


@dataclass(frozen=True, kw_only=True)
class VAETaskConfig:
    """What the VAE is trained to do.

    Parameters
    ----------
    beta : float
        Weight of the KL term. Low, because the latent density is learned afterwards.
    floor : float
        See `pelsvae_cadence.training.losses.expected_chi_square`.
    min_points, max_points : int
        Range of the number of points, drawn log-uniformly.
    min_noise, max_noise : float
        Range of the noise in mag, drawn log-uniformly.
    balance : float
        See `ShapeTable.balance`.
    """

    beta: float = 0.05
    floor: float = 0.005
    min_points: int = 8
    max_points: int = 300
    min_noise: float = 0.003
    max_noise: float = 0.15
    balance: float = 0.5


#: Points and noise [mag] of the two reconstructions that make the validation score.
_VALIDATION: Final = ((20, 0.02), (300, 0.02))


class VAETask:
    """Encoder and decoder trained on fresh noisy points of the training stars.

    Parameters
    ----------
    module : HarmonicVAE
        The network, its statistics set.
    table : ShapeTable
        Stars with split.
    config : VAETaskConfig
        The task.
    device : str
        Torch device.
    validation_size : int
        Most validation stars per class.
    """

    def __init__(
        self,
        module: HarmonicVAE,
        table: ShapeTable,
        config: VAETaskConfig,
        *,
        device: str = "cpu",
        validation_size: int = 400,
    ) -> None:
        self.module: HarmonicVAE = module
        self.config = config
        self._device = device
        self._points = PointSimulator(table.n_harmonics, device)
        train, held_out = table.part("train"), table.part("validation")
        self._probability = torch.as_tensor(train.balance(config.balance))
        self._train = self._to_tensors(train)
        rows: list[int] = []
        for c in range(int(held_out.star_class.max()) + 1):
            rows += (held_out.star_class == c).nonzero()[0][:validation_size].tolist()
        self._held_out = self._to_tensors(held_out.take(rows))

    def _to_tensors(self, table: ShapeTable) -> tuple[Tensor, Tensor, Tensor]:
        return (
            torch.as_tensor(table.shapes, dtype=torch.float32, device=self._device),
            torch.as_tensor(table.physics, dtype=torch.float32, device=self._device),
            torch.as_tensor(table.star_class, device=self._device),
        )

    def loss(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the loss of one random batch; see `Task.loss`.

        Parameters
        ----------
        batch : int
            Number of stars.
        generator : torch.Generator
            Source of all random numbers of the step.

        Returns
        -------
        dict of str to Tensor
            ``"loss"``, ``"chi_square"``, ``"kl"``.
        """
        config = self.config
        rows = torch.multinomial(self._probability, batch, replacement=True, generator=generator)
        shapes, physics, star_class = (v[rows.to(v.device)] for v in self._train)
        u = torch.rand(1 + batch, generator=generator)
        span = math.log(config.max_points / config.min_points)
        n_points = round(config.min_points * math.exp(span * float(u[0])))
        noise_span = math.log(config.max_noise / config.min_noise)
        noise = (config.min_noise * (noise_span * u[1:]).exp()).to(shapes.device)
        amplitude = 10.0 ** physics[:, 3]
        points = self._points.draw(shapes, amplitude, n_points, noise, generator)
        mu, logvar, _ = self.module.encode(
            points.phase, points.mag, points.weight, physics, star_class
        )
        error = torch.randn(mu.shape, generator=generator).to(mu.device)
        z = mu + (0.5 * logvar).exp() * error
        decoded = self.module.decoder(z, physics, star_class)
        variance = (noise / amplitude) ** 2 / n_points
        chi_square = expected_chi_square(decoded, shapes, variance, config.floor).mean()
        kl = kl_divergence(mu, logvar).mean()
        return {"loss": 0.5 * chi_square + config.beta * kl, "chi_square": chi_square, "kl": kl}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Measure the reconstruction of held-out stars; see `Task.validate`.

        Returns
        -------
        dict of str to float
            ``"score"``, the mean over classes and cases of the log of the median RMS / amplitude,
            and those medians.
        """
        shapes, physics, star_class = self._held_out
        scores: dict[str, float] = {}
        logs = []
        for n_points, noise in _VALIDATION:
            generator = torch.Generator().manual_seed(n_points)
            sigma = torch.full((len(shapes),), noise, device=shapes.device)
            points = self._points.draw(shapes, 10.0 ** physics[:, 3], n_points, sigma, generator)
            mu, _, _ = self.module.encode(
                points.phase, points.mag, points.weight, physics, star_class
            )
            decoded = self.module.decoder(mu, physics, star_class)
            rms = mean_square_difference(decoded, shapes).sqrt()
            for c in np.unique(star_class.cpu().numpy()).tolist():
                median = float(rms[star_class == c].median())
                scores[f"rms_{n_points}_{c}"] = median
                logs.append(math.log(median))
        return {"score": sum(logs) / len(logs), **scores}
