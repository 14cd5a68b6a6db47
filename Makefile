# `make demo` shows a master at work; `make test` checks everything. Both set up what they need.
.PHONY: demo test lint unit slow bench format

demo:
	@scripts/set-up run
	@.venv/bin/chargehand demo $(if $(DIR),--directory $(DIR))

test: lint unit

lint:
	@scripts/set-up test
	.venv/bin/ruff format --check src tests
	.venv/bin/ruff check src tests
	.venv/bin/lint-imports
	.venv/bin/mypy

unit:
	@scripts/set-up test
	.venv/bin/python -m pytest -n 3

slow:
	@scripts/set-up test
	.venv/bin/python -m pytest -m slow

format:
	.venv/bin/ruff format src tests
	.venv/bin/ruff check --fix src tests

bench:
	@scripts/set-up test
	.venv/bin/python bench/compare.py
