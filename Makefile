# Everything sets itself up: a fresh machine needs make and Python 3.11 or newer.
#   make demo    record real requests, open the debugger on them
#   make test    the tests
#   make cover   the tests, and which lines they reach: half as slow again
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is installed is stamped, so that it is done once and again when it changes.
INSTALLED := $(VENV)/.installed
# What comes with all that checks need.
WITHIN := $(INSTALLED)-test $(INSTALLED)-test,bench

# Checks run side by side where make can keep apart what they print.
BESIDE := $(if $(filter output-sync,$(.FEATURES)),-j4 --output-sync=target)

.PHONY: demo test cover check bench kill soak format mutants hostile
.PHONY: check-format check-lint check-types check-imports
.DEFAULT_GOAL := demo

demo: $(INSTALLED)-run
	@$(BIN)/timescape demo

test: $(INSTALLED)-test
	$(BIN)/pytest -n auto --dist worksteal

cover: $(INSTALLED)-test
	$(BIN)/pytest -n auto --cov --cov-report=term:skip-covered

check: $(INSTALLED)-test,check,bench
	@$(MAKE) --no-print-directory --keep-going $(BESIDE) check-types check-imports check-format check-lint

check-format: $(INSTALLED)-test,check,bench
	$(BIN)/ruff format --check .

check-lint: $(INSTALLED)-test,check,bench
	$(BIN)/ruff check .

check-types: $(INSTALLED)-test,check,bench
	$(BIN)/mypy --num-workers auto

check-imports: $(INSTALLED)-test,check,bench
	$(BIN)/lint-imports

bench: $(INSTALLED)-test,bench
	$(BIN)/python -m tests.benchmarks

kill: $(INSTALLED)-test
	$(BIN)/python -m tests.kills
	TIMESCAPE_KILL_REQUESTS=50000 TIMESCAPE_KILLS=10 $(BIN)/pytest -q tests/faces/test_http_kill.py
	TIMESCAPE_SERVER_STOPS=20 $(BIN)/pytest -q tests/eventstore/test_postgres_races.py -k falls

mutants: $(INSTALLED)-test
	TIMESCAPE_MUTANTS=1 $(BIN)/pytest -q -n auto tests/mutants

hostile: $(INSTALLED)-test
	TIMESCAPE_HOSTILE=10000 $(BIN)/pytest -q -n auto tests/faces/test_hostile.py

soak: $(INSTALLED)-test
	$(BIN)/python -m tests.soak

format: $(INSTALLED)-test,check,bench
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Timescape needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another one, for example: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(INSTALLED)-run: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(INSTALLED)-%: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$*]'
	@touch $@ $(if $(findstring check,$*),$(WITHIN))
