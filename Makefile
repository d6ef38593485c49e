# Two commands: `make demo` (set up, run the night) and `make test` (set up, run the tests).
PROGRAMME ?= demo
export SITEWISE_HOME ?= $(CURDIR)/.sitewise/$(PROGRAMME)
VENV := .venv
BIN := $(VENV)/bin
STAR_PIN := ingestion/programmes/star/requirements.txt
# Tests that run whole nights take longest, so they are dealt out first.
NIGHTS := $(wildcard tests/test_*.py tests/faults/*.py tests/warehouse/effects/test_cov*.py)
# Installing compiles byte-code, which every later process would otherwise do again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo ui test test-slow bench coverage lint pins clean

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml
	python3.11 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --compile -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# The STAR data is a GPL-3 package: installed on request and for the tests, never a dependency.
$(VENV)/.star: $(VENV)/.installed $(STAR_PIN)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --compile -r $(STAR_PIN)
	touch $@

demo: $(VENV)/.installed $(if $(filter star,$(PROGRAMME)),$(VENV)/.star)
	$(BIN)/sitewise nightly --programme $(PROGRAMME)

ui: $(VENV)/.installed
	$(BIN)/sitewise ui --programme $(PROGRAMME)

test: $(VENV)/.installed $(VENV)/.star
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow" $(NIGHTS) tests

test-slow: $(VENV)/.installed $(VENV)/.star
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.installed
	$(BIN)/python tests/benchmarks/night.py
	$(BIN)/python tests/benchmarks/csv_to_lake.py
	$(BIN)/python tests/benchmarks/moments_to_marts.py
	$(BIN)/python tests/benchmarks/pooling.py
	$(BIN)/python tests/benchmarks/judgement.py
	$(BIN)/python tests/benchmarks/rules.py

# Simulates programmes through the models (ten minutes), and prints the rates where they are told.
coverage: $(VENV)/.installed
	rm -f docs/coverage.csv
	$(BIN)/sitewise simulate --coverage --out docs/coverage.csv
	$(BIN)/python -m ingestion.simulate.coverage.printed docs/coverage.csv

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt_project/models dbt_project/macros

# Writes requirements.txt anew from the ranges in pyproject.toml: hashes, no index address.
pins: $(VENV)/.installed
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-annotate --no-header \
		--python-version 3.11 --upgrade --output-file requirements.txt

clean:
	rm -rf $(VENV) .sitewise
