# Attune: `make demo` runs it, `make test` proves it. Everything that they need they install themselves.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; Debian 12, Ubuntu 24.04 and Raspberry Pi OS bring one as python3.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$python && break; done)
DATA ?= ../shared/data
DEMO_ARGUMENTS := $(if $(SECONDS),--seconds $(SECONDS)) $(if $(OUTPUT),--output $(OUTPUT)) $(if $(SEED),--seed $(SEED)) $(if $(BLE),--ble)

.PHONY: help demo test test-all test-arm64 bench tables bundle system clean

help: ## show what can be made
	@grep -E '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(VENV)/.agent system ## run the player with a simulated listener (SECONDS=60 ends by itself, BLE=1 over Bluetooth)
	$(BIN)/attune-sim demo $(DEMO_ARGUMENTS)

test: $(VENV)/.development system ## run all tests but the slow ones, with linter and type checker
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m "not slow"

test-all: $(VENV)/.development system ## run all tests, the slow ones too
	$(BIN)/pytest

test-arm64: $(VENV)/.development ## run the golden vectors of the shipped models on an emulated Raspberry Pi
	$(BIN)/python tests/arm64/golden_vectors.py

bench: $(VENV)/.development system ## measure every promise beside its peer
	$(BIN)/python -m benchmarks

tables: $(VENV)/.development ## measure docs/tables anew, from the research data in DATA=../shared/data
	$(BIN)/python -m benchmarks.body_and_feeling --data $(DATA)
	$(BIN)/python -m benchmarks.parity --data $(DATA)
	$(BIN)/python -m benchmarks.calibration --data $(DATA)

bundle: $(VENV)/.development ## train the bundle that ships, from the research data in DATA=../shared/data
	$(BIN)/attune-trainer build --data $(DATA) --out models/default
	$(BIN)/attune-trainer cards models/default

# pip alone decides whether anything is to be installed; the stamp says when it was asked last.
$(VENV)/.agent: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[sim]'
	@touch $@

$(VENV)/.development: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.agent

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Attune needs Python 3.11, 3.12 or 3.13. Type: sudo apt-get install python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make an environment. Type: sudo apt-get install python3-venv"; exit 1; }

# Attune runs without them: amqtt stands in for Mosquitto, and without PortAudio the player is silent.
system:
	@missing=; \
	{ PATH="$$PATH:/usr/sbin:/sbin" command -v mosquitto >/dev/null; } || missing="mosquitto"; \
	command -v mosquitto_sub >/dev/null || missing="$$missing mosquitto-clients"; \
	{ /sbin/ldconfig -p 2>/dev/null | grep -q libportaudio; } || missing="$$missing libportaudio2"; \
	test -z "$$missing" && exit 0; \
	if ! command -v apt-get >/dev/null; then echo "Attune would like: $$missing. Install them with your package manager."; \
	elif test "$$(id -u)" = 0; then run=; \
	elif sudo -n true 2>/dev/null; then run="sudo -n"; \
	else echo "Attune would like: $$missing. Type: sudo apt-get install -y $$missing"; exit 0; fi; \
	test "$${run-none}" = none && exit 0; \
	echo "Installing $$missing …"; \
	{ $$run apt-get install -qq -y $$missing >/dev/null 2>&1 \
	  || { $$run apt-get update -qq >/dev/null 2>&1 && $$run apt-get install -qq -y $$missing >/dev/null 2>&1; }; } \
	|| echo "That did not work; going on without. Type: sudo apt-get install -y $$missing"

clean: ## remove what was made here, the environment too
	rm -rf $(VENV) .demo .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
