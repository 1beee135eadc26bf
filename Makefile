# make setup   the virtual environment .venv/ with Newt and its simulators
# make demo    one agent learns six tasks, from demonstrations and by itself; see runs/demo/
# make test    linters, type checker, tests
# make bench   planner, update and pool speed into benchmarks/results/
# make clean   removes caches and build outputs; .venv/ and runs/ stay

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
STAMP := .venv/.newt-is-installed

.PHONY: help setup demo lint format test test-slow bench clean distclean

help:
	@sed -n 's/^# make /make /p' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP)

# scripts/setup.sh makes the stamp last, so a set-up that broke off is tried again.
$(STAMP): pyproject.toml scripts/setup.sh
	bash scripts/setup.sh $(STAMP)

demo: setup
	bash scripts/demo.sh

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Two files at a time on one thread each: small networks gain nothing from a second one.
# The longest files begin first (tests/conftest.py), not those with the most tests.
# Programs that tests start find the modules compiled, whatever the shell says of bytecode.
test: lint
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 10

test-slow: setup
	$(BIN)/python -m pytest -m slow --timeout 1800

bench: setup
	mkdir -p benchmarks/results
	for what in plan update pool; do \
	  $(BIN)/newt bench $$what --json > benchmarks/results/$$what.json.part; \
	  mv benchmarks/results/$$what.json.part benchmarks/results/$$what.json; \
	done

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache
	find newt_cli newt_core task_specs tests scripts examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv
