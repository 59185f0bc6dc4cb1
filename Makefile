# make demo: synthetic recordings -> train -> predict -> evaluate -> report. make test: the tests.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
DEMO ?= demo
AXE = 4.14.1# checks the pages' accessibility, in tests
DEMO_CLASSES = NSR SB STach AF LBBB RBBB
export TF_CPP_MIN_LOG_LEVEL ?= 3

RUN = $(VENV)/bin/python

.PHONY: demo pretrained picture test test-fast lint docs format constraints image benchmarks stress clean

PIP = $(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Six of the classes, which a network this small can learn from a few hundred recordings.
demo: $(VENV)/.installed-report
	rm -rf $(DEMO)
	$(RUN) -m ecg12 synth $(DEMO)/data -n 480 --seed 1 --classes $(DEMO_CLASSES)
	$(RUN) -m ecg12 synth $(DEMO)/test -n 200 --seed 2 --classes $(DEMO_CLASSES)
	ECG12_PRETRAINED= ECG12_RECIPE=demo $(RUN) train_model.py $(DEMO)/data $(DEMO)/model
	$(RUN) driver.py $(DEMO)/model $(DEMO)/test $(DEMO)/out
	$(RUN) evaluate_model.py $(DEMO)/test $(DEMO)/out $(DEMO)/scores.csv $(DEMO)/class_scores.csv
	$(RUN) -m ecg12 report $(DEMO)/test $(DEMO)/out --model $(DEMO)/model -o $(DEMO)/report
	@echo
	$(RUN) -m ecg12 predict $(DEMO)/test/S00000.hea $(DEMO)/test/S00001.hea $(DEMO)/test/S00002.hea
	@echo
	@echo "Above: what the model of the package, trained on PTB-XL, predicts for three of them."
	@echo "These are scores on held-out synthetic recordings."
	@echo "Recordings: $(DEMO)/data (training), $(DEMO)/test (held out)"
	@echo "Model: $(DEMO)/model (training.json tells how it was trained)"
	@echo "Predictions: $(DEMO)/out; official scores: $(DEMO)/scores.csv, $(DEMO)/class_scores.csv"
	@echo "Report, to be opened in a browser: $(abspath $(DEMO))/report/index.html"

# The model of the package, made again: DATA is PTB-XL as challenge folders (train, val, test), META its table, REAL
# recordings of other hospitals. Hours; killed, the same command goes on.
pretrained: $(VENV)/.installed-dev
	$(RUN) -m experiments.ptbxl $(DATA) $(WORK) --meta $(META) --real $(REAL) --finish
	$(RUN) -m ecg12 export $(WORK)/shipped -o $(WORK)/shipped

# The README's picture: a recording of the demo, and what its model predicts.
picture: demo
	$(RUN) -m ecg12 predict $(DEMO)/test/S00001.hea --model $(DEMO)/model --plot $(DEMO)/drawn
	$(RUN) -c "from PIL import Image; Image.open('$(DEMO)/drawn/S00001.png').convert('RGB').resize((1485, 1050)).quantize(64).save('docs/images/prediction.png', optimize=True)"

# In as many processes as there are processors, up to four; each file's tests in one.
test: $(VENV)/.installed-dev
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile

# What takes long, or needs a cluster, a browser or an image, is left out.
test-fast: $(VENV)/.installed-dev
	$(RUN) -m pytest -n auto --maxprocesses 4 -m "not (slow or cluster or browser or image)"

lint: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache

# The site, in site/.
docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet

format: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# Builds the image, by default with CUDA (7.3 GB), and runs it as the organizers do: first lines, answers, writes.
image:
	BUILD_ARGS="$(BUILD_ARGS)" bash tests/image_check.sh

# About an hour, on a machine that does nothing else; OFFICIAL: a folder with clones of the official evaluators. Ends
# with one table, and fails if a ratio misses its bar. Not here: benchmarks/throughput.py (a GPU), benchmarks/accuracy.py.
benchmarks: $(VENV)/.installed-dev
	$(RUN) -m benchmarks.growth build/benchmarks
	$(RUN) -m benchmarks.peers build/benchmarks $(if $(OFFICIAL),--official $(OFFICIAL))

# Hours: see reports/reliability.md for what each campaign does and found.
stress: $(VENV)/.installed-dev
	$(PIP) --editable ".[stress]"
	$(RUN) -m stress.killing
	$(RUN) -m stress.disk
	$(RUN) -m stress.options
	$(RUN) -m stress.interrupting
	$(RUN) -m stress.altered
	$(RUN) -m stress.scale
	$(RUN) -m stress.long build/long --every 10
	$(RUN) -m stress.cluster
	$(RUN) -m stress.mutants
	$(RUN) -m stress.fuzzing
	$(RUN) -m stress.service
	$(RUN) -m stress.dx_lines
	$(RUN) -m stress.file_errors
	$(RUN) -m stress.terminals
	$(MAKE) image

$(VENV)/.installed: requirements.txt constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.txt
	touch $@

$(VENV)/.installed-report: $(VENV)/.installed pyproject.toml
	$(PIP) --editable ".[report]"
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed pyproject.toml
	$(PIP) --editable ".[dev]"
	if command -v npm >/dev/null; then npm install --silent --no-save --prefix $(VENV)/axe axe-core@$(AXE); fi
	touch $@

$(VENV)/.installed-docs: $(VENV)/.installed pyproject.toml
	$(PIP) --editable ".[docs]"
	touch $@

# Exact versions for constraints.txt, of all extras, for every Python that is supported.
constraints: $(VENV)/.installed
	$(PIP) uv
	echo 'tensorflow[and-cuda] ; sys_platform == "linux"' | $(VENV)/bin/uv pip compile \
		pyproject.toml requirements.txt - --all-extras --universal --python-version 3.11 \
		--no-header --no-annotate --quiet --output-file constraints.txt
	sed -i '1i # Exact versions of all that the package and its extras install; made by `make constraints`.' constraints.txt

clean:
	rm -rf $(VENV) $(DEMO) build site *.egg-info .mypy_cache .ruff_cache .pytest_cache
