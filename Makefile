# make up    everything, ends in `ready http://...`; Ctrl-C ends it
# make test  installs what tests need and runs all of them
# make check style, types, import layers
# make help  the rest

SHELL := /bin/sh
VENV := $(shell scripts/venv-path.sh)
RUN := $(VENV)/run.stamp
TOOLS := $(VENV)/test.stamp
WEB := agent_desktop/web
WEB_SOURCES := $(shell find $(WEB) -name node_modules -prune -o -type f -print 2>/dev/null)
PYTHON := $(VENV)/bin/python

# What needs no telephone runs on both cores.
REAL_TESTS := tests/harness_selftest tests/asterisk tests/setup tests/live
# Most of them only wait, so four run side by side. Those that judge sound or time to some ten milliseconds run alone;
# those that judge a time under 2 s by the clock run two at a time, one for each core.
# The first of them find a machine that still puts away what the others left; those that judge gaps in sound come later.
LONELY_TESTS := $(addprefix tests/live/test_,crossing.py soak.py replayed.py kill_server.py faults.py recording.py)
LONELY_TESTS += $(addprefix tests/live/test_,browser_call.py waiting.py desk_phone_kill.py)
LONELY_TESTS += tests/harness_selftest/test_exact.py tests/setup/test_back_at_once.py
PAIRED_TESTS := $(addprefix tests/live/test_,hang_up.py hold.py offers.py queue_rules.py routing.py transfer.py)
PAIRED_TESTS += $(addprefix tests/live/test_,consult.py monitor.py browser_lost.py)
PAIRED_TESTS += $(addprefix tests/asterisk/test_facts_,announcements.py media.py recording.py monitor.py)
QUICK_TESTS := $(filter-out $(REAL_TESTS),$(wildcard tests/[a-z]*))
QUICK_TESTS := $(filter-out tests/__init__.py tests/harness tests/fakes tests/sip tests/torture %.md,$(QUICK_TESTS))

.PHONY: help up doctor test torture check check-python check-web bench soak prompts web lock clean

help:
	@echo "up       start everything: Asterisk, server, demo site"
	@echo "doctor   check this installation and say what to do"
	@echo "test     all tests, real Asterisk and real browser included"
	@echo "torture  a million steps of the ACD core, the kill campaign and the long forms of faults and hostile input; an hour; report in var/torture"
	@echo "check    style, types, import layers, web sources"
	@echo "bench    what a decision of the routing kernel costs, a call beside app_queue, and 500 desktops; tables and JSON"
	@echo "soak     2,000 calls: memory, leftovers, journal"
	@echo "prompts  render the spoken prompts that changed"
	@echo "web      build the web pages"
	@echo "lock     write the Python lock files anew, complete the npm one"
	@echo "clean    remove what was built here (data folders stay)"

up: $(RUN) agent_desktop/static/built.stamp
	@$(PYTHON) -m ctiserver.supervisor

doctor: $(RUN)
	@$(PYTHON) -m ctiserver.cli doctor

test: $(TOOLS) agent_desktop/static/built.stamp
	@scripts/test-programs.sh
	@$(PYTHON) -m ctiserver.asterisk.bootstrap
	cd $(WEB) && npm test --silent
	$(PYTHON) -m pytest -q -n 2 $(QUICK_TESTS)
	$(PYTHON) -m pytest -q -n 4 --dist loadfile $(REAL_TESTS) $(addprefix --ignore=,$(PAIRED_TESTS) $(LONELY_TESTS))
	@sync  # what the many have written is on disk before times and gaps are judged
	$(PYTHON) -m pytest -q -n 2 --dist loadfile $(PAIRED_TESTS)
	@sync
	$(PYTHON) -m pytest -q $(LONELY_TESTS)

torture: $(TOOLS) agent_desktop/static/built.stamp
	@scripts/test-programs.sh
	@$(PYTHON) -m ctiserver.asterisk.bootstrap
	$(PYTHON) -m tests.torture steps --seed $(or $(SEED),1) --steps $(or $(STEPS),1000000)
	$(PYTHON) -m tests.torture kill --seed $(or $(SEED),1) --kills $(or $(KILLS),20) --cast full
	$(PYTHON) -m pytest -q tests/torture

check: check-python check-web

check-python: $(TOOLS)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports --no-logo

check-web: $(WEB)/node_modules/.package-lock.json
	cd $(WEB) && npm run --silent check

bench: $(TOOLS) agent_desktop/static/built.stamp
	@scripts/test-programs.sh
	@$(PYTHON) -m benchmarks.kernel
	@$(PYTHON) -m benchmarks
	@$(PYTHON) -m benchmarks.desktops

soak: $(RUN)
	@$(PYTHON) -m benchmarks.soak

prompts:
	@scripts/prompts.sh

web: agent_desktop/static/built.stamp

lock: $(TOOLS)
	scripts/lock.sh $(PYTHON)
	$(PYTHON) scripts/complete-npm-lock.py $(WEB)/package-lock.json

clean:
	rm -rf $(VENV) .venv $(WEB)/node_modules agent_desktop/static build dist
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements.lock scripts/venv.sh
	@scripts/venv.sh $(VENV) requirements.lock
	@touch $@

$(TOOLS): requirements-test.lock $(RUN)
	@scripts/venv.sh $(VENV) requirements-test.lock
	@touch $@

$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json
	@echo "web: installing packages" >&2
	@scripts/node-version.sh
	@cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

agent_desktop/static/built.stamp: $(WEB)/node_modules/.package-lock.json $(WEB_SOURCES)
	@echo "web: building the pages" >&2
	@cd $(WEB) && npm run --silent build
	@touch $@
