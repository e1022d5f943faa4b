PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt
WORKERS ?= 2
# Where it is set, every process compiles all of eicon, and every run of the tests all tests, anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-all slow lint docs gallery bench studies dist test-oldest test-neurogym clean
help:
	@echo "make demo     train a network, analyse it, write results/demo/report.html"
	@echo "make test     run the tests: every module, every known mistake"
	@echo "make test-all run the long batteries, too: notebooks, browser, all tasks and figures, commands of the docs"
	@echo "make lint     style, types and format"
	@echo "make bench    time training beside 0.1.0, PyTorch and BrainPy, sparse weights, the search for fixed points"
	@echo "make studies  the slow studies whose results are under docs/results"
	@echo "make gallery  every figure, with the command that draws it: results/gallery; ACCEPT=1 puts it into docs/"
	@echo "make slow     the slow tests"
	@echo "make docs     build the documentation for reading offline: docs/_build/html/index.html"
	@echo "make dist     wheel and sdist in dist/, tried out in an environment of their own"
	@echo "make test-oldest    the tests with the oldest dependencies that are supported (Python 3.11)"
	@echo "make test-neurogym  the tests that need neurogym and PyTorch, in an environment of their own"
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

# Programs that `make test` compiled serve `make test-all`, too.
PYTEST := JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV)/programs) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
# Annotations, shapes included, are checked at every call: a quarter more time, so that the batteries do it.
TYPED := '--jaxtyping-packages=eicon,beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))'

test: $(VENV)/.dev
	$(PYTEST) -m "not slow and not battery"

test-all: test
	$(PYTEST) $(TYPED) -m "battery and not slow"

slow: $(VENV)/.dev
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.alternating
	$(BIN)/python -m benchmarks.edges
	$(BIN)/python -m benchmarks.fixed_points

studies: $(VENV)/.dev
	$(BIN)/python -m studies

$(VENV)/.docs: $(VENV)/.dev
	$(PIP) -e ".[docs]"
	@touch $@

docs: $(VENV)/.docs
	$(BIN)/python docs/build.py

gallery: $(VENV)/.dev
	$(BIN)/python -m studies.gallery $(if $(ACCEPT),--accept)

dist: $(VENV)/.dev
	rm -rf dist $(VENV)-dist
	$(PIP) build
	$(BIN)/python -m build -o dist
	$(PYTHON) -m venv $(VENV)-dist
	$(VENV)-dist/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt dist/*.whl
	cd dist && ../$(VENV)-dist/bin/eicon demo --out demo

$(VENV)-oldest/.done: pyproject.toml constraints-oldest.txt
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --disable-pip-version-check -q -e ".[test]" -c constraints-oldest.txt
	@touch $@

test-oldest: $(VENV)-oldest/.done
	$(VENV)-oldest/bin/python -m pytest -n $(WORKERS) -m "not slow" -o filterwarnings=default

$(VENV)-neurogym/.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)-neurogym
	$(VENV)-neurogym/bin/python -m pip install --disable-pip-version-check -q -e ".[neurogym]" pytest beartype
	@touch $@

test-neurogym: $(VENV)-neurogym/.done
	$(VENV)-neurogym/bin/python -m pytest tests/tasks/test_neurogym.py tests/exchange/test_weights.py

clean:
	rm -rf $(VENV) $(VENV)-dist $(VENV)-oldest $(VENV)-neurogym docs/_build .pytest_cache .ruff_cache .mypy_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
