# The commands of this checkout. All of them make .venv/ first where it is missing or out of date.
#   make run        the whole pipeline on the preset tiny, then where to look    (ARGS="--config smoke" and so on)
#   make test       the test suite                                               (ARGS="tests/unit -k split")
#   make lint       ruff, import contracts, types, secret scan
#   make setup      the environment alone     (WHEELS=DIR: offline)       make wheels   all wheels, for offline machines
#   make down       stop the local servers                                make lock     renew the lock files
# PYTHON=python3.12 chooses the interpreter of an environment that is made anew.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test lint setup wheels down lock

# The environment's own interpreter, else the tested one, else a later one, else whatever python3 is, to say what is wrong.
PYTHON ?= $(shell for p in .venv/bin/python python3.11 python3.12 python3.13 python3; do $$p -c '' 2>/dev/null && echo $$p && break; done)
WHEELS ?=
ARGS ?=
# Of the test suite; 0 for a debugger.
WORKERS ?= 2
SETUP = $(or $(PYTHON),$(error Python 3.11 to 3.13 is needed; none was found. On Debian: apt install python3 python3-venv)) \
	tools/setup.py $(if $(WHEELS),--wheels "$(WHEELS)")
# Values that look like secrets are the test material of data/sample and of the finders; elsewhere a line that needs one says `pragma: allowlist secret`.
# Digests are everywhere here and look like hexadecimal keys: that one rule is off.
SCAN = --disable-plugin HexHighEntropyString
NOT_SCANNED = ^(data/sample/|tests/unit/corpus/scrubbing/|requirements.*\.lock$$)

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -7

run:
	@$(SETUP) --preview
	@.venv/bin/gptmodel run --config tiny $(ARGS)

test:
	@$(SETUP) --dev
	@.venv/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint:
	@$(SETUP) --dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	.venv/bin/mypy
	@git ls-files -z | grep -zvE '$(NOT_SCANNED)' | xargs -0 .venv/bin/detect-secrets-hook $(SCAN) && echo "No secrets found."

setup:
	@$(SETUP)

wheels:
	@$(SETUP) --download $(or $(WHEELS),wheels)

down:
	@if [ -x .venv/bin/gptmodel ]; then .venv/bin/gptmodel down; else echo "Nothing was started from this checkout."; fi

lock:
	@$(SETUP) --dev
	@.venv/bin/python tools/lock.py
