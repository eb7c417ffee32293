# `make help` lists the targets. Each sets up the environment it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
INSTALLED := $(VENV)/installed
OPTIONAL := $(VENV)/installed-optional
# Where the stages' `python` and the tests' `dvc` come from.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Items that train at the same time, each with its share of the cores; `make repro JOBS=2`.
JOBS ?= 1
THREADS = $$(( ($$(getconf _NPROCESSORS_ONLN) + $(JOBS) - 1) / $(JOBS) ))
# For each item of the matrix one dvc, which waits for the others' locks. Then `dvc repro` runs what
# depends on several items, and anything else.
SIDE_BY_SIDE = dvc repro preprocess-corruptions train-classifier && dvc stage list --name-only \
	| sed -n 's/^train@//p' | OMP_NUM_THREADS=$${OMP_NUM_THREADS:-$(THREADS)} \
	xargs -P $(JOBS) -I ITEM dvc --wait-for-lock repro --single-item train@ITEM plot-training@ITEM \
	embed@ITEM plot-latent@ITEM fit-mixture@ITEM generate@ITEM evaluate@ITEM evaluate-stress@ITEM \
	evaluate-latent@ITEM evaluate-generation@ITEM evaluate-blends@ITEM && dvc repro
RUN = $(if $(filter 1,$(JOBS)),dvc repro,$(SIDE_BY_SIDE))
.DEFAULT_GOAL := help
.PHONY: help install demo test format repro reproduce compare plots docs bench kill-test \
	requirements clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED)  ## create .venv with the pinned requirements and the package
$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(OPTIONAL): $(INSTALLED) requirements-optional.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-optional.txt
	touch $@

demo: JOBS = 2
demo: install  ## run the whole pipeline on the embedded digits, in .demo: no download, no GPU
	rm -rf .demo && git clone --quiet . .demo
	cd .demo && dvc exp run --name demo --set-param data.name=digits \
		--set-param train.batch_size=64 --set-param train.epochs=8 \
		--set-param evaluate.generated_samples=500 preprocess-corruptions
	cd .demo && $(SIDE_BY_SIDE) && dvc exp save --force --name demo
	@echo
	@echo "The demo is done. Open .demo/plots/report.html; more figures: .demo/plots, metrics:" \
		".demo/metrics, models: .demo/models."

test: $(OPTIONAL)  ## lint and run all tests
	ruff format --check . && ruff check .
	python -m pytest

format: install  ## format and lint, mending what can be mended
	ruff format . && ruff check --fix .

repro: install  ## run the default experiment of params.yaml, JOBS=1 items at a time
	$(RUN)

reproduce: install  ## run the pipeline again in .reproduce and compare the hash of every output
	rm -rf .reproduce && git clone --quiet . .reproduce && cp -R params.yaml images .reproduce
	cd .reproduce && export DATA_MIRROR="$${DATA_MIRROR:-$(CURDIR)/data/raw}" && $(RUN)
	diff dvc.lock .reproduce/dvc.lock
	@echo "Every output has the same bytes as the one in this folder."

compare: install  ## compare EXPERIMENTS="a b" (or all on this commit) in one table and one figure
	autoencoders compare $(EXPERIMENTS)

plots: install  ## DVC's page of plots, of REVISIONS="HEAD a", that needs no network
	python -m pip install --quiet --constraint requirements-optional.txt vl-convert-python
	autoencoders plots $(REVISIONS)

docs: $(OPTIONAL)  ## build the documentation's pages in site/
	NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict

bench: install  ## time an epoch beside the usual ways of training and the machine's own limits
	python -m pip install --quiet --requirement benchmarks/requirements.txt
	python -m benchmarks.epoch

kill-test: install  ## kill a running pipeline again and again, KILLS=30 times, and compare its end
	python -m tests.kill_test $(or $(KILLS),30)

requirements: install  ## resolve requirements*.in into requirements*.txt for all systems
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make requirements" \
		requirements.in --output-file requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make requirements" \
		--constraint requirements.txt requirements-optional.in \
		--output-file requirements-optional.txt

clean:  ## remove the environment and the copies that demo and reproduce made
	rm -rf $(VENV) .demo .reproduce site
