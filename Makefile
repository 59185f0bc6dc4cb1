# make demo: synthetic recordings -> train -> drive -> evaluate -> report. make test: the tests.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
DEMO ?= demo
export TF_CPP_MIN_LOG_LEVEL ?= 3

RUN = $(VENV)/bin/python

.PHONY: demo test lint format benchmarks clean

demo: $(VENV)/.installed
	rm -rf $(DEMO)
	$(RUN) -m ecg12 synth $(DEMO)/data -n 600 --seed 1
	$(RUN) -m ecg12 synth $(DEMO)/test -n 200 --seed 2
	ECG12_RECIPE=demo $(RUN) train_model.py $(DEMO)/data $(DEMO)/model
	$(RUN) driver.py $(DEMO)/model $(DEMO)/test $(DEMO)/out
	$(RUN) evaluate_model.py $(DEMO)/test $(DEMO)/out $(DEMO)/scores.csv $(DEMO)/class_scores.csv
	$(RUN) -m ecg12 report $(DEMO)/test $(DEMO)/out

test: $(VENV)/.installed-dev
	$(RUN) -m pytest

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

format: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

benchmarks: $(VENV)/.installed-dev
	for file in benchmarks/*.py; do $(RUN) $$file || exit 1; done

$(VENV)/.installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed pyproject.toml
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(DEMO) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
