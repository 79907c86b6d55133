# Two commands on a machine with Python 3.11 or newer: `make demo` and `make test`.
# Each makes its own virtual environment and installs with pip.

VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= outputs/demo
# The first Python that is new enough; name another with `make PYTHON=/path/to/python demo`.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# Optional parts that the tests need.
EXTRAS ?= test,train,scale
# Processes that run the tests: as many as there are cores, or a number; 0 is pytest's own process alone.
TEST_WORKERS ?= auto
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt

.PHONY: help demo test test-slow bench lint docs format clean

help:
	@echo "make demo    install, then map where a synthetic LSST finds periods (about 3 minutes)"
	@echo "make test    install, then run the tests"
	@echo "make lint    install, then ruff, mypy and docstring checks"
	@echo "make docs    install, then build the documentation into docs/_build/html"
	@echo "make bench   install, then the benchmarks (ratios against other packages)"
	@echo "make clean   remove what the other targets made"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python of version 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing into $(VENV): a few minutes the first time"
	$(PIP) -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "installing what the tests need"
	$(PIP) -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/.installed-lint: $(VENV)/.installed
	$(PIP) -e '.[lint]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(PIP) -e '.[docs]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/pelsvae_cadence metrics --synthetic lsst --nside 4 --star-class RRab,CEP,ECL \
		--mag 19,22,24 --stars-per-position 1 --catalog --run-name demo --out-dir $(OUT)

# Many tests start the program anew: it is compiled once, whatever the surroundings say.
unexport PYTHONDONTWRITEBYTECODE

# Each process takes its share of the tests in their order, so that those of a file mostly share their fixtures,
# and one that is done takes over tests of another. Beyond eight, importing costs more than it saves.
PARALLEL = -n $(TEST_WORKERS) --maxprocesses 8 --dist worksteal

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(PARALLEL) -m slow --ignore=tests/benchmarks
	$(BIN)/python -m pytest -m slow tests/benchmarks  # alone on the machine: they measure

bench: $(VENV)/.installed-test
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only

# Modules of the reference: their docstrings are complete. Elsewhere a line may do.
REFERENCE = $(wildcard $(shell sed -n 's/^.. automodule:: //p' docs/api/*.md | tr . / | \
	sed -E 's|^pelsvae_cadence/(training\|metrics)|\1|; s|$$|.py|' | sort -u))

# mypy has to see the optional parts, else their classes are "Any": hence .installed-test.
lint: $(VENV)/.installed-test $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/numpydoc lint $(REFERENCE)

# Training modules are documented too, hence .installed-test. A broken link or docstring is an error.
docs: $(VENV)/.installed-test $(VENV)/.installed-docs
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

format: $(VENV)/.installed-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) outputs build docs/_build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .benchmarks
