"""The command on a card makes the options of its weights again."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pelsvae_cadence.training import __main__ as program
from pelsvae_cadence.training.fit import export, fit_mapping
from pelsvae_cadence.training.fit.options import FitOptions, MappingOptions

_ANY = {
    "seed": st.integers(0, 2**62),
    "steps": st.none() | st.integers(1, 10**6),
    "rate": st.none() | st.floats(1e-9, 1.0),
    "optimiser": st.none() | st.sampled_from(["adam", "adamw"]),
    "patience": st.integers(0, 9),
    "device": st.sampled_from(["cpu", "cuda:1"]),
    "n_latent": st.none() | st.integers(1, 20),
    "beta": st.none() | st.floats(0.0, 2.0),
    "latent_map": st.none() | st.sampled_from(["kernel-flow", "flow", "linear"]),
    "mapping_steps": st.none() | st.integers(1, 999),
}
_PAPER = {"config": st.sampled_from(["paper-tcn", "paper-gru", "paper-lstm"])}
_SEQUENCE = {
    "dropout": st.none() | st.floats(0.0, 0.99),
    "t_len": st.integers(8, 999),
    "row_scale": st.floats(1e-6, 10.0),
    "floor": st.floats(0.0, 1.0),
    "error_weight": st.floats(0.0, 9.0),
    "min_points": st.none() | st.integers(4, 300),
} | {name: st.booleans() for name in ("weighted", "physics", "random_phase")}
_PATHS = {name: st.none() | st.sampled_from(["a b/table.npz", "--odd.npz"]) for name in ("table", "curves")}


def _call_of(command: str, module: Any, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Give the arguments with which a command calls a function."""
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def called(*args: Any, **given: Any) -> None:
        calls.append((args, given))
        raise RuntimeError("far enough")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, called)
        answer = CliRunner().invoke(program.app, shlex.split(command)[3:])
    assert calls, answer.output
    return calls[0]


@settings(deadline=None, max_examples=50)
@given(
    st.fixed_dictionaries({}, optional=_ANY) | st.fixed_dictionaries(_PAPER, optional=_ANY | _SEQUENCE),
    st.fixed_dictionaries(_PATHS),
)
def test_the_command_of_a_fit(changes: dict[str, Any], paths: dict[str, str | None]) -> None:
    options = FitOptions(**changes)
    args, given = _call_of(options.command(**paths, name="my model"), export, "fit_model")
    assert args[1] == options
    assert given["name"] == "my model"
    assert {name: given[name] and str(given[name]) for name in paths} == paths


def test_the_card_has_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The command of the card named neither table nor light curves nor the name of the model.
    cards: list[dict[str, Any]] = []
    monkeypatch.setattr(export, "_train_network", lambda *args, **given: (None, None, {}))
    monkeypatch.setattr(export, "_export_model", lambda *args, **given: cards.append(given))
    table = tmp_path / "table.npz"
    table.write_bytes((Path(program.__file__).parent / "open_set" / "open_set.npz").read_bytes())
    export.fit_model(tmp_path, FitOptions(seed=2), table=table, name="mine")
    args, given = _call_of(cards[0]["command"], export, "fit_model")
    assert args[1] == FitOptions(seed=2)
    assert (given["table"], given["name"]) == (table, "mine")


def test_the_command_of_a_mapping(tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("star,age\nS1,3\n")
    words = "--regressor mlp --draws 3 --steps 7 --permute --star-class RRab --parameters period,age"
    typed = f"python -m pelsvae_cadence.training map {words} --labels {labels} --repeats 5 --name x --seed 4"
    args, given = _call_of(typed, fit_mapping, "fit_mapping")
    again, given_again = _call_of(given["command"], fit_mapping, "fit_mapping")
    wanted = MappingOptions(
        regressor="mlp",
        parameters=("period", "age"),
        star_class="RRab",
        draws=3,
        steps=7,
        seed=4,
        permute=True,
    )
    assert args[2] == again[2] == wanted
    for name in ("regression", "name", "command"):
        assert given[name] == given_again[name]
    assert given["labels"].equals(given_again["labels"])
