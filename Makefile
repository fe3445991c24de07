# Everything a person needs, by name. Variables pass through: CONFIG= SCALE= DEVICE= DATA_DIR= ARGS=
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= all
OUT ?= results
ARGS ?=
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 0
MUTANTS ?= 40
SEED ?= 0
SOAK_JOBS ?= 500
KILLS ?= 100
# Two that compute, and one that waits for a cluster most of the time.
WORKERS ?= 3
FLAGS = $(if $(SCALE),--scale $(SCALE)) $(if $(DEVICE),--device $(DEVICE)) $(if $(DATA_DIR),--data-dir '$(DATA_DIR)') --out '$(OUT)' $(ARGS)
.DEFAULT_GOAL := help
# pip compiles nothing here (most of what it installs is never loaded), so what is loaded must be kept compiled.
unexport PYTHONDONTWRITEBYTECODE
# The epoch part of bench-harness needs a Python with Keras 3 and JAX, and mnist.npz: KERAS_PYTHON= MNIST=
# bench-placement, bench-corrections and bench-hooks need mnist.npz, too: MNIST=
KERAS_PYTHON ?=
MNIST ?=
.PHONY: help setup bench-all bench-quick bench-harness bench-hooks bench-sampler bench-placement bench-corrections bench-cluster images test test-fast eras-check eras-sizes test-gpu mutate fuzz soak lint check report clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Variables: CONFIG=$(CONFIG) SCALE= DEVICE= DATA_DIR= OUT=$(OUT) ARGS=  (see docs/USAGE.md)"

setup: $(VENV)/.ready ## The orchestrator's own environment, in .venv

$(VENV)/.ready: tests/requirements.txt setup.cfg
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 10), "Python 3.10 or newer is needed, this is %s" % sys.version.split()[0]'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv is missing: apt-get install python3-venv" >&2; exit 3; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

bench-all: setup ## Build what is missing, run all that this host can run, merge, report
	$(BIN)/orchestrate run --config '$(CONFIG)' $(FLAGS)

bench-quick: setup ## The same at the scale `smoke`: does everything run?
	$(BIN)/orchestrate run --config smoke $(FLAGS)

bench-harness: setup ## What this project itself costs, as a table (docs/OVERHEAD.md)
	$(BIN)/python -m tests.bench.harness $(if $(KERAS_PYTHON),--keras-python '$(KERAS_PYTHON)') $(if $(MNIST),--mnist '$(MNIST)') $(ARGS)

images: setup ## Build the images of a configuration (CONFIG=, DEVICE=cpu or gpu)
	$(BIN)/orchestrate build --config '$(CONFIG)' $(if $(DEVICE),--device $(DEVICE)) $(ARGS)

test: setup ## Every test that this host can run; each skip says why
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

test-fast: setup ## The unit tests that take no time: no engine, no browser, no processes
	$(BIN)/python -m pytest -n 2 --hypothesis-profile quick -m 'not slow and not containers and not network and not cluster' \
		tests/unit $(ARGS)

eras-check: setup ## Every stack of docker/eras, or STACK=NAME: built, and are its steps equal? (docs/STACKS.md)
	KERAS_ORCHESTRATE_ALL_ERAS=1 $(BIN)/python -m pytest -v -s \
		"tests/containers/test_eras.py$(if $(STACK),::test_its_steps_are_those_of_all_others_or_declared[$(STACK)])" $(ARGS)

eras-sizes: setup ## What each image here takes, into the stacks' files; ARGS="--build NAME" times a build, too
	$(BIN)/python docker/sizes.py $(ARGS)

test-gpu: ## On a host with an NVIDIA GPU, without network: PYTHON=python3 WHEELS=.whl; at most 8 minutes (docs/GPU.md)
	PYTHON="$(or $(PYTHON),python3)" WHEELS="$(or $(WHEELS),.whl)" OUT="$(or $(filter-out results,$(OUT)),results/test-gpu)" DATA="$(DATA_DIR)" bash tests/gpu/offline.sh

bench-sampler: setup ## What sampling GPUs costs, on stub GPUs (ARGS="--gpus 8 --pairs 10")
	$(BIN)/python -m tests.bench.sampler $(ARGS)

bench-placement: setup ## Does a backend pay for being pinned to its cores, or sleep there? MNIST=mnist.npz (docs/PROTOCOL.md)
	$(BIN)/python -m tests.bench.placement --mnist '$(MNIST)' $(ARGS)

bench-corrections: setup ## What our corrections cost against bare Keras scripts; MNIST=mnist.npz (docs/PROTOCOL.md)
	$(BIN)/python -m tests.bench.corrections --mnist '$(MNIST)' $(ARGS)

bench-hooks: setup ## What an epoch of a measured job takes over an unwatched one, on every backend; MNIST=mnist.npz (docs/OVERHEAD.md)
	$(BIN)/python -m tests.bench.hooks --mnist '$(MNIST)' $(ARGS)

bench-cluster: setup ## What a job costs more on a Slurm cluster, on one of two nodes on this host (docs/CLUSTER.md)
	$(BIN)/python -m tests.bench.cluster $(ARGS)

mutate: setup ## Plant MUTANTS (40) faults in copies of the checkout: which do the tests not notice? (SEED=0)
	$(BIN)/python -m tests.mutate $(MUTANTS) $(SEED)

fuzz: setup ## Fuzz the readers of files for FUZZ_SECONDS (60)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r tests/fuzz/requirements.txt
	@for target in read_config read_events read_record read_plan; do \
		$(BIN)/python -m tests.fuzz $$target $$(($(FUZZ_SECONDS) / 4)) $(FUZZ_SEED) || exit 1; done

soak: setup ## 500 stub jobs in containers with random faults (SOAK_JOBS=), and 100 random kills (KILLS=)
	$(BIN)/python -m tests.soak.jobs $(SOAK_JOBS)
	$(BIN)/python -m tests.soak.kills $(KILLS)

lint: setup ## Style, types, architecture, old syntax
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vermin --quiet --no-tips --violations -t=2.7- -t=3.11- workloads/ orchestrator/launchers/trial/script.py \
	orchestrator/stacks/found/script.py tests/equal_models.py tests/equal_steps.py tests/bench/bare_keras.py tests/bench/paired_fit.py

check: lint ## lint, and: are the generated files up to date, has each new module its tests?
	$(BIN)/python tests/modules.py
	$(BIN)/orchestrate render --check

report: setup ## Report the latest run anew
	$(BIN)/orchestrate report --out '$(OUT)'

clean: setup ## Remove stray containers (ARGS="--images --caches" for more); never results
	$(BIN)/orchestrate clean $(ARGS)
