# What a checkout is run, tested and measured with. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8000
export PORT

# Tests begin hundreds of processes: where this is set, Python keeps no bytecode, and each compiles Deedbook anew.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
TOO_OLD := Deedbook needs Python 3.11 or newer: install one, or name it with `make PYTHON=python3.12`.
NO_VENV := Deedbook needs the venv module of Python: on Debian and Ubuntu, `apt-get install python3-venv`.

.PHONY: help run test test-cluster check bench clean

help: ## list what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 22

run: .venv/.installed ## start Deedbook on PORT (8000), with the sample log; DEEDBOOK_URL chooses another store
	@exec $(BIN)/deedbook quickstart --sample data/sample.ndjson

test: .venv/.installed-test ## run every test but those of a cluster, on every core; ARGS go to pytest
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --ignore=tests/cluster $(ARGS)

test-cluster: .venv/.installed-cluster ## hurt a real PostgreSQL cluster; needs Debian's etcd-server and postgresql
	$(BIN)/python -m pytest -rs tests/cluster $(ARGS)

check: .venv/.installed-check ## lint, format, types, and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@rm -rf build/typed && mkdir -p build/typed/deedbook && cp -R domain projections web build/typed/deedbook/
	$(BIN)/mypy build/typed/deedbook tests | sed 's|^build/typed/deedbook/||'
	PYTHONPATH=build/typed $(BIN)/lint-imports --no-logo

bench: .venv/.installed-bench ## measure; ARGS go to the benchmarks
	$(BIN)/python -m tests.benchmarks $(ARGS)

clean: ## remove what was built and installed; never the log in data/
	rm -rf .venv build dist *.egg-info .*_cache .hypothesis
	find domain projections web tests -name __pycache__ -prune -exec rm -rf {} +

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo >&2 '$(TOO_OLD)'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 '$(NO_VENV)'; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.installed: .venv/.made pyproject.toml
	$(PIP) --editable .
	@touch $@

.venv/.installed-%: .venv/.made pyproject.toml
	$(PIP) --editable '.[$(EXTRAS)]'
	@touch $@

.venv/.installed-test: EXTRAS := test
.venv/.installed-bench: EXTRAS := bench
.venv/.installed-cluster: EXTRAS := cluster
.venv/.installed-check: EXTRAS := check,test
