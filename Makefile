# Hullmark's one door. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
DEMO_AS_OF := 2026-08-22T00:00:00Z
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
export HULLMARK_DEMO := $(DEMO)

.PHONY: help demo dev test test-fast check golden docs e2e bench tools format lock integrations clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "%-12s %s\n", $$1, $$2}'

$(VENV)/installed: pyproject.toml requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

dev: $(VENV)/installed ## Set up everything that development needs

demo: $(VENV)/installed ## Scan a real image with real advisories, without network
	HULLMARK_CACHE_DIR=$(DEMO) $(BIN)/hullmark db build --quiet --from demo/feeds --as-of $(DEMO_AS_OF)
	HULLMARK_CACHE_DIR=$(DEMO) $(BIN)/hullmark scan demo/image.tar --base demo/image.tar:alpine-3.10 --offline --as-of $(DEMO_AS_OF)

tools: ## Install the programs that some tests use as servers and oracles (Debian packages)
	sh tests/install-tools.sh

test: $(VENV)/installed tools ## Run every test
	$(BIN)/python -m pytest -n 2 -q

test-fast: $(VENV)/installed ## Run the tests that need no server
	$(BIN)/python -m pytest -n 2 -q -m "not e2e and not slow"

e2e: $(VENV)/installed tools ## Run the tests that use the program as a whole
	$(BIN)/python -m pytest -q -m e2e

check: $(VENV)/installed ## Lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: $(VENV)/installed ## Rewrite the golden files; read what changed
	$(BIN)/python -m pytest -q -p no:randomly --update-golden tests/detectors/test_golden.py tests/advisories/test_golden_feeds.py tests/reports

bench: $(VENV)/installed ## Measure against the peers (installs them; takes an hour the first time)
	$(BIN)/python bench/run.py

docs: $(VENV)/installed ## Rewrite the pages of the documentation that are made from the code
	$(BIN)/python docs/reference/_tables.py
	$(BIN)/python docs/reference/_formats.py
	$(BIN)/python docs/reference/_rules.py
	$(BIN)/python docs/reference/_policies.py

format: $(VENV)/installed ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## Pin anew what development, and what Hullmark itself in CI, needs
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml requirements-dev.in -o requirements-dev.txt
	$(LOCK) --extra verify -c requirements-dev.txt pyproject.toml -o integrations/requirements.txt
	$(LOCK) --extra policy --extra verify -c requirements-dev.txt pyproject.toml -o integrations/requirements-policy.txt

integrations: $(VENV)/installed ## Put the script into every CI template; WHEEL=FILE makes that wheel what they install
	$(BIN)/python integrations/_write.py $(if $(WHEEL),--wheel $(WHEEL))

clean: ## Remove what was made here
	rm -rf $(VENV) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
