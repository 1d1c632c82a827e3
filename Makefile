# The two commands: `make backtest` and `make test`. Each sets up what it needs on a machine that has
# only python3 and make; the rest of the targets stand on the same set-up.

PYTHON_VERSION := $(shell cat .python-version)
SYSTEM_UV := $(shell command -v uv 2>/dev/null)
UV := $(or $(SYSTEM_UV),.uv/bin/uv)
BIN := .venv/bin
READY := .venv/.ready
BOOK ?= configs/demo.toml
SESSION ?= catalog/demo_session.jsonl.gz

# A live run is some processes, each of which would else compile all that it imports again: 1.9 s instead of 0.7.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: backtest
backtest: $(READY)  ## replay a book (BOOK=configs/demo.toml) and write its report
	$(BIN)/python run_backtest.py $(BOOK)

.PHONY: test
test: $(READY)  ## run the test suite
	$(BIN)/pytest -q -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: setup
setup: $(READY)  ## only set up

$(READY): requirements.lock pyproject.toml .python-version | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON_VERSION) .venv
	$(UV) pip install --quiet --python $(BIN)/python --constraint requirements.lock \
	  --build-constraint requirements.lock --group dev --editable .
	@touch $@

.PHONY: servers
servers: .venv/.servers  ## also install the servers that some tests want, compiled here

.venv/.servers: $(READY) | $(UV)
	$(UV) pip install --quiet --python $(BIN)/python --constraint requirements.lock \
	  --build-constraint requirements.lock --group servers
	@touch $@

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv

.PHONY: check
check: $(READY) format lint types doors test  ## everything that must be green before a commit

.PHONY: format
format: $(READY)
	$(BIN)/ruff format --check .

.PHONY: lint
lint: $(READY)
	$(BIN)/ruff check .

.PHONY: types
types: $(READY)
	$(BIN)/mypy

.PHONY: doors
doors: $(READY)
	$(BIN)/lint-imports

.PHONY: sandbox
sandbox: $(READY) $(SESSION)  ## run a book on a made-up session, played SPEED=5 times as fast: no keys, no network
	$(BIN)/python run_live.py $(BOOK) --playback $(SESSION) --speed $(or $(SPEED),5)

$(SESSION): | $(READY)
	$(BIN)/argonaut make-up $(BOOK) $@

.PHONY: rehearsal
rehearsal: $(READY)  ## trade at a made-up venue with a bad afternoon for MINUTES=10
	$(BIN)/python run_live.py $(BOOK) --mode rehearsal --duration $(or $(MINUTES),10)m

.PHONY: halts
halts: $(READY)  ## halt through every door (or DOOR=redis) N=20 times; writes build/halts.json
	$(BIN)/python -m campaigns halts --count $(or $(N),20) $(if $(DOOR),--door $(DOOR)) $(if $(JSON),--json)

.PHONY: supervised-kills
supervised-kills: $(READY)  ## kill the node N=100 times under the supervisor, in WORKERS=6 runs at once; writes build/supervised_kills.json
	$(BIN)/python -m campaigns supervised-kills --count $(or $(N),100) $(if $(WORKERS),--workers $(WORKERS)) $(if $(JSON),--json)

.PHONY: soak
soak: $(READY)  ## RATE=7000 frames a second into a sandbox for MINUTES=60; writes build/soak.json
	$(BIN)/python -m campaigns soak --minutes $(or $(MINUTES),60) --rate $(or $(RATE),7000) $(if $(JSON),--json)

.PHONY: bench
bench: $(READY)  ## measure the hot paths; prints a table and writes build/bench.json
	$(BIN)/python -m benchmarks

.PHONY: sustained
sustained: $(READY)  ## play recorded frames at full speed for MINUTES=10; writes build/sustained.json
	ARGONAUT_MINUTES=$(or $(MINUTES),10) $(BIN)/python -m benchmarks sustained

.PHONY: faults
faults: $(READY)  ## break the double of VENUE=kalshi in N=500 runs (or replay SEED=7); writes build/faults.json
	$(BIN)/python -m campaigns faults $(if $(VENUE),--venue $(VENUE)) $(if $(SEED),--seed $(SEED),--runs $(or $(N),500)) $(if $(JSON),--json)

.PHONY: kills
kills: $(READY)  ## kill a trading node N=1000 times at the double of VENUE=kalshi; writes build/kills.json
	$(BIN)/python -m campaigns kills $(if $(VENUE),--venue $(VENUE)) --kills $(or $(N),1000) $(if $(JSON),--json)

.PHONY: determinism
determinism: $(READY)  ## replay one book 100 times, in three processes; writes build/determinism.json
	ARGONAUT_REPLAYS=100 $(BIN)/pytest -q -s tests/replay/test_determinism.py

.PHONY: mutants
mutants: $(READY)  ## break risk and money code on purpose, count what tests notice (ONLY=risk/rules EVERY=9)
	nice -n 10 $(BIN)/python -m benchmarks.mutants $(ONLY) $(if $(EVERY),--every $(EVERY))

.PHONY: truncation
truncation: $(READY)  ## try 200 cuts a strategy for look-ahead; writes build/truncation.json
	ARGONAUT_CUTS=200 $(BIN)/pytest -q -s tests/replay/test_truncation.py

.PHONY: cards
cards: $(READY)  ## run the tests that carry acceptance cards; prints a matrix per venue and writes build/cards.json
	$(BIN)/pytest -q --cards=build/cards.json

.PHONY: lock
lock: | $(UV)  ## pin every version anew, with hashes and without addresses
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --all-extras --group dev --group servers --python-version $(PYTHON_VERSION) --upgrade --output-file requirements.lock pyproject.toml

.PHONY: clean
clean:
	rm -rf .venv .uv build runs .mypy_cache .ruff_cache .pytest_cache .hypothesis
