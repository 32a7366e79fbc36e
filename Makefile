# make install | demo | test | check | generated | docs | bench | torture | samples
PYTHON ?= python3
BIN := .venv/bin
export TOKENIZERS_PARALLELISM := false

.PHONY: help install demo test check generated docs bench torture samples clean

help:
	@echo "make install   the environment, in .venv"
	@echo "make demo      train on the samples, evaluate, label new recordings (a few minutes)"
	@echo "make test      all tests"
	@echo "make check     lint, format, types and the fast tests: before a commit"
	@echo "make generated what pages and type checkers take from the program, written anew"
	@echo "make docs      the pages under docs/ as a searchable site, in site/"
	@echo "make bench     audioft beside transformers' own tools (over an hour; ROWS=\"probe top2\" for some, QUICK=1 to try it,"
	@echo "               DATA=FOLDER with esc10 in it for real clips, OUT=FILE.json, MORE=\"--pairs 5\")"
	@echo "make torture   what audioft promises when things break, each tried many times (ROWS=\"1 16\" for some, SHORT=1)"
	@echo "make samples   make the sample recordings again (needs espeak-ng)"

install: .venv/installed

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "audioft needs Python 3.11 or newer; this is `$(PYTHON) --version`: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --editable ".[dev]"
	@touch $@

demo: install
	$(BIN)/python pipelines/demo.py

test: install
	$(BIN)/python -m pytest -n auto --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "not slow" -n auto --dist loadfile

generated: install
	$(BIN)/python -m audioft.tasks
	$(BIN)/python docs/tools/generate.py

docs: generated
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: install
	PYTHONPATH=tests/benchmarks $(BIN)/python -m against_transformers $(ROWS) $(if $(QUICK),--quick) \
		$(if $(DATA),--data $(DATA)) --out $(or $(OUT),runs/bench.json) $(MORE)

torture: install
	PYTHONPATH=tests $(BIN)/python -m torture $(ROWS) $(if $(SHORT),--short)

samples: install
	$(BIN)/python samples/make_samples.py

clean:
	rm -rf .venv build site *.egg-info .pytest_cache .ruff_cache .mypy_cache
