# Everything from a checkout, see `make help`. Paths are relative and programs run as `python -m`, so that the checkout may lie
# in a folder with a space in its name, and may be moved.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

# The build tools are installed once, as pinned, and builds are not isolated: a second one compiles only what changed.
PIP_INSTALL := $(PY) -m pip --disable-pip-version-check install --constraint constraints.txt
BUILD := $(PIP_INSTALL) --no-build-isolation

# An editable install (`make develop`) rebuilds itself on import. Any other is done anew once a source is newer than its stamp.
EDITABLE := $(wildcard $(VENV)/editable)
EDITABLE_FLAGS := --config-settings=editable.rebuild=true --config-settings=editable.verbose=false --editable
INSTALL := $(BUILD) $(if $(EDITABLE),$(EDITABLE_FLAGS))
SOURCES := CMakeLists.txt constraints.txt pyproject.toml \
  $(if $(EDITABLE),,$(shell find cmake csrc python -name __pycache__ -prune -o -print))

CXX_SOURCES := $(shell find csrc tests -name '*.h' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu')
CLANG_FORMAT := $(PY) -c 'from clang_format import clang_format; clang_format()'

# Tests run in a process per core that may be used; ARGS="-n0" keeps them in one, for a debugger.
PARALLEL := -n auto --dist worksteal

.NOTPARALLEL:
.PHONY: help demo test test-browser lint format bench develop sanitize sanitize-address sanitize-thread test-pythons test-extras test-clang wheel docs test-arm fuzz clean distclean

help:
	@echo 'make demo             install into .venv and run the demonstration'
	@echo 'make test             install into .venv with the tools, check the style, run the tests'
	@echo 'make test-browser     tests of the page in a browser; needs Chromium'
	@echo 'make lint             check the style and the types'
	@echo 'make format           rewrite the sources in the style'
	@echo 'make bench            compare the speed with other implementations'
	@echo 'make develop          editable install into .venv that rebuilds the C++ on import'
	@echo 'make test-pythons     the tests on every Python from 3.10 on that is here; TORCH=no: of what needs no torch'
	@echo 'make test-extras      each extra alone in an environment of its own'
	@echo 'make test-clang       the core by clang with libc++, any warning an error'
	@echo 'make wheel            the sdist and a wheel from it, into dist/, checked'
	@echo 'make docs             the documentation, into build/docs'
	@echo 'make sanitize         tests of the core under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make sanitize-thread  tests of the core under ThreadSanitizer'
	@echo 'make test-arm         exact distances and linkages for aarch64, cross-compiled and emulated: the same bits as here'
	@echo 'make fuzz             the core under the sanitizers, and what else is in fuzz/, with arguments and files that are wrong'
	@echo 'make clean            remove what was built; make distclean: and .venv'
	@echo
	@echo 'PYTHON=python3.12 picks the Python of .venv (3.10 or newer), ARGS="-k linkage" goes to pytest.'

demo: $(VENV)/installed
	$(PY) -m bcl_fast demo

test: lint
	$(PY) -m pytest $(PARALLEL) $(ARGS)

# Debian: chromium. In few processes: each has a browser of its own.
test-browser: $(VENV)/installed-dev
	BCL_TEST_BROWSER=1 $(PY) -m pytest -n 2 tests/browser $(ARGS)

lint: $(VENV)/installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(CLANG_FORMAT) --dry-run --Werror $(CXX_SOURCES)

format: $(VENV)/installed-dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(CLANG_FORMAT) -i $(CXX_SOURCES)

bench: $(VENV)/installed-dev
	mkdir -p build
	$(PY) -m pytest bench -o python_files='bench_*.py' -o python_functions='bench_*' -W default --benchmark-only --benchmark-json=build/bench.json $(ARGS)
	$(if $(ARGS),,$(PY) -m bench.report build/bench.json)

develop: $(VENV)/created
	$(BUILD) $(EDITABLE_FLAGS) '.[dev]'
	touch $(VENV)/editable $(VENV)/installed $(VENV)/installed-dev

# The environment with the build tools, once.
$(VENV)/created: constraints.txt
	@command -v "$(PYTHON)" >/dev/null || { echo 'bcl_fast needs Python 3.10 or newer, and there is no $(PYTHON) here: make PYTHON=/path/to/python3' >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "bcl_fast needs Python 3.10 or newer, and $(PYTHON) is $$("$(PYTHON)" --version 2>&1): make PYTHON=/path/to/python3" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo '$(PYTHON) cannot make virtual environments (its module venv or ensurepip is missing): install the package python3-venv' >&2; exit 1; }
	@command -v "$${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null || { echo 'bcl_fast needs a C++ compiler, and there is none here: install the package g++, or set CXX' >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(PIP_INSTALL) cmake ninja pip pybind11 scikit-build-core
	touch $@

$(VENV)/installed: $(VENV)/created $(SOURCES)
	$(INSTALL) '.[cli,plots,tracks,train]'
	touch $@

$(VENV)/installed-dev: $(VENV)/created $(SOURCES)
	$(INSTALL) '.[dev]'
	touch $(VENV)/installed $@

# Every Python from 3.10 on that is on PATH or that pyenv has, an environment each below build/; ARGS="tests/core" runs a part.
# torch for most of them is its build for CUDA, 6 GB in each environment: TORCH=no leaves out torch and what needs it, as is
# always done for 3.14 without the GIL.
PYENV := $(wildcard $(HOME)/.pyenv/versions/*/bin)
SPACE := $() $()
NOX = PATH="$(PATH):$(subst $(SPACE),:,$(PYENV))" $(PY) -m nox --envdir build/nox

$(VENV)/nox: $(VENV)/created
	$(PIP_INSTALL) --quiet nox
	touch $@

test-pythons: $(VENV)/nox
	$(NOX) --session $(if $(filter no,$(TORCH)),without_torch,tests without_torch-3.14t) --no-error-on-missing-interpreters -- $(ARGS)

# Each extra alone, in an environment that has nothing else.
test-extras: $(VENV)/nox
	$(NOX) --session extras

# The documentation: any warning of Sphinx or numpydoc is an error, and so is a link that leads nowhere. All pages are read
# each time: those that did not change would not warn again, and new ones would lack their stubs.
docs: $(VENV)/installed-dev
	$(PIP_INSTALL) --quiet myst-parser numpydoc pydata-sphinx-theme sphinx
	$(PY) -W error::UserWarning -m sphinx --fresh-env --fail-on-warning --keep-going --quiet -b html docs build/docs/html
	$(PY) docs/_ext/check_links.py build/docs/html

# The sdist, and the wheel that it gives, into dist/.
wheel: $(VENV)/nox
	rm -rf dist
	BCL_CUDA=OFF $(NOX) --session wheel

# The core by clang, with libc++ and any warning an error. Debian: clang, libc++-dev and libc++abi-dev.
test-clang: $(VENV)/installed-dev
	BCL_TEST_CLANG=1 $(PY) -m pytest -n0 tests/system/test_platforms.py $(ARGS)

# A second build of the core, with sanitizers, under build/. Its tests do not import torch. They run in an environment that
# sees the packages of .venv but not its path hooks (PYTHONPATH reads no .pth file), so that an editable install of the
# package stays out. The preloaded libstdc++ lets ASan see exceptions. Sanitizers take memory of their own, so that no limit
# on it can be measured.
SANITIZED_TESTS := tests/core tests/cluster --ignore=tests/cluster/test_cuda.py --ignore=tests/cluster/test_memory_limit.py
SITE := $$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
LIBRARY = $$(g++ -print-file-name=$(1))

sanitize: sanitize-address

sanitize-address fuzz: FLAGS := address,undefined
sanitize-address fuzz: PRELOAD := $(call LIBRARY,libasan.so) $(call LIBRARY,libubsan.so) $(call LIBRARY,libstdc++.so.6)
sanitize-address fuzz: SANITIZED := build/sanitize-address
sanitize-thread: FLAGS := thread
sanitize-thread: PRELOAD := $(call LIBRARY,libtsan.so) $(call LIBRARY,libstdc++.so.6)
sanitize-thread: SANITIZED := build/sanitize-thread

define BUILD_SANITIZED
CXX=g++ $(BUILD) --quiet --no-deps --upgrade --target $(SANITIZED) --config-settings=build-dir=$(SANITIZED)-cmake \
  --config-settings=cmake.define.BCL_SANITIZE=$(FLAGS) --config-settings=cmake.define.BCL_CUDA=OFF --config-settings=install.strip=false .
$(PY) -m venv --without-pip build/sanitize-python
endef
SANITIZED_PYTHON = PYTHONPATH="$(CURDIR)/$(SANITIZED):$(SITE)" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
  TSAN_OPTIONS=suppressions=tests/helpers/tsan.supp \
  CXXFLAGS="-fsanitize=$(FLAGS) -fno-sanitize-recover=all -g -O1" LD_PRELOAD="$(PRELOAD)" build/sanitize-python/bin/python

sanitize-address sanitize-thread: $(VENV)/installed-dev
	$(BUILD_SANITIZED)
	$(SANITIZED_PYTHON) -m pytest -p no:cacheprovider --capture=sys $(SANITIZED_TESTS) $(ARGS)

# Debian: g++-aarch64-linux-gnu and qemu-user-static.
test-arm: $(VENV)/installed-dev
	BCL_TEST_ARM=1 $(PY) -m pytest -n0 tests/core/simd $(ARGS)

# Seeded, so that a fault comes again; a few minutes, or fewer: ARGS="--calls 400" CASES=100.
FUZZ_PARTS := readers films kills

fuzz: $(VENV)/installed-dev
	$(BUILD_SANITIZED)
	$(SANITIZED_PYTHON) -m fuzz.core $(ARGS)
	for part in $(FUZZ_PARTS); do $(PY) -m fuzz.$$part $(if $(CASES),--cases $(CASES)) || exit 1; done

clean:
	rm -rf build demo dist .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache $(VENV)/installed $(VENV)/installed-dev
	find bench python tests -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
