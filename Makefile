# `make demo` makes pictures; `make check` and `make test` are what CI runs.
PYTHON ?= $(firstword $(shell command -v python3.11 python3))
BIN := .venv/bin
# The pin in pyproject.toml, installed first and by its plain name: a machine that offers a CPU
# build of it gets that build, and one with a GPU gets the default wheel.
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)",$$/\1/p' pyproject.toml)

.PHONY: help setup demo test test-slow check openapi fix clean
.DEFAULT_GOAL := help

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: .venv/.stamp ## install everything into .venv

.venv/.stamp: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[train,server,safety,dev]"
	@touch $@

demo: setup ## make four pictures from a sentence with the model that ships
	$(BIN)/unclip generate "a red apple" -n 4 --seed 7 -o out
	@echo
	@echo "Four pictures and a sheet of all of them are in $(CURDIR)/out."
	@echo "Next: $(BIN)/unclip generate --help, README.md, and $(BIN)/python examples/generate.py"

test: setup ## everything but slow and GPU tests, in two processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow and not gpu"

test-slow: setup ## slow tests, and GPU tests where there is a GPU
	$(BIN)/python -m pytest -m "slow or gpu"

check: setup ## lint, format, types, and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

openapi: setup ## write docs/openapi.json
	$(BIN)/python -m unclip.server.openapi > docs/openapi.json

fix: setup ## let ruff repair what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove .venv, caches and pictures
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache out
