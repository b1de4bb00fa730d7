# `make demo` and `make test` install everything they need.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests of one file stay in one process, since they share fixtures.
PROCESSES ?= 2
# One thread each: threads of several processes that wait for each other take most of the time.
PYTEST_OF = OMP_NUM_THREADS=1 $(1)/bin/python -m pytest -n $(PROCESSES) --dist loadfile
PYTEST = $(call PYTEST_OF,$(VENV))
LOWEST := .venv-lowest
# The tests that need the extras onnx and openvino.
EXPORTING := tests/runtimes tests/docs/test_code_blocks.py
# The test that needs the extra test-app and Chromium.
BROWSING := tests/app/test_page_in_browser.py
VERSIONS := 3.11 3.12 3.13
PACKAGES := restorekit-deepinv restorekit-lpips
FUZZ_MINUTES ?= 20
FUZZ_SEED ?= 1000000
# For `make gpu`: an interpreter with PyTorch for CUDA, photographs from pack.py, networks to train.
GPU_PYTHON ?= $(BIN)/python
PACKED ?= packed
STATE ?= runs/gpu
TRAINING ?= photo=250 gaussian=190 impulse=60 gray=50

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
# Targets share an environment, so only one pip runs at a time.
.NOTPARALLEL:
.PHONY: help demo test lint types pytest api coverage fuzz gpu docs zoo linkcheck wheel notebook test-all test-lowest test-mlflow test-napari test-packages clean

help:  ## list the targets
	@awk -F ':.*##' '/^[a-z-]+:.*##/ { printf "make %-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed-demo  ## train for about a minute, restore a picture, write demo/
	$(BIN)/python examples/demo.py

test: lint types pytest  ## lint, types and tests

lint: $(VENV)/.installed-test  ## style, formatting and spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell *.md docs src examples benchmarks

types: $(VENV)/.installed-test  ## static types
	$(BIN)/mypy

pytest: $(VENV)/.installed-test $(VENV)/.installed-test-app $(VENV)/.installed-test-parquet  ## the tests alone
	$(PYTEST)

api: $(VENV)/.installed-test  ## record the public API after a change of it that is meant
	$(BIN)/python -m tests.public_api

coverage: $(VENV)/.installed-test $(VENV)/.installed-test-app $(VENV)/.installed-test-parquet  ## the tests, and the share of lines and branches that they run
	$(PYTEST) --cov

fuzz: $(VENV)/.installed-test  ## test hostile files for FUZZ_MINUTES, starting at FUZZ_SEED
	$(BIN)/python -m tests.fuzz --minutes $(FUZZ_MINUTES) --seed $(FUZZ_SEED)

gpu:  ## on a machine with a GPU: tests, benchmarks, then training of the bundled networks
	-PYTHONPATH=src $(GPU_PYTHON) -m pytest -W default -m gpu tests/gpu
	-PYTHONPATH=src $(GPU_PYTHON) benchmarks/network_speed.py --device cuda
	-PYTHONPATH=src $(GPU_PYTHON) benchmarks/step_overhead.py --device cuda
	PYTHONPATH=src $(GPU_PYTHON) examples/recipes/gpu/learn.py $(PACKED)/*.tar --out $(STATE) --seconds $(TRAINING)

docs: $(VENV)/.installed-docs  ## the documentation, docs/_build/html/index.html
	$(BIN)/python -m sphinx -W --keep-going docs docs/_build/html

zoo: $(VENV)/.installed-test  ## docs/zoo.md: measure the networks that are new, write the page and its plot
	OMP_NUM_THREADS=1 $(BIN)/python -m restorekit zoo --time --write docs/zoo.md
	$(BIN)/python benchmarks/zoo_plot.py

linkcheck: $(VENV)/.installed-docs  ## whether the addresses in the documentation answer
	$(BIN)/python -m sphinx -b linkcheck -D plot_gallery=0 docs docs/_build/linkcheck

wheel: $(VENV)/.installed-test  ## the wheel and the source distribution, in dist/
	$(BIN)/python -m build

notebook: $(VENV)/.installed-test  ## execute the example notebooks
	$(BIN)/python -m pytest tests/examples/test_notebook.py

# A version is used only if it runs: version managers install stubs that fail.
test-all:  ## lint, types and tests with each installed Python from 3.11 to 3.13
	@found=; for version in $(VERSIONS); do \
	  python$$version -c '' 2>/dev/null || { echo "python$$version: not installed"; continue; }; \
	  found=1; echo "python$$version:"; \
	  $(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	done; \
	test -n "$$found" || { echo "none of Python $(VERSIONS) is installed" >&2; exit 1; }

# Export needs a newer torch than the rest, so its tests have a separate environment.
test-lowest: $(LOWEST)-test-parquet/.installed $(LOWEST)-test/.installed  ## the tests with the lowest supported versions
	$(call PYTEST_OF,$(LOWEST)-test-parquet) $(EXPORTING:%=--ignore=%) --ignore=$(BROWSING)
	$(call PYTEST_OF,$(LOWEST)-test) $(EXPORTING)

test-packages:  ## the tests of examples/restorekit-deepinv and -lpips, with what they need
	$(PYTHON) -m venv .venv-packages
	.venv-packages/bin/python -m pip install -e . $(PACKAGES:%=-e 'examples/%[test]')
	for each in $(PACKAGES); do (cd examples/$$each && ../../.venv-packages/bin/python -m pytest) || exit 1; done

test-mlflow:  ## the tests of examples/restorekit-mlflow, with MLflow in an environment of its own
	$(PYTHON) -m venv .venv-mlflow
	.venv-mlflow/bin/python -m pip install -e . -e 'examples/restorekit-mlflow[test]'
	cd examples/restorekit-mlflow && ../../.venv-mlflow/bin/python -m pytest

test-napari:  ## the tests of examples/restorekit-napari, with napari in an environment of its own
	$(PYTHON) -m venv .venv-napari
	.venv-napari/bin/python -m pip install -e . -e 'examples/restorekit-napari[test]'
	cd examples/restorekit-napari && ../../.venv-napari/bin/python -m pytest

clean:  ## remove built files; keep the environments and demo/
	rm -rf build dist docs/_build docs/_generated docs/gallery .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each extra, which is installed again when the requirements change.
$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install -c constraints.txt -e '.[$*]'
	@touch $@

# A new environment for each extra: in an existing one, newer versions that are allowed would remain.
# --seed adds pip, which the tests call, and --upgrade replaces what comes with pip.
$(LOWEST)-%/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install uv
	$(BIN)/uv venv --clear --seed --python $(PYTHON) $(@D)
	$(BIN)/uv pip install --upgrade --python $(@D)/bin/python --resolution lowest-direct -e '.[$*]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("restorekit needs Python 3.11 or newer, not %d.%d; name one: make PYTHON=python3.12" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
