# The commands of a working day. Each sets up what it needs; `make help` lists them.
PY := .venv/bin/python
C_FILES = $(shell git ls-files 'csrc/**.c' 'csrc/**.h' 'tests/**.c' 'tests/**.h' 'bench/**.c')

.PHONY: help demo test test-reference venv lint format typecheck check-sanitize fuzz fuzz-a64 bench images apps-matrix \
	cpython-matrix docs wheel clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

demo: ## install what is missing, build, and run Python from a real arm64 image
	@scripts/demo.sh

test: ## the same set-up, then every test
	@scripts/test.sh $(ARGS)

test-reference: venv ## the guest programs on Debian's arm64 kernel in qemu (ARGS are pytest's)
	@scripts/ensure-packages.sh images test reference
	$(PY) -m pytest -q tests/reference $(ARGS)

venv: ## .venv with the project in it, editable
	@scripts/ensure-packages.sh build
	@scripts/setup-venv.sh

images: ## the fixture images, in .cache/images
	@scripts/ensure-packages.sh images
	@python3 scripts/images.py

lint: venv ## ruff, mypy, clang-format, and the rule of who may include whom
	@scripts/ensure-packages.sh lint
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	clang-format --dry-run --Werror $(C_FILES)
	$(PY) -m pytest -q tests/unit/test_layers.py

typecheck: venv ## mypy --strict
	$(PY) -m mypy

format: venv ## rewrite to the house style
	@scripts/ensure-packages.sh lint
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .
	clang-format -i $(C_FILES)

check-sanitize: venv ## C units, layers and guest programs under address and undefined-behaviour sanitizers
	@scripts/sanitize.sh

fuzz-a64: venv ## both engines against qemu-aarch64, 13 million cases (ARGS are those of tests/fuzz/soak.py)
	@scripts/ensure-packages.sh build test
	$(PY) tests/fuzz/soak.py $(ARGS)

fuzz: ## libFuzzer on each fuzz target, SECONDS each (default 60), with what clang has
	@scripts/fuzz.sh $(SECONDS)

bench: venv ## the measurements, beside their peers (ARGS are those of bench/translator.py)
	@scripts/ensure-packages.sh build images registry test bench
	@status=0; $(PY) bench/side_by_side.py || status=1; $(PY) bench/translator.py $(ARGS) || status=1; $(PY) bench/processes.py || status=1; $(PY) bench/registry.py || status=1; $(PY) bench/cold.py || status=1; $(PY) bench/store.py || status=1; $(PY) bench/layers.py || status=1; $(PY) bench/warm.py || status=1; exit $$status

apps-matrix: venv ## real programs under elfuse and qemu-aarch64, the table in docs/apps.md
	@scripts/ensure-packages.sh build images test
	@python3 scripts/images.py && python3 scripts/images.py --set apps
	$(PY) scripts/apps_matrix.py $(ARGS)

cpython-matrix: venv ## CPython's test suite under both, the table in docs/cpython.md
	@scripts/ensure-packages.sh build images test
	@python3 scripts/images.py
	$(PY) scripts/cpython_matrix.py $(ARGS)

docs: venv ## docs/man and docs/json, from the commands
	$(PY) scripts/docs.py

wheel: venv ## dist/elfuse-*.whl
	$(PY) -m pip wheel -q --no-build-isolation --no-deps -w dist .

clean: ## what is built; .cache (packages, images) and .venv stay
	rm -rf build dist elfuse/bin elfuse/_core/*.so *.egg-info
