# Two commands do everything on a machine that has git, make and Python (3.11 to 3.13) with venv:
#     make demo    calls of a recorded Asterisk on http://127.0.0.1:9469/metrics, nothing else needed
#     make test    all checks and tests, with a real Asterisk where this is Debian and you are root
PYTHON ?= $(shell .ci/pythons | head -n 1)
VENV   ?= .venv

.PHONY: demo test quick bench format requirements clean

demo: $(VENV)/.demo
	$(VENV)/bin/python -m callmon demo

test:
	.ci/test

# Formats, lint, types, imports and the tests that need no exchange, on one Python: for the desk.
quick: $(VENV)/.dev
	.ci/checks $(VENV)/bin/python
	$(VENV)/bin/python -m pytest -m 'not lab'

bench: $(VENV)/.dev
	$(VENV)/bin/python -m tests.bench

format: $(VENV)/.dev
	$(VENV)/bin/python -m ruff format callmon tests
	$(VENV)/bin/python -m ruff check --fix callmon tests

# Pins with hashes and without addresses.
requirements: $(VENV)/.dev
	$(VENV)/bin/python -m pip install --quiet uv
	$(VENV)/bin/python -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url --quiet -o requirements.txt
	$(VENV)/bin/python -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-emit-index-url --quiet -o requirements-dev.txt

$(VENV)/.demo: requirements.txt
	.ci/venv $(PYTHON) $(VENV) requirements.txt && touch $@

$(VENV)/.dev: requirements-dev.txt
	.ci/venv $(PYTHON) $(VENV) requirements-dev.txt && touch $@ $(VENV)/.demo

clean:
	rm -rf .venv .venv-3.* .lab build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
