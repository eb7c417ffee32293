# `make help` lists the targets. Each sets up the environment it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
INSTALLED := $(VENV)/installed
OPTIONAL := $(VENV)/installed-optional
# Where the stages' `python` and the tests' `dvc` come from. Recipes name $(BIN) all the same, as
# make 3.81, which macOS has, looks commands up on the PATH that it was started with.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Stages that run at the same time, each with its share of the cores; `make repro JOBS=2`.
JOBS ?= 1
.DEFAULT_GOAL := help
.PHONY: help install demo test format stages repro reproduce compare seeds published release plots docs bench kill-test \
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

demo: install  ## run the whole pipeline on the embedded digits, in .demo: no download, no GPU
	$(BIN)/autoencoders demo

test: $(OPTIONAL)  ## lint, check types and run all tests
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

format: install  ## format and lint, mending what can be mended
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

stages: install  ## write the models and corruptions of params.yaml into dvc.yaml
	$(BIN)/autoencoders stages

repro: stages  ## run what has changed, JOBS=1 stages at a time
	$(if $(filter 1,$(JOBS)),$(BIN)/dvc repro,$(BIN)/python -m side_by_side --jobs $(JOBS))

reproduce: install  ## run the pipeline again in .reproduce and compare the hash of every output
	$(BIN)/autoencoders reproduce --jobs $(JOBS)

compare: install  ## compare EXPERIMENTS="a b" (or all on this commit) in one table and one figure
	$(BIN)/autoencoders compare $(EXPERIMENTS)

seeds: install  ## mean and range of the headline numbers over SEEDS="0 1 2"
	$(BIN)/autoencoders seeds $(SEEDS) --jobs $(JOBS)

published: install  ## rerun the published TABLE=iwae over SEEDS="0"; docs/published/ has the pages
	$(BIN)/autoencoders published $(TABLE) --seeds $(or $(SEEDS),0) --jobs $(JOBS)

release: install  ## archives of models, report and metrics, with their hashes, in release/
	$(BIN)/autoencoders release

plots: install  ## DVC's page of plots, of REVISIONS="HEAD a", that needs no network
	$(BIN)/python -m pip install --quiet --constraint requirements-optional.txt vl-convert-python
	$(BIN)/autoencoders plots $(REVISIONS)

docs: $(OPTIONAL)  ## build the documentation's pages in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

bench: install  ## time an epoch, and the way to a quality, beside the usual ways of training
	$(BIN)/python -m pip install --quiet --requirement benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.epoch
	$(BIN)/python -m benchmarks.race

kill-test: install  ## kill a running pipeline again and again, KILLS=30 times, and compare its end
	$(BIN)/python -m tests.kill_test $(or $(KILLS),30)

requirements: install  ## resolve requirements*.in into requirements*.txt for all systems
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make requirements" \
		requirements.in --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url \
		--no-emit-find-links --custom-compile-command "make requirements" \
		--constraint requirements.txt requirements-optional.in \
		--output-file requirements-optional.txt

clean:  ## remove the environment and the copies that demo, reproduce and published made
	rm -rf $(VENV) .demo .reproduce .published site
