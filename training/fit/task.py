"""Training tasks: a network with its loss and its validation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Task"]


class Task(ABC):
    """A network and what it is trained to do.

    Attributes
    ----------
    module : torch.nn.Module
        The network.
    settings : dict
        JSON-able settings; a checkpoint made with others is refused.
    """

    module: nn.Module
    settings: dict[str, Any]

    @abstractmethod
    def loss(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Compute the loss of one random batch.

        Parameters
        ----------
        batch : int
            Number of stars or light curves.
        generator : torch.Generator
            Source of all random numbers of the step but those of dropout.

        Returns
        -------
        dict of str to Tensor
            ``"loss"`` and its terms.
        """

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Measure the module on the validation stars.

        Returns
        -------
        dict of str to float
            ``"score"``, lower is better, and what it is made of.
        """
