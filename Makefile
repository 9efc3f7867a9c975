# What there is to do here. `make` alone prints it; the line after each `##` is what it prints.

PYTHON ?= python3
HOST   ?= 127.0.0.1
PORT   ?= 8000

VENV := .venv
PIP  := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement
NPM  := npm --prefix tools --no-audit --no-fund

# Only `make lock` needs it, so it has an environment of its own.
UV_VERSION := 0.13.9
UV         := .venv-lock/bin/uv
COMPILE    := $(UV) pip compile pyproject.toml --no-config --quiet --universal --python-version 3.11 --generate-hashes \
              --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check format lint types security spectral clients bench docs wheel lock vendor clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make run serves on http://$(HOST):$(PORT). HOST, PORT, CHANCERY_DATA (./data) and CHANCERY_DATABASE"
	@echo "  change where and what; PYTHON=python3.12 says which Python makes $(VENV)."

run: $(VENV)/.runtime ## serve the knowledge base, its explorer and its docs
	@exec $(VENV)/bin/chancery serve --host $(HOST) --port $(PORT)

test: $(VENV)/.dev ## run the tests; ARGS='-k name' picks some
	@$(VENV)/bin/python -m pytest $(ARGS)

check: lint types security spectral clients test ## everything that must hold before a commit: style, types, spec, tests

format: $(VENV)/.dev ## lay the code out, and mend what can be mended without thought
	@$(VENV)/bin/ruff check --quiet --fix --exit-zero
	@$(VENV)/bin/ruff format

lint: $(VENV)/.dev ## style only
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/ruff check

types: $(VENV)/.dev ## types only
	@$(VENV)/bin/mypy

security: $(VENV)/.dev ## bandit over the application
	@$(VENV)/bin/bandit --quiet --recursive --configfile pyproject.toml app migrations

spectral: $(VENV)/.dev ## lint the OpenAPI document (needs Node.js; says so and goes on where there is none)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory .spectral; \
	else echo "No Node.js here, so the OpenAPI document is not linted."; fi

.PHONY: .openapi .spectral .clients
.openapi:
	@mkdir -p build
	@$(VENV)/bin/python -m scripts.openapi > build/openapi.json

.spectral: tools/node_modules/.installed .openapi
	@tools/node_modules/.bin/spectral lint build/openapi.json --ruleset .spectral.yaml --fail-severity hint

clients: $(VENV)/.dev ## make a Python and a TypeScript client from the OpenAPI document, and check that they compile
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory .clients; \
	else echo "No Node.js here, so no clients are made."; fi

.clients: tools/node_modules/.installed .openapi
	@tools/node_modules/.bin/openapi-typescript build/openapi.json --output build/client.ts
	@tools/node_modules/.bin/tsc --noEmit --strict --target es2022 --moduleResolution bundler --module esnext build/client.ts
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" openapi-python-client generate --path build/openapi.json --output-path build/client \
	  --overwrite
	@$(VENV)/bin/python -m compileall -q build/client

bench: $(VENV)/.bench ## measure against peers and limits; SCENARIO=S3, QUICK=1, RESUME=1, ROWS=1000000, DATABASE=postgresql pick
	@$(VENV)/bin/python -m benchmarks $(if $(SCENARIO),--scenario $(SCENARIO)) $(if $(QUICK),--quick) \
	  $(if $(ROWS),--rows $(ROWS)) $(if $(DATABASE),--database $(DATABASE)) $(if $(RESUME),--resume) \
	  $(if $(FOLDER),--folder $(FOLDER)) $(ARGS)

docs: $(VENV)/.dev ## write the pages under docs/ that are made from the code
	@$(VENV)/bin/python -m scripts.docs

wheel: $(VENV)/.dev ## build the package into dist/
	@$(VENV)/bin/python -m hatchling build --target wheel

lock: $(UV) ## pin the dependencies again; UPGRADE=--upgrade takes the newest that pyproject.toml allows
	@$(COMPILE) --extra parquet --group dev --output-file requirements-dev.txt
	@# Second, and within the first: whoever serves runs exactly the versions that were tested.
	@$(COMPILE) --extra parquet --constraints requirements-dev.txt --output-file requirements.txt
	@# Third, and beside the first: what is measured against runs on the same uvicorn.
	@$(COMPILE:pyproject.toml=--group pyproject.toml:bench) --constraints requirements-dev.txt --output-file requirements-bench.txt

vendor: ## fetch the browser's vendored files again, as their manifests say (needs npm)
	@$(PYTHON) -m scripts.vendor

clean: ## remove what these commands made; the data stays
	@rm -rf $(VENV) .venv-lock build dist tools/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find app migrations scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Below: what the above stands on. A stamp is newer than its lock file exactly when the environment holds that lock,
# so a second `make run` starts no pip.

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Chancery needs Python 3.11 or newer; '$(PYTHON)' is `$(PYTHON) --version 2>&1`." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "'$(PYTHON)' cannot make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.txt scripts/link.py | $(VENV)/bin/python
	@echo "Installing what Chancery runs on into $(VENV) …"
	@$(PIP) requirements.txt
	@$(VENV)/bin/python scripts/link.py
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo "Installing what its tests need into $(VENV) …"
	@$(PIP) requirements-dev.txt
	@touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.dev
	@echo "Installing what is measured against into $(VENV) …"
	@$(PIP) requirements-bench.txt
	@touch $@

$(UV):
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)

tools/node_modules/.installed: tools/package-lock.json
	@$(NPM) ci --ignore-scripts --loglevel=error
	@touch $@
