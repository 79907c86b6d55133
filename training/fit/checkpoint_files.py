"""Checkpoints of Lightning as safetensors files: nothing in them can run code.

Lightning's own files are pickles. Here the tensors of a checkpoint go into a safetensors file and
everything else, as JSON, into its header. The file is replaced whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as write_tensors
from torch import Tensor
from typing_extensions import override

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.files import replacing

__all__ = ["SafetensorsCheckpoints", "read_checkpoint"]

_HEADER = "checkpoint"


class SafetensorsCheckpoints(CheckpointIO):
    """Writes and reads the checkpoints of a Lightning trainer."""

    @override
    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        tensors: dict[str, Tensor] = {}
        text = json.dumps(_pack(checkpoint, tensors))
        with replacing(path) as partial:
            partial.write_bytes(write_tensors(tensors, metadata={_HEADER: text}))

    @override
    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read_checkpoint(path)

    @override
    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint."""
    try:
        with safe_open(path, framework="pt") as file:
            text = json.loads((file.metadata() or {})[_HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        answer = _unpack(text, tensors)
    except (SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            f"the checkpoint {str(path)!r} cannot be read: {error}",
            remedy="Delete it, or start afresh (resume=False, --restart).",
        ) from error
    if not isinstance(answer, dict):
        raise InputError(f"the checkpoint {str(path)!r} is of another kind")
    return answer


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Turn a nest into JSON; tensors are named by their order and set aside."""
    if isinstance(value, Tensor):
        name = f"t{len(tensors)}"
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        # Keys may be numbers (the optimiser's), which JSON would turn into text.
        return {"pairs": [[key, _pack(v, tensors)] for key, v in value.items()]}
    if isinstance(value, list | tuple):
        return [_pack(v, tensors) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint cannot hold {type(value).__name__}")


def _unpack(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {key: _unpack(v, tensors) for key, v in value["pairs"]}
    if isinstance(value, list):
        return [_unpack(v, tensors) for v in value]
    return value
