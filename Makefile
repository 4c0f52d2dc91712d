# Everything a person does with a checkout. `make help` explains each target.
.DEFAULT_GOAL := help
.PHONY: help install setup run demo test check bench nightly screens

BIN := .venv/bin
# Three at a time, each with a PostgreSQL of its own: tests wait more than they compute, so two cores serve three.
SUITE := $(BIN)/pytest -n 3 --dist loadfile

help: ## Explain each target
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

install: ## Install what running needs into .venv (Python 3.11+; brings uv if it is absent; PYTHON=... picks the interpreter)
	@scripts/setup

setup: install ## The same, and a Chromium for the tests
	@scripts/browser

run: install ## Install, then start Grace on http://127.0.0.1:8005 with its own PostgreSQL; Ctrl-C stops it
	@exec $(BIN)/grace up

demo: install ## Drive one whole job from lead to cash over HTTP and prove the books
	@exec $(BIN)/grace demo

check: install ## Format, lint, strict types, import contracts, migrations, settings and limits
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/house/test_limits.py tests/house/test_settings.py tests/house/test_migrations.py tests/house/test_routes.py

test: setup check ## make check, then the whole suite against a real PostgreSQL (GRACE_TEST_DATABASE_URL names another)
	$(SUITE)

nightly: setup check ## The suite on PostgreSQL 16 and on 18, then the long simulations
	GRACE_TEST_POSTGRES_MAJOR=16 $(SUITE)
	GRACE_TEST_POSTGRES_MAJOR=18 $(SUITE)
	$(BIN)/pytest -m nightly

bench: install ## Measure against the stated bars, within 20 minutes (ONLY=name for one of them)
	@$(BIN)/python -m bench $(ONLY)

screens: setup ## Take the pictures of docs/screens anew
	@$(BIN)/python scripts/screens.py
