# `make demo` shows a master at work; `make test` checks everything. Both set up what they need.
.PHONY: demo ui ui-lint ui-test screenshots test lint unit slow explore fuzz measures bench format installed

demo:
	@scripts/set-up run
	@.venv/bin/chargehand demo $(if $(DIR),--directory $(DIR))

# The web UI with hot reload, at http://localhost:5173, for the running master at MASTER.
ui: MASTER ?= http://localhost:8010
ui:
	@scripts/set-up run
	@cd web && MASTER=$(MASTER) $(NODE) node_modules/vite/bin/vite.js

# The Node that `scripts/set-up` found or installed.
NODE = $$($(CURDIR)/.venv/bin/python $(CURDIR)/scripts/ui/build.py --path)

test: lint unit ui-test

ui-lint: installed
	cd web && $(NODE) node_modules/typescript/bin/tsc --noEmit
	cd web && $(NODE) node_modules/oxlint/bin/oxlint --deny-warnings src

ui-test: installed ui-lint
	cd web && $(NODE) node_modules/vitest/vitest.mjs run

# A picture of every page, of a farm with months of history, light and dark, wide and narrow.
screenshots:
	@scripts/set-up slow
	PYTHONPATH=tests/scenario .venv/bin/python tests/browser/screenshots.py $(or $(INTO),screenshots) $(PAGES)

installed:
	@scripts/set-up test

lint: installed
	.venv/bin/ruff format --check src tests
	.venv/bin/ruff check src tests
	.venv/bin/lint-imports
	.venv/bin/mypy

# A test that fails is run again, twice at most, and named at the end if it passes then: see
# docs/decisions/0072.
AGAIN = --reruns 2 -r fER

unit: installed
	.venv/bin/python -m pytest -n 4 $(AGAIN)

slow:
	@scripts/set-up slow
	@# The browser's driver keeps a loop running, in which other tests could not run theirs.
	BUILDBOT=$(CURDIR)/bench/run/peer/bin/buildbot .venv/bin/python -m pytest -m slow -n 2 $(AGAIN) --ignore=tests/browser
	.venv/bin/python -m pytest -m slow $(AGAIN) tests/browser

# All tests with new dice, and threads that finish early or late: see docs/decisions/0094.
explore: installed
	EXPLORE=1 .venv/bin/python -m pytest -n 4 -r fE

# Ten minutes for each protocol of stock workers: see scripts/fuzz.
fuzz: installed
	scripts/fuzz $(SECONDS)

measures: installed
	.venv/bin/python scripts/measures

format: installed
	.venv/bin/ruff format src tests
	.venv/bin/ruff check --fix src tests

bench:
	@scripts/set-up bench
	.venv/bin/python bench/compare.py
