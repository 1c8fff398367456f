# The ways to work with Milkbot. `make help` lists them; every target installs what it needs into .venv first.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first interpreter that runs and is new enough.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := milkbot weather markets trading analytics publicsite sandbox
CHECKED := $(PACKAGES) tests tools benchmarks manage.py
WORKERS ?= 2

# Settings load as they would on a server, whatever profile runs on this machine; nothing is connected to.
AS_INSTALLED = MILKBOT_STATE_DIR=/dev/null DATABASE_URL=postgresql://nobody@/nothing \
	SECRET_KEY="$$(head -c 48 /dev/urandom | base64 | tr -d '\n')"

# A folder's own .venv, made anew when a lock file's content changed.
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
PEERS_VENV := .venv-peers
PEERS := $(PEERS_VENV)/.installed

.PHONY: help run shadow sandbox test test-slow soak contract lint bench bench-day bench-year bench-peers format stories lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## Run it: no keys, no network. SEED=7 chooses the world, or PROFILE=recorded WORLD= SERIES= DATE= SPEED= DEPTH=; MODE=DEMO sends orders to the sandbox's exchange; FRESH=1
	@WORLD='$(WORLD)' SERIES='$(SERIES)' DATE='$(DATE)' SPEED='$(SPEED)' DEPTH='$(DEPTH)' SEED='$(SEED)' \
		exec $(BIN)/python -m milkbot.embedded run $(if $(PROFILE),--profile '$(PROFILE)') --mode '$(MODE)' $(if $(FRESH),--fresh)

shadow: $(RUNTIME) ## Run it on the real market and weather data, with pretended orders and no keys. FRESH=1
	@exec $(BIN)/python -m milkbot.embedded run --profile shadow $(if $(FRESH),--fresh)

sandbox: $(RUNTIME) ## Run only the local Kalshi and NWS. PORT=8002 WORLD=simulated SEED= START=, or WORLD=folder SERIES= DATE= DEPTH=; SPEED= TIER=
	@exec $(BIN)/python -m sandbox --port $(or $(PORT),8002) --resume $(if $(TIER),--tier '$(TIER)') $(if $(WORLD),--world '$(WORLD)') \
		$(if $(SERIES),--series '$(SERIES)') $(if $(DATE),--date '$(DATE)') $(if $(SPEED),--speed '$(SPEED)') \
		$(if $(DEPTH),--depth '$(DEPTH)') $(if $(SEED),--seed '$(SEED)') $(if $(START),--start '$(START)')

test: $(DEVELOPMENT) ## Run the tests. COVERAGE=1 adds the coverage gate, as CI does, which nearly doubles the time. WORKERS=2
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(if $(COVERAGE),--cov --cov-report=term)

test-slow: $(DEVELOPMENT) ## Run the tests that start the whole system
	$(BIN)/python -m pytest -m slow --no-cov

soak: $(DEVELOPMENT) ## Take random steps on the order path until STEPS=100000 hold, with the database; MEMORY=1 without, PROCESSES=1 killing real traders. SEED= repeats a run
	SOAK_STEPS='$(or $(STEPS),100000)' SOAK_SEED='$(SEED)' $(BIN)/python -m pytest -m slow --no-cov \
		-k '$(if $(PROCESSES),processes,$(if $(MEMORY),memory_path,order_path)) and soaked' tests/trading/machine tests/faults/test_process_path.py

contract: $(DEVELOPMENT) ## Walk the sandbox with the official SDK through a proxy that checks the contract; needs Node
	$(BIN)/python -m pytest -m slow --no-cov tests/contract

lint: $(DEVELOPMENT) ## Check format, types, walls between the rooms, migrations, deployment settings, stories
	$(BIN)/black --quiet --check $(CHECKED)
	$(BIN)/isort --quiet --check-only $(CHECKED)
	$(BIN)/ruff check --quiet $(CHECKED)
	$(BIN)/python -m tools.lengths
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tools.stories --check
	$(AS_INSTALLED) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run
	for name in operator public; do \
		$(AS_INSTALLED) DJANGO_SETTINGS_MODULE=milkbot.settings.$$name \
			$(BIN)/python manage.py check --deploy --fail-level WARNING || exit 1; done
	$(AS_INSTALLED) $(BIN)/mypy $(CHECKED)

bench: $(DEVELOPMENT) ## Measure deciding, storing, parsing and whole cycles, also over the wire. CHECK=1 refuses a regression, RECORD=1 sets the baseline
	@$(BIN)/python -m benchmarks $(if $(CHECK),--check) $(if $(RECORD),--record)

bench-day: $(DEVELOPMENT) ## Live through a simulated day of ten cities; measure database growth and memory. HOURS=24
	@$(BIN)/python -m benchmarks.day --hours '$(or $(HOURS),24)'

bench-year: $(DEVELOPMENT) ## Backtest a simulated year of ten cities; measure wall and processor time, and memory. DAYS=365 DATA=folder keeps the world
	@$(BIN)/python -m benchmarks.year --days '$(or $(DAYS),365)' $(if $(DATA),--data '$(DATA)')

bench-peers: $(DEVELOPMENT) $(PEERS) ## Measure replays side by side with nautilus_trader, which gets a virtualenv of its own
	@$(BIN)/python -m benchmarks.peers $(PEERS_VENV)/bin/python

format: $(DEVELOPMENT) ## Put every file into the house's format
	$(BIN)/isort --quiet $(CHECKED)
	$(BIN)/black --quiet $(CHECKED)

stories: $(DEVELOPMENT) ## Write docs/STORIES.md from the markers on the tests
	$(BIN)/python -m tools.stories

lock: $(DEVELOPMENT) ## Compile requirements/*.in into hash-pinned requirements/*.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --output-file requirements/runtime.txt requirements/runtime.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --output-file requirements/dev.txt requirements/dev.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --output-file requirements/peers.txt requirements/peers.in

clean: ## Remove caches; delete the profiles' data only after you said yes
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m milkbot.embedded clean; fi
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* build staticfiles
	@find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Milkbot needs Python 3.11 or newer; name one with PYTHON=/path/to/python."; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUNTIME): requirements/runtime.txt | $(VENV)/bin/python
	@echo "Installing the packages of requirements/runtime.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/runtime.txt
	@touch $@

$(DEVELOPMENT): requirements/dev.txt $(RUNTIME)
	@echo "Installing the packages of requirements/dev.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

$(PEERS): requirements/peers.txt
	@echo "Installing the packages of requirements/peers.txt into $(PEERS_VENV)"
	@$(PYTHON) -m venv $(PEERS_VENV)
	@$(PEERS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/peers.txt
	@touch $@
