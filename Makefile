# make demo · make test · make check. Needs only make, pip and CPython 3.11–3.13: uv comes from the package registry into
# .uv/ (pip's --target also works where Debian marks its Python as externally managed), everything else into .venv/.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
RUN := $(UV) run --frozen --no-sync
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_PREFERENCE := only-system
# An activated environment of the caller's is not ours to fill.
unexport VIRTUAL_ENV
# Without bytecode each start compiles every module again: importing TensorFlow takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-slow lab test-lab check lint types imports format bench clean
help:
	@echo "make demo    train, export, verify, run and benchmark on the embedded digits set"
	@echo "make test    the tests; make test-slow those that take minutes"
	@echo "make lab     an arm64 board in a folder (root, minutes); make test-lab deploys to it"
	@echo "make check   ruff, mypy, import rule, tests: what CI runs"
	@echo "make bench   the figures of the README, measured on this machine"

$(UV):
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("edgeship needs CPython 3.11, 3.12 or 3.13; $(PYTHON) is %d.%d. Try: make PYTHON=python3.12" % v)'
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --upgrade --target .uv uv==$(UV_VERSION)
	@touch $(UV)

.venv/.synced: $(UV) pyproject.toml uv.lock
	$(UV) sync --quiet --frozen --extra workstation --extra camera --extra mqtt --extra view --extra openvino --extra tune --extra tensorboard --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

setup: .venv/.synced

demo: setup
	@$(RUN) bash docs/demo/run.sh

test: setup
	$(RUN) pytest -n 2 --dist loadfile

test-slow: setup
	$(RUN) pytest -n 2 --dist loadfile -m slow

lab:
	devices/lab/build.sh arm64

# Its classifier is trained and exported once (minutes); where the photos are not there, the test that wants it is skipped and says so.
test-lab: setup
	[ -n "$$EDGESHIP_LAB_MODEL" ] || PYTHONPATH=benchmarks $(RUN) python -c 'import models; models.clothing("int8.tflite")' || true
	$(RUN) pytest -rs -m slow tests/devices/test_lab.py

lint: setup
	$(RUN) ruff check
	$(RUN) ruff format --check

types: setup
	$(RUN) mypy

imports: setup
	$(RUN) lint-imports

check: lint types imports test

format: setup
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: setup
	$(RUN) python benchmarks/all.py

clean:
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache
