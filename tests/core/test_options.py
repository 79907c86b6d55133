"""Options as dataclasses: into options of a command and back."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pelsvae_cadence.core.errors import InputError
from pelsvae_cadence.core.options import Seed, at_least, documented, option_words, with_options


@dataclass(frozen=True, kw_only=True)
class Shape:
    size: Annotated[int, typer.Option(help="Size.", min=1)] = 3
    kind: Annotated[str | None, typer.Option("--sort", help="Sort.")] = None
    round: Annotated[bool, typer.Option(help="Round.")] = True
    hollow: Annotated[bool, typer.Option("--hollow", help="Hollow.")] = False
    inner: float = 2.0
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True)
class Noise:
    level: Annotated[float, typer.Option(help="Level.")] = 0.5
    seed: Seed = 0


app = typer.Typer()
made: list[object] = []


@app.command()
@with_options
def draw(shape: Shape, name: Annotated[str, typer.Argument()], noise: Noise, seed: Seed = 0) -> None:
    """Draw a shape."""
    made[:] = [shape, name, noise, seed]


@pytest.mark.parametrize("shape", [Shape(), Shape(size=7, kind="a b", round=False, hollow=True, seed=4)])
def test_words_make_the_options_again(shape: Shape) -> None:
    words = shlex.split(option_words(shape, level=1e-07, other=None))
    answer = CliRunner().invoke(app, ["a name", *words])
    assert answer.exit_code == 0, answer.output
    # The seed is one option of all that have one.
    assert made == [shape, "a name", Noise(level=1e-07, seed=shape.seed), shape.seed]


def test_words_say_what_differs() -> None:
    assert option_words(Shape()) == ""
    assert option_words(Shape(inner=1.0), always=("seed",)) == "--seed 0"
    assert option_words(Shape(round=False, hollow=True)) == "--no-round --hollow"


def test_docstrings_say_what_the_options_say() -> None:
    text = documented(Shape).__doc__ or ""
    assert "Parameters\n----------\nsize : int\n    Size.\n" in text
    assert "kind : str | None\n    Sort." in text


def test_ranges() -> None:
    assert "x>=1" in CliRunner().invoke(app, ["--help"]).output
    at_least(Shape(), 0, "size", "kind")
    with pytest.raises(InputError, match="size = 0; allowed: 1 or more"):
        at_least(Shape(size=0), 1, "inner", "size")
    with pytest.raises(InputError, match="inner = nan"):
        at_least(Shape(inner=float("nan")), 0.0, "inner")
