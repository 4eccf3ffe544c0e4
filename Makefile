.DEFAULT_GOAL := help
.PHONY: help run test live fix golden docs bench bench-scoring bench-choice bench-backtest bench-metrics bench-crashes lock clean
export PYTHON

PY := .venv/bin/python

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run.stamp ## Start it on port 8000 (BRIDGE_PORT), with an example while no source is configured
	@scripts/run

test: .venv/dev.stamp ## Everything CI runs: format, lint, types, import contracts, all tests
	@scripts/check

live: .venv/dev.stamp ## Run adapters against real systems on this machine (as root on Debian it installs them)
	@scripts/live

fix: .venv/dev.stamp ## Format, and mend what the linter can mend
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .

golden: .venv/dev.stamp ## Rewrite the adapters' *.expected.json and config/schemas; read the diff before you commit it
	@$(PY) -c 'import pathlib; from bridge.hosts import HostsFile; from bridge.playbook.schemas import write_schemas; write_schemas(pathlib.Path("config/schemas"), {"hosts": HostsFile}); from bridge.automation.schemas import write_schemas as more; more(pathlib.Path("config/schemas"))'
	@$(PY) -m pytest -q contract_tests --update-golden -k golden

docs: .venv/dev.stamp ## Write docs/VENDORS.md from manifests and mappings; fails where it was out of date
	@$(PY) -m contract_tests.table

bench: .venv/dev.stamp ## Measure look-up, webhook acknowledgement and import against their limits
	@$(PY) -m benchmarks

bench-scoring: .venv/dev.stamp ## Measure risk, value and mood: how right they are, how fast they are found and used
	@$(PY) -m benchmarks scoring worth truth mood rescore

bench-choice: .venv/dev.stamp ## Measure choosing scripts: are ranges right, what does learning cost (15 minutes)
	@$(PY) -m benchmarks choice

bench-crashes: .venv/dev.stamp ## Kill workers 200 times while automations write: nobody twice, nothing lost (30 minutes)
	@$(PY) -m benchmarks crashes

bench-backtest: .venv/dev.stamp ## Measure automations held against two years of 100,000 customers (10 minutes)
	@$(PY) -m benchmarks backtest

bench-metrics: .venv/dev.stamp ## Measure the figures on retention of 100,000 customers: time, memory, how fast they are read
	@$(PY) -m benchmarks metrics

lock: ## Solve and hash-lock the requirements anew (needs uv)
	@scripts/lock

clean: ## Remove .venv and caches; the data in .var stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov dist
	find bridge adapters contract_tests tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/%.stamp: requirements/%.txt scripts/install
	@scripts/install $*
	@touch $@
