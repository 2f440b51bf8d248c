# `make help` lists what there is. Everything happens in .venv, made on first use.
#   PYTHON=python3.12                  another interpreter for .venv
#   JOBS=4                             tests in as many processes; each file's stay together
#   PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"    a CPU build of torch
PYTHON   ?= python3
PIP_ARGS ?=
JOBS     ?= 2
VENV     := .venv
BIN      := $(VENV)/bin
PIP      := $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)

.DEFAULT_GOAL := help
.PHONY: help demo test test-browser slow lint check docs-check bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | \
	    awk -F'|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: $(VENV)/.serve  ## start the service, ask it about a handful of products, stop it
	@$(BIN)/python -m multimodal_api.demo

test: $(VENV)/.all  ## all tests but the slow ones
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow and not browser"

test-browser: $(VENV)/.browser  ## the page in a real browser; installs playwright, and chromium on Debian as root
	@$(BIN)/python -m pytest -m browser

slow: $(VENV)/.all  ## the slow tests: training runs, minutes
	@$(BIN)/python -m pytest -m slow

lint: $(VENV)/.all  ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/mypy

check: lint  ## lint, then test: what CI asks for
	@$(MAKE) --no-print-directory test

docs-check: $(VENV)/.all  ## README, docs, model card and notebooks are true
	@$(BIN)/python -m pytest tests/test_docs.py tests/test_notebooks.py

bench: $(VENV)/.all  ## measure and write the tables of the README and the model card
	@mkdir -p benchmarks/results
	@$(BIN)/python benchmarks/accuracy.py --json benchmarks/results/accuracy-fashion.json
	@$(BIN)/python benchmarks/accuracy.py --bundle artifacts/grocery-ru --json benchmarks/results/accuracy-grocery.json
	@$(BIN)/python benchmarks/latency.py --json benchmarks/results/latency.json
	@$(BIN)/python benchmarks/publish.py

clean:  ## remove .venv, caches and builds; runs/ and artifacts/ stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	@$(PYTHON) -m venv $(VENV)

# A stamp for each set of dependencies, so that a second run installs nothing.
$(VENV)/.serve: pyproject.toml | $(BIN)/python
	@echo "Installing the package with [serve] into $(VENV) (once, about a minute)"
	@$(PIP) -e ".[serve]"
	@touch $@

$(VENV)/.all: pyproject.toml | $(BIN)/python
	@echo "Installing the package with [serve,ru,sentence,train,dev,bench,report] into $(VENV) (once, some minutes)"
	@$(PIP) -e ".[serve,ru,sentence,train,dev,bench,report]"
	@touch $@ $(VENV)/.serve

$(VENV)/.browser: $(VENV)/.all
	@$(PIP) -e ".[browser]"
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	    { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } || \
	    { echo "chromium is not here: install it (Debian: apt-get install chromium), then make test-browser"; exit 2; }
	@touch $@
