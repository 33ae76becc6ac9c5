# Each target makes the environment it needs; setting up needs the network once, running never does.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.PHONY: help reports notebooks test proof bench lint docs lab explore lock clean

# Two workers; a group of tests runs on one of them (tests/conftest.py).
WORKERS := -n 2 --dist loadgroup --no-loadscope-reorder
SHARE := full
# make test COVERAGE=yes measures what the tests reach, leaves kernels out, and fails below the floor.
COVERAGE := no
FLOOR := 70
COVERED := $(if $(filter yes,$(COVERAGE)),--cov=helpers --cov=rotation --cov-report=term \
    --cov-fail-under=$(FLOOR))

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

reports: $(VENV)/ready ## run every notebook on the embedded data and write reports/index.html
	$(BIN)/rotation run

notebooks: $(VENV)/ready ## run the notebooks and rewrite them, outputs and all, with the README's scorecard
	$(BIN)/rotation notebooks

test: $(VENV)/ready-test ## tests and examples in docstrings, then nbval over the committed notebooks
	$(BIN)/python -m pytest tests helpers --doctest-modules --ignore=tests/proof $(WORKERS) $(COVERED)
	$(BIN)/python -m pytest notebooks --ignore-glob="*/_*.ipynb" --nbval --nbval-current-env \
	    --nbval-sanitize-with tests/nbval.cfg -q \
	    -o addopts= -o filterwarnings= -p tests.support.socket_kernels -n 2 --dist loadscope

proof: $(VENV)/ready-$(if $(filter full,$(SHARE)),tools,test) ## simulations, fuzzing and kills, in full; SHARE=tenth for a tenth
	@case $(SHARE) in full|tenth) ;; *) echo "make: SHARE=$(SHARE): expected full or tenth"; exit 2;; esac
	ROTATION_PROOF=$(SHARE) $(BIN)/python -m pytest tests/proof $(WORKERS)
	test $(SHARE) != full || ROTATION_PROOF=full $(BIN)/python -m pytest \
	    --ignore=tests/proof -m hypothesis $(WORKERS)

bench: $(VENV)/ready-test ## time what the notebooks lean on, as ratios; fails for no time
	OMP_NUM_THREADS=1 $(BIN)/python bench/bench.py
	$(BIN)/python bench/runs.py

lint: $(VENV)/ready-test ## check style, format, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

docs: $(VENV)/ready ## write docs/helpers.md from the docstrings
	$(BIN)/python docs/describe_helpers.py

lab: $(VENV)/ready ## open the notebooks in JupyterLab; ARGS="--allow-root" and the like are passed on
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks $(ARGS)

explore: $(VENV)/ready-explore ## ask "what if" in JupyterLab, on a copy of your own in scratch/
	mkdir -p scratch
	test -e scratch/explore.ipynb || cp notebooks/20_explore.ipynb scratch/explore.ipynb
	ROTATION_PANEL=1 $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/scratch/explore.ipynb $(ARGS)

lock: $(VENV)/ready-test ## pin the newest versions that pyproject.toml allows (needs uv on the PATH)
	printf 'setuptools>=80\n' > $(VENV)/setuptools.in
	uv pip compile -q --upgrade $(LOCK_OPTIONS) pyproject.toml $(VENV)/setuptools.in \
	    -o requirements.lock
	uv pip compile -q --upgrade $(LOCK_OPTIONS) --extra test -c requirements.lock \
	    pyproject.toml $(VENV)/setuptools.in -o requirements-test.lock
	uv pip compile -q --upgrade $(LOCK_OPTIONS) --extra explore -c requirements.lock \
	    pyproject.toml $(VENV)/setuptools.in -o requirements-explore.lock
	uv pip compile -q --upgrade $(LOCK_OPTIONS) --extra tools -c requirements-test.lock \
	    pyproject.toml $(VENV)/setuptools.in -o requirements-tools.lock
LOCK_OPTIONS := --universal --fork-strategy fewest --generate-hashes --no-header --no-annotate \
    --no-strip-extras \
    --python-version 3.11

clean: ## remove the environment, the reports and all caches
	rm -rf $(VENV) reports .kept .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	    { echo "make: $(PYTHON) is $$($(PYTHON) -V 2>&1): expected Python 3.11 to 3.13 (set PYTHON=...)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/ready-explore: requirements-explore.lock $(VENV)/ready
	$(PIP) install --require-hashes -r requirements-explore.lock
	touch $@

$(VENV)/ready-tools: requirements-tools.lock $(VENV)/ready-test
	$(PIP) install --require-hashes -r requirements-tools.lock
	touch $@

$(VENV)/ready-test: requirements-test.lock $(VENV)/ready
	$(PIP) install --require-hashes -r requirements-test.lock
	touch $@
