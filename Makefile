# make run: a node with a sample laboratory. make test: everything that CI runs. The rest is for developers.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
PORT ?= 8000
HOME_DIR ?= .tsunagu
PLUGINS := $(foreach file,$(wildcard plugins/*/pyproject.toml),-e $(dir $(file)))

help:  ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

env: .venv/.stamp  ## Build .venv from the pinned requirements

.venv/.stamp: requirements-dev.txt pyproject.toml
	@test -x .venv/bin/python || python3 -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . $(PLUGINS)
	@touch $@

run: env  ## Start a node on http://localhost:8000 and take a sample laboratory through the whole job
	@$(PY) -m tsunagu.client demo --home $(HOME_DIR) --port $(PORT)

stop:  ## Stop the node that make run started
	@$(PY) -m tsunagu.client down --home $(HOME_DIR)

test: env  ## Everything that CI runs
	@$(PY) tests/run.py

check: env  ## Format, lint, types, contracts, fast tests: under three minutes
	@$(PY) tests/run.py --fast

bench: env  ## Benchmarks with peers and limits; writes benchmarks/RESULTS.md
	@$(PY) benchmarks/run.py

docs: env  ## Build the documentation into docs/_build, English and Japanese; warnings are errors
	@$(PY) tools/docs.py
	@.venv/bin/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@.venv/bin/sphinx-build -q -W --keep-going -b html -D language=ja docs docs/_build/html/ja

pins: ## Write requirements.txt (a node) and requirements-dev.txt (tests too) anew
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra node pyproject.toml -o requirements.txt
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev pyproject.toml -o requirements-dev.txt

.PHONY: help env run stop test check bench docs pins
