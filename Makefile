# Everything a person does here. `make help` lists it.

PYTHON ?= python3
export PYTHONDONTWRITEBYTECODE := 1
export SAM_CLI_TELEMETRY := 0

VENV := .venv
SAM := .local/venvs/sam
STACK := .local/venvs/stack
CHECKOV := .local/venvs/checkov
BENCH := .local/venvs/bench
BIN := $(VENV)/bin
TOOLS := $(VENV)/.installed $(SAM)/.installed $(STACK)/.installed

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# -- the virtual environments: the tools', SAM's and the local stack's, which want other versions of the same things ----

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

$(SAM)/.installed: tools/requirements/sam.txt
	@echo "  installing SAM ..."
	@$(install)

$(STACK)/.installed: tools/requirements/stack.txt
	@echo "  installing the local stack ..."
	@$(install)

$(CHECKOV)/.installed: tools/requirements/checkov.txt
	@echo "  installing checkov ..."
	@$(install)

$(BENCH)/.installed: tools/requirements/bench.txt
	@echo "  installing what the benchmarks compare with ..."
	@$(install)
	@$(BENCH)/bin/python -c 'import site; print(*site.getsitepackages())' | xargs -I @ sh -c 'echo "$(CURDIR)/layers/core" > @/journeys.pth'

.PHONY: install
install: $(TOOLS)  ## make the virtual environments

.PHONY: requirements
requirements: $(VENV)/.installed  ## pin the newest versions of what we depend on
	for name in layers/dependencies/requirements layers/webhooks/requirements layers/analytics/requirements \
	    tools/requirements/pip tools/requirements/dev tools/requirements/sam tools/requirements/stack tools/requirements/bench tools/requirements/checkov; do \
	  $(BIN)/pip-compile --quiet --upgrade --generate-hashes --no-strip-extras --allow-unsafe --no-header \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file $$name.txt $$name.in || exit 1; done

# -- using it ----------------------------------------------------------------------------------------------------------

.PHONY: run
run: $(TOOLS)  ## start the local stack, send sample events, show a journey
	@$(BIN)/python -m tools.local_stack.run

.PHONY: down
down: $(VENV)/.installed  ## end the local stack
	@$(BIN)/python -m tools.local_stack.stack down

.PHONY: logs
logs: $(VENV)/.installed  ## what the functions say; FOLLOW=1 goes on
	@$(BIN)/python -m tools.local_stack.stack logs $(if $(FOLLOW),--follow)

.PHONY: openapi
openapi: $(VENV)/.installed  ## write the API's description anew, after a change of a route or of a request
	@$(BIN)/python -m tools.documentation.openapi

.PHONY: import
import: $(VENV)/.installed  ## bring a CSV of past events in: FILE=... MAPPING=...
	@$(BIN)/python -m tools.importer.importing $(if $(MAPPING),--mapping "$(MAPPING)") "$(FILE)"

# -- proving it --------------------------------------------------------------------------------------------------------

.PHONY: check
check: $(TOOLS) $(CHECKOV)/.installed  ## style, types, template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy layers/core/journeys functions tools tests
	$(BIN)/cfn-lint template.yaml monitoring/template.yaml
	$(SAM)/bin/sam validate --lint --region us-east-1
	$(CHECKOV)/bin/checkov --config-file .checkov.yaml

.PHONY: test
test: $(TOOLS)  ## everything that proves the product
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests; status=$$?; \
	  $(BIN)/python -m tools.local_stack.stack --home .local/test down; exit $$status

.PHONY: sam-local
sam-local: $(TOOLS)  ## every function under `sam local invoke`, with Docker
	@$(BIN)/python -m tools.sam_local.sam_local

.PHONY: load
load: $(TOOLS)  ## two minutes of load while functions are killed, then every event accounted for: SECONDS=60 RATE=40
	@$(BIN)/python -m tools.load.command $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(RATE),--rate "$(RATE)")

.PHONY: bench
bench: $(TOOLS) $(BENCH)/.installed  ## the benchmarks, as a table and as JSON
	@$(BIN)/python -m tests.bench
