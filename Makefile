PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt
WORKERS ?= 2

.PHONY: help demo test slow lint bench studies clean
help:
	@echo "make demo     train a network, analyse it, write results/demo/report.html"
	@echo "make test     run the tests"
	@echo "make lint     style, types and format"
	@echo "make bench    time a training step and the search for fixed points beside PyTorch and BrainPy"
	@echo "make studies  the slow studies whose results are under docs/results"
	@echo "make slow     the slow tests"
	@echo "make clean    remove $(VENV) and caches (results stay)"

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'eicon needs Python 3.11 or newer; try: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing eicon into $(VENV) ..."
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	@echo "Installing the test and lint tools ..."
	$(PIP) -e ".[dev]"
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) torch
	$(PIP) -e ".[bench]"
	@touch $@

demo: $(VENV)/.base
	$(BIN)/eicon demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.fixed_points

studies: $(VENV)/.dev
	$(BIN)/python -m benchmarks.studies

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
