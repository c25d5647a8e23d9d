# `make help` lists the targets. `.venv/bin/journeys --help` lists the commands that most of them call.

PYTHON ?= python3
export PYTHONDONTWRITEBYTECODE := 1
export SAM_CLI_TELEMETRY := 0

VENV := .venv
SAM := .local/venvs/sam
STACK := .local/venvs/stack
CHECKOV := .local/venvs/checkov
BENCH := .local/venvs/bench
MINING := .local/venvs/mining
NODE := .local/venvs/node
BIN := $(VENV)/bin
JOURNEYS := $(BIN)/journeys
TOOLS := $(JOURNEYS) $(SAM)/.installed $(STACK)/.installed

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# -- virtual environments: one each for the tools, SAM and the local stack, which need different versions -----------------

define install
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.13 ...")'
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	for list in tools/requirements/pip.txt $<; do \
	  $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $$list || exit 1; done
	touch $@
endef

$(VENV)/.installed: tools/requirements/dev.txt
	@echo "  installing the tools ..."
	@$(install)
	@$(BIN)/python -c 'import site; print(*site.getsitepackages())' | xargs -I @ sh -c 'echo "$(CURDIR)/layers/core" > @/journeys.pth'

# A script, because an editable install needs a build backend. It imports from the folder that contains the environment.
$(JOURNEYS): Makefile $(VENV)/.installed
	@printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'import pathlib, sys' \
	  'root = pathlib.Path(__file__).absolute().parents[2]' \
	  'sys.path[:0] = [str(folder) for folder in (root, root / "layers" / "core", "$(CURDIR)")]' \
	  'from tools.cli import journeys' 'journeys(prog_name="journeys")' > $@
	@chmod +x $@

$(SAM)/.installed: tools/requirements/sam.txt
	@echo "  installing SAM ..."
	@$(install)

$(STACK)/.installed: tools/requirements/stack.txt
	@echo "  installing the local stack ..."
	@$(install)

$(CHECKOV)/.installed: tools/requirements/checkov.txt
	@echo "  installing checkov ..."
	@$(install)

$(NODE)/.installed: tools/requirements/node.txt
	@echo "  installing Node.js ..."
	@$(install)

$(BENCH)/.installed: tools/requirements/bench.txt
	@echo "  installing the benchmarks ..."
	@$(install)
	@$(BENCH)/bin/python -c 'import site; print(*site.getsitepackages())' | xargs -I @ sh -c 'echo "$(CURDIR)/layers/core" > @/journeys.pth'

$(MINING)/.installed: tools/requirements/mining.txt
	@echo "  installing libraries of process mining ..."
	@$(install)
	@$(MINING)/bin/python -c 'import site; print(*site.getsitepackages())' | xargs -I @ sh -c 'echo "$(CURDIR)/layers/core" > @/journeys.pth'

.PHONY: install
install: $(TOOLS)  ## create the virtual environments and the command .venv/bin/journeys

.PHONY: requirements
requirements: $(VENV)/.installed  ## pin the newest versions of all dependencies
	for name in layers/dependencies/requirements layers/webhooks/requirements layers/analytics/requirements \
	    tools/requirements/pip tools/requirements/dev tools/requirements/sam tools/requirements/stack tools/requirements/bench tools/requirements/mining tools/requirements/checkov \
	    tools/requirements/node; do \
	  $(BIN)/pip-compile --quiet --upgrade --generate-hashes --no-strip-extras --allow-unsafe --no-header \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file $$name.txt $$name.in || exit 1; done

# -- the local stack ---------------------------------------------------------------------------------------------------

.PHONY: run
run: $(TOOLS)  ## start the local stack, send sample events, show a journey, a view and paths
	@$(JOURNEYS) up

.PHONY: down
down: $(JOURNEYS)  ## stop the local stack
	@$(JOURNEYS) down

.PHONY: logs
logs: $(JOURNEYS)  ## the functions' last log lines; FOLLOW=1 waits for more
	@$(JOURNEYS) logs $(if $(FOLLOW),--follow)

.PHONY: openapi
openapi: $(JOURNEYS)  ## write the OpenAPI document after a change of a route
	@$(JOURNEYS) openapi

.PHONY: import
import: $(JOURNEYS)  ## import a CSV of past events: FILE=... MAPPING=...
	@$(if $(FILE),,echo "Name the file: make import FILE=events.csv" >&2; exit 2)
	@$(JOURNEYS) import $(if $(MAPPING),--mapping "$(MAPPING)") "$(FILE)"

# -- the console -------------------------------------------------------------------------------------------------------

NPM := PATH="$(CURDIR)/$(NODE)/bin:$$PATH" npm --prefix console
CONSOLE_SOURCES := $(shell find console tools/samples/deliveries -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/src/api/schema.d.ts')

console/node_modules/.installed: console/package-lock.json $(NODE)/.installed
	@echo "  installing the console's packages ..."
	@$(NPM) ci --silent
	@touch $@

console/src/api/schema.d.ts: functions/openapi/openapi.json console/node_modules/.installed
	@$(NPM) run --silent types > /dev/null

console/dist/index.html: $(CONSOLE_SOURCES) console/src/api/schema.d.ts
	@echo "  building the console ..."
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

.PHONY: console
console: console/dist/index.html  ## build the console; `make run` and `sam build` do so as well

.PHONY: dev
dev: console/src/api/schema.d.ts  ## serve the console with hot reload, against the local stack that `make run` started
	@$(NPM) run --silent dev

.PHONY: screenshots
screenshots: $(JOURNEYS)  ## take the documentation's pictures of the console from the local stack, with Chromium
	@$(JOURNEYS) docs screenshots

# -- tests -------------------------------------------------------------------------------------------------------------

.PHONY: check check-python check-template check-console
check: check-python check-template check-console  ## style, types, template; with -j2 at the same time

check-python: $(TOOLS)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy layers/core/journeys functions tools tests

check-template: $(TOOLS) $(CHECKOV)/.installed
	$(BIN)/cfn-lint template.yaml monitoring/template.yaml
	$(SAM)/bin/sam validate --lint --region us-east-1
	$(CHECKOV)/bin/checkov --config-file .checkov.yaml

check-console: console/src/api/schema.d.ts
	$(NPM) run --silent check
	$(NPM) run --silent audit

.PHONY: quick
quick: $(JOURNEYS)  ## unit tests without emulated tables and without slow ones, in under a minute
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not moto and not slow" tests/unit

.PHONY: test
test: $(TOOLS) console/src/api/schema.d.ts  ## all tests; two workers
	@$(NPM) test --silent
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests; status=$$?; \
	  $(JOURNEYS) down --home .local/test; exit $$status

.PHONY: properties
properties: $(TOOLS)  ## the property tests of figures, persons, mappings and validation with 20 times as many examples
	@TEST_THOROUGHNESS=20 $(BIN)/python -m pytest -q -n 2 --dist worksteal $$(grep -l "import examples" tests/unit/*.py)

.PHONY: sam-local
sam-local: $(TOOLS)  ## run every function under `sam local invoke`, with Docker
	@$(JOURNEYS) sam-local test

.PHONY: load
load: $(TOOLS)  ## send load while AWS fails and functions are killed, and account for every event: SECONDS=60 RATE=40 FAULTS=0.1
	@$(JOURNEYS) load $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(RATE),--rate "$(RATE)") \
	  $(if $(FAULTS),--fault-rate "$(FAULTS)")

.PHONY: bench
bench: $(TOOLS) $(BENCH)/.installed $(MINING)/.installed  ## the benchmarks, as a table and as JSON
	@$(BIN)/python -m tests.bench
