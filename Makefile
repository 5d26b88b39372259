# `make demo` shows it working, `make test` proves it. Only Python 3.11 or newer and make are needed.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
SOURCES := webpubsub generated tests examples benchmarks rendering codegen.py

.PHONY: demo test lint types check render format bench clean

demo: $(VENV)/.demo
	$(BIN)/python examples/quickstart.py

test: check
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/python codegen.py --check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/pyright --pythonpath $(BIN)/python

render: $(VENV)/.dev
	$(BIN)/python codegen.py

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) dist

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[emulator]" --group demo
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[aio,cli,compat,emulator,identity]" --group dev
	@touch $@ $(VENV)/.demo
