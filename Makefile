# Two commands do everything on a machine that has git, make and Python (3.11 to 3.14) with venv:
#     make demo    calls of a recorded Asterisk, seen on http://127.0.0.1:10469/; nothing else needed
#     make test    checks and tests, with a real Asterisk where this is Debian and you are root
PYTHON ?= $(or $(firstword $(shell .ci/pythons 2>/dev/null)),$(error $(shell .ci/pythons 2>&1)))
VENV   ?= .venv
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

.PHONY: demo test quick test-all test-rest bench format references docs requirements up calls down archive image dist clean

demo: $(VENV)/.demo
	$(VENV)/bin/python -m callmon demo

# Formats, lint, types, import contracts, all tests that need no server, and one run of a real Asterisk. Minutes.
# AND names a stage to run after it: .ci/run has `ci`.
test:
	$(PYTHON) .ci/stage.py test $(AND)

# The checks and the unit tests: seconds, for the desk.
quick:
	$(PYTHON) .ci/stage.py quick

# `test` with coverage, then what it leaves out: other Pythons, real servers, PostgreSQL, browser, containers.
test-all:
	CALLMON_COVERAGE=1 $(PYTHON) .ci/stage.py test rest

test-rest:
	$(PYTHON) .ci/stage.py rest

bench: $(VENV)/.dev
	$(VENV)/bin/python -m bench

format: $(VENV)/.dev
	$(VENV)/bin/python -m ruff format callmon tests docs dashboards bench dev
	$(VENV)/bin/python -m ruff check --fix callmon tests docs dashboards bench dev

# The parts of the documentation that are made from the product: docs/*/reference, docs/man, the pages /fr/guide and /en/guide.
references: $(VENV)/.dev
	$(VENV)/bin/python -m docs.source

# The documentation as a site, in dist/docs: open dist/docs/index.html.
docs:
	.ci/docs $(PYTHON) dist/docs

# The whole stack in containers, with its passwords made first; `calls` adds a ministry's day of them; `down` stops it.
up:
	.docker/secrets.sh
	docker compose up --build --wait

calls:
	.docker/secrets.sh
	docker compose --profile calls up --build --wait

down:
	docker compose --profile calls down

# For a machine without the Internet: everything in one archive; and the same as an image.
archive: $(VENV)/.demo
	.ci/archive $(VENV)/bin/python

image: archive
	docker build --build-context wheels=dist/wheels -t callmon:$(VERSION) .
	docker save callmon:$(VERSION) | gzip -n > dist/callmon-$(VERSION)-image.tar.gz

# What people install, in dist/release: a wheel, a source archive, Debian packages, the image; nothing is published.
dist:
	.ci/packages/make $(PYTHON)

# Pins with hashes and without addresses. A pin names its extras: pip before 23.3 takes the newest release otherwise.
COMPILE = $(VENV)/bin/python -m uv pip compile --universal --python-version 3.11 --no-strip-extras --no-header \
    --no-emit-index-url --quiet
requirements: $(VENV)/.dev
	$(VENV)/bin/python -m pip install --quiet uv
	$(COMPILE) pyproject.toml --generate-hashes -o requirements.txt
	$(COMPILE) pyproject.toml --extra dev --generate-hashes -o requirements-dev.txt
	$(COMPILE) pyproject.toml --extra pdf --extra oidc --extra mariadb --extra parquet --extra traces --generate-hashes \
	    -o .ci/requirements-extras.txt
	$(COMPILE) pyproject.toml --extra oidc --resolution lowest-direct --no-annotate -o .ci/requirements-floors.txt
	echo hatchling | $(COMPILE) - --generate-hashes -o .ci/requirements-build.txt
	printf 'cyclonedx-bom\nhatchling\n' | $(COMPILE) - --generate-hashes -o .ci/requirements-dist.txt
	printf 'furo\nmyst-parser\nsphinx\n' | $(COMPILE) - --generate-hashes -o .ci/requirements-docs.txt

$(VENV)/.demo: .ci/requirements-extras.txt
	.ci/venv $(PYTHON) $(VENV) .ci/requirements-extras.txt && touch $@

$(VENV)/.dev: requirements-dev.txt
	.ci/venv $(PYTHON) $(VENV) requirements-dev.txt && touch $@ $(VENV)/.demo

clean:
	rm -rf .venv .venv-dist .venv-docs .venv-floors .venv-3.* .lab build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
