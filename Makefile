# `make demo` shows it working, `make test` proves it. Only Python 3.11 or newer and make are needed.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
LIMIT := $(if $(shell command -v timeout 2>/dev/null),timeout 120)
SOURCES := pytest_webpubsub.py webpubsub generated tests examples benchmarks rendering codegen.py

unexport PYTHONDONTWRITEBYTECODE # tests start hundreds of processes: they would all compile the same modules

.PHONY: help demo chat inspect test coverage test-httpx2 test-uvloop check mypy pyright render format bench clean

help: ## say what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.demo ## see it working: no cloud account, no set-up
	$(BIN)/python examples/quickstart.py

chat: $(VENV)/.chat ## a chat room in the browser: no cloud account, no set-up
	$(BIN)/python -m examples.chat

inspect: $(VENV)/.cli ## the local service with a page that shows what happens: no cloud account, no set-up
	$(BIN)/python -m webpubsub emulator --inspect

test: check ## run every check and every test
	$(BIN)/python -m pytest -n auto --dist loadfile

coverage: $(VENV)/.dev ## count what the tests reach, which takes longer than the tests: lines and branches are traced
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not no_cover" --cov

test-httpx2: $(VENV)/.dev ## run the tests of the clients over httpx2, the successor of httpx
	$(BIN)/python -m pytest -n auto --dist loadfile -p tests.plugins.over_httpx2 \
		tests/_async tests/_sync tests/compat tests/faults tests/test_credentials.py tests/test_entra.py tests/test_errors.py \
		tests/test_exact_urls.py tests/test_http1.py tests/test_keywords.py tests/test_logging.py tests/test_request_logging.py \
		tests/test_retrying.py tests/test_tls.py tests/test_tracing.py

test-uvloop: $(VENV)/.dev ## run the tests of the clients on uvloop, which uvicorn runs applications on
	$(BIN)/python -m pytest -n auto --dist loadfile -p tests.plugins.over_uvloop tests/_async tests/faults

check: $(VENV)/.dev ## rendered code as its sources say, format, lint, types
	$(BIN)/python codegen.py --check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	+@$(MAKE) --no-print-directory -j 2 mypy pyright

mypy pyright: $(VENV)/.dev # side by side: each keeps one processor busy
mypy:
	$(BIN)/mypy $(SOURCES)
pyright:
	$(BIN)/pyright --pythonpath $(BIN)/python

render: $(VENV)/.dev ## render spec/ into generated/, and the blocking client from the asynchronous one
	$(BIN)/python codegen.py

format: $(VENV)/.dev ## format and mend what a machine can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure against the official SDK, bare httpx and bare aiohttp
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.events
	$(BIN)/python -m benchmarks.fanout
	$(BIN)/python -m benchmarks.load

clean: ## forget the virtual environment
	rm -rf $(VENV) dist

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.demo: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[emulator]" --group demo
	@touch $@

$(VENV)/.chat: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[emulator]" --group chat
	@touch $@

$(VENV)/.cli: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[cli]"
	@touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[cli,compat,emulator,identity]" --group dev
	@$(LIMIT) npm install --silent --fetch-retries=0 --no-audit --no-fund --no-package-lock --prefix tests/emulator/javascript >/dev/null 2>&1 \
		|| echo "npm is not here, or found nothing: the tests of the JavaScript client are skipped"
	@touch $@ $(VENV)/.demo $(VENV)/.chat $(VENV)/.cli
