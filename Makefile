# Needs make and Python 3.11 or newer; everything else is installed into .venv.
.POSIX:
.DEFAULT_GOAL := help
.PHONY: help demo run test soak bench lint types contracts check format reset lock

PYTHON = .venv/bin/python
RUNTIME = .venv/.runtime
DEVELOPMENT = .venv/.development
INSTALL = $(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes
PYTEST = $(PYTHON) -m pytest --cov -n auto
COMPILE = .venv/bin/uv pip compile -q pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-emit-index-url \
	--custom-compile-command "make lock"

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## Run everything here with sample data; stop it with Ctrl-C
	@$(PYTHON) manage.py demo

run: $(RUNTIME) ## Run everything here on the data of the last run
	@$(PYTHON) manage.py serve

reset: $(RUNTIME) ## Delete the data of demo and run
	@$(PYTHON) -m config.embedded reset

test: $(DEVELOPMENT) ## Run the tests on PostgreSQL and Valkey of their own
	@$(PYTEST)

soak: $(DEVELOPMENT) ## Compare long histories of credits and of the gate with models
	@SOAK_EXAMPLES=5000 $(PYTHON) -m pytest -n auto tests/stories/test_credit_machine.py
	@SOAK_EXAMPLES=5000 SOAK_INTERLEAVINGS=100000 $(PYTHON) -m pytest -n auto -rP \
		tests/ratelimits/test_gate_model.py tests/ratelimits/test_interleavings.py

bench: $(DEVELOPMENT) ## Measure this machine; fails if the ledger is slow
	@$(PYTHON) -m tests.benchmarks

lint: $(DEVELOPMENT) ## Check style and formatting
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@find templates -name '*.html' -exec .venv/bin/djade --check {} +
	@find templates -name '*.html' -exec .venv/bin/djlint --lint --quiet {} +

types: $(DEVELOPMENT) ## Check types
	@.venv/bin/mypy

contracts: $(DEVELOPMENT) ## Check who may import whom
	@.venv/bin/lint-imports

check: lint types contracts test ## Check everything, as CI does

format: $(DEVELOPMENT) ## Rewrite code and templates in the house style
	@find billing config invoices ledger ratelimits tests -name '*.py' \
		-exec .venv/bin/django-upgrade --exit-zero-even-if-changed {} +
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .
	@find templates -name '*.html' -exec .venv/bin/djade {} +

lock: $(DEVELOPMENT) ## Pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade -o requirements.lock
	$(COMPILE) --upgrade --extra dev -c requirements.lock -o requirements-dev.lock

# A name such as python3.12 may stand for a version that is not installed: try it.
$(PYTHON):
	@for python in python3.11 python3.12 python3.13 python3; do \
		if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' \
			2>/dev/null; then exec $$python -m venv .venv; fi; \
	done; \
	echo "Tollgate needs Python 3.11 or newer, with its venv module." >&2; exit 1

$(RUNTIME): requirements.lock $(PYTHON)
	@echo "Installing into .venv: this takes a minute, once."
	@$(INSTALL) -r requirements.lock
	@touch $@

# The development lock holds the runtime's too, at the same versions.
$(DEVELOPMENT): requirements-dev.lock requirements.lock $(PYTHON)
	@echo "Installing the development tools into .venv: this takes a minute, once."
	@$(INSTALL) -r requirements-dev.lock
	@touch $(RUNTIME) $@
