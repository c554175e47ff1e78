# The commands people type. `make test` is what CI runs.

PRESETS := notebook pixels tiny small fast best neighbors everyday

PAGE := crates/handful-cli/tests/page
CHROMIUM ?= chromium

# The Python package, the Python that makes its environments, and the one it is built, checked and tested in.
BINDING := crates/handful-python
PYTHON ?= python3
TOOLS := target/python
DIST := target/dist

.PHONY: help fetch setup quick test test-page test-python test-wheel test-static test-full lint static wheel audit bench scale load outliers redrawn wild labels mislabelled models package notebook

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

fetch: ## Fetch the crates
	cargo fetch --locked

setup: fetch $(TOOLS)/installed ## Fetch what the tests need (but Node.js; on Debian installs Chromium and venv as root)
	@command -v npm >/dev/null || { echo "The page's tests need Node.js 20 or newer, and npm: https://nodejs.org" >&2; exit 1; }
	@command -v $(CHROMIUM) >/dev/null || { test $(CHROMIUM) = chromium && \
		apt-get update && apt-get install -y --no-install-recommends chromium; } || \
		{ echo "The page's tests need Chromium: install it, or tell where it is by CHROMIUM=/path/to/chromium" >&2; exit 1; }
	npm ci --prefix $(PAGE) --ignore-scripts --no-audit --no-fund

# Debian's Python comes without `ensurepip`, so cannot make an environment, until python3-venv is there.
FIT := $(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null

$(TOOLS)/installed: $(BINDING)/tests/requirements.txt
	@$(FIT) || { test $(PYTHON) = python3 && \
		apt-get update && apt-get install -y --no-install-recommends python3-venv && $(FIT); } || \
		{ echo "The Python package needs Python 3.11 or newer, with venv: install it, or set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

test: setup ## Run all tests but the slow ones (about 16 minutes on 2 cores, building included)
	cargo test --workspace --locked
	$(MAKE) test-python
	$(MAKE) test-page

test-page: setup ## Test the page of `handful serve` and the reports in a browser (a minute)
	cargo test --workspace --locked --no-run
	cd $(PAGE) && CHROMIUM=$$(command -v $(CHROMIUM)) npm test

# The Python package, whose module is built with what `cargo test` builds: without the tests, other features would be chosen.
PACKAGE := target/python-package

test-python: fetch $(TOOLS)/installed ## Test the Python package (5 minutes)
	cargo build --workspace --locked --lib --tests
	rm -rf $(PACKAGE) && mkdir -p $(PACKAGE)
	cp -r $(BINDING)/python/handful $(PACKAGE)/handful
	cp target/debug/lib_core.so $(PACKAGE)/handful/_core.abi3.so
	cd $(BINDING) && MYPYPATH=$(CURDIR)/$(PACKAGE) PYTHONPATH=$(CURDIR)/$(PACKAGE) \
		$(CURDIR)/$(TOOLS)/bin/python -m mypy.stubtest handful._core
	cd $(BINDING) && PYTHONPATH=$(CURDIR)/$(PACKAGE) $(CURDIR)/$(TOOLS)/bin/pytest --ignore tests/test_package.py

EMPTY := target/empty-python

test-wheel: wheel ## Test the Python package as installed from its wheel (6 minutes)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(DIST)/*.whl
	cd $(BINDING) && $(CURDIR)/$(TOOLS)/bin/python -m mypy.stubtest handful._core
	cd $(BINDING) && $(CURDIR)/$(TOOLS)/bin/pytest
	$(PYTHON) -m venv --clear $(EMPTY)
	$(EMPTY)/bin/pip install --quiet --disable-pip-version-check $(DIST)/*.whl
	$(EMPTY)/bin/python -I $(BINDING)/tests/smoke.py

test-static: static ## Run the static program in an empty folder, as nobody, and ask it over HTTP (as root)
	$(PYTHON) .ci/static.py $(STATIC)/handful

# Debian's package of a second data set of MNIST's shape.
FASHION := /usr/share/datasets/fashion-mnist

test-full: setup ## Run all tests, the slow ones too (on Debian; installs dataset-fashion-mnist as root)
	test -d $(FASHION) || { apt-get update && apt-get install -y --no-install-recommends dataset-fashion-mnist; }
	cargo test --workspace --locked -- --include-ignored
	HANDFUL_NOTEBOOK=full $(MAKE) test-wheel
	$(MAKE) test-static
	$(MAKE) test-page

# What ruff checks: the package, and the notebook with its modules.
PYTHONS := . $(CURDIR)/notebooks

quick: $(TOOLS)/installed ## Check format, imports and lints, and run the unit tests (40 seconds if nothing changed)
	cargo fmt --all --check
	$(TOOLS)/bin/python .ci/imports.py
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cd $(BINDING) && $(CURDIR)/$(TOOLS)/bin/ruff format --check $(PYTHONS) && $(CURDIR)/$(TOOLS)/bin/ruff check $(PYTHONS)
	cargo test --workspace --locked --lib --bins

lint: $(TOOLS)/installed ## Check format, imports, lints, types and documentation; any warning is an error
	cargo fmt --all --check
	$(TOOLS)/bin/python .ci/imports.py
	$(TOOLS)/bin/python .ci/dependencies.py
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy -p handful --no-default-features --locked -- -D warnings
	set -e; for feature in training images presets parquet; do \
		cargo clippy -p handful --no-default-features --features $$feature --locked -- -D warnings; done
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	cd $(BINDING) && $(CURDIR)/$(TOOLS)/bin/ruff format --check $(PYTHONS)
	cd $(BINDING) && $(CURDIR)/$(TOOLS)/bin/ruff check $(PYTHONS)
	cd $(BINDING) && $(CURDIR)/$(TOOLS)/bin/mypy

STATIC := target/static
HOST = $(shell rustc -vV | sed -n 's/^host: //p')

# With `--target`, the flags do not reach build scripts and macros, which must load shared libraries.
static: ## Build the program without shared libraries, as the Dockerfile does (on Linux with glibc)
	RUSTFLAGS="-C target-feature=+crt-static -C strip=symbols" \
		cargo build --release --locked -p handful-cli --target $(HOST)
	install -D $${CARGO_TARGET_DIR:-target}/$(HOST)/release/handful $(STATIC)/handful

SDIST := target/sdist

# The wheel is built from the sdist alone, which proves that this is whole. It lacks the command line's crate, which
# Cargo then takes out of Cargo.lock, so cannot be `--locked`: that all others are the same is looked up afterwards.
# All files in an sdist are of one day in 2006: without `m` Cargo would not see that they have changed.
wheel: fetch $(TOOLS)/installed ## Make the Python package: its sdist, and from it the wheel, for Linux with glibc 2.17 or newer
	rm -rf $(DIST) $(SDIST) && mkdir -p $(SDIST)
	$(TOOLS)/bin/maturin sdist -m $(BINDING)/Cargo.toml -o $(DIST)
	tar xmf $(DIST)/*.tar.gz -C $(SDIST) --strip-components 1
	PATH=$(CURDIR)/$(TOOLS)/bin:$$PATH CARGO_TARGET_DIR=$(CURDIR)/target maturin build --release --offline \
		--zig --compatibility manylinux_2_17 -m $(SDIST)/$(BINDING)/Cargo.toml -o $(DIST)
	! grep '^checksum' $(SDIST)/Cargo.lock | grep -vxFf Cargo.lock
	$(TOOLS)/bin/twine check --strict $(DIST)/*

audit: ## Check licences, sources and duplicates of all dependencies
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked
	cargo deny check bans licenses sources

VENV := target/bench-venv

bench: fetch ## Measure speed, alone and beside FAISS, scikit-learn and others (BENCH=--quick: does it run?)
	cargo bench --workspace --locked
	cargo build --release --locked
	python3 benches/interrupt.py
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r benches/peers/requirements.txt
	$(VENV)/bin/python benches/peers/knn.py $(BENCH)
	$(VENV)/bin/python benches/peers/scaling.py $(BENCH)
	$(VENV)/bin/python benches/peers/kmeans.py $(BENCH)
	$(VENV)/bin/python benches/peers/experiment.py $(BENCH)
	$(MAKE) wheel
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall target/dist/*.whl
	$(VENV)/bin/python benches/peers/python.py $(BENCH)
	$(VENV)/bin/python benches/peers/interrupts.py

SCALE := target/scale
SCALE_IMAGES ?= 2000000
PEERS := --quiet --disable-pip-version-check -r benches/peers
OURS := --quiet --disable-pip-version-check --no-deps --force-reinstall

# Dask-ML and Spark each want other versions of what they share: each gets an environment.
scale: fetch ## Cluster and search more images than memory shall hold, here and on a Dask cluster; read them with Spark (needs Java)
	cargo build --release --locked
	mkdir -p $(SCALE)
	target/release/handful augment --count $(SCALE_IMAGES) -o $(SCALE)/digits
	python3 -m venv $(VENV) && $(VENV)/bin/pip install $(PEERS)/requirements.txt
	$(VENV)/bin/python benches/peers/out_of_core.py $(SCALE)/digits
	$(VENV)/bin/python benches/peers/inverted.py --data $(SCALE)/digits --queries data/mnist
	$(MAKE) wheel
	for peer in on_dask spark; do \
		python3 -m venv $(SCALE)/$$peer && $(SCALE)/$$peer/bin/pip install $(PEERS)/requirements-$$peer.txt && \
		$(SCALE)/$$peer/bin/pip install $(OURS) $(DIST)/*.whl && \
		$(SCALE)/$$peer/bin/python benches/peers/$$peer.py || exit 1; done

OUTLIERS := target/outliers
FONTS := fonts-dejavu-core fonts-freefont-ttf fonts-lato fonts-liberation

outliers: fetch ## Show presets what is no digit: letters, garments, noise (on Debian; installs fonts as root)
	dpkg -s $(FONTS) dataset-fashion-mnist >/dev/null 2>&1 || \
		{ apt-get update && apt-get install -y --no-install-recommends $(FONTS) dataset-fashion-mnist; }
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r benches/outliers/requirements.txt
	$(VENV)/bin/python benches/outliers/make.py $(OUTLIERS)
	cargo run --release --locked -- compare --frontier --pretrained --n-init 1 \
		--report $(OUTLIERS)/report.html --ood $(FASHION) $(OUTLIERS)/*ubyte.gz

mislabelled: wheel ## Make labels of MNIST wrong and add copies, and find them again, beside cleanlab
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r benches/mislabelled/requirements.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall $(DIST)/*.whl
	$(VENV)/bin/python benches/mislabelled/run.py

load: setup ## Ask `handful serve` as much as it can answer, and draw on its page (on Debian; installs wrk as root)
	command -v wrk >/dev/null || { apt-get update && apt-get install -y --no-install-recommends wrk; }
	cargo build --release --locked
	python3 benches/serve/load.py
	CHROMIUM=$$(command -v $(CHROMIUM)) HANDFUL=target/release/handful node benches/serve/latency.js

REDRAWN := target/redrawn

redrawn: fetch ## Read 1,000 test digits that Pillow drew anew as pictures of 72 kinds (five minutes)
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r benches/redrawn/requirements.txt
	$(VENV)/bin/python benches/redrawn/make.py --to $(REDRAWN)
	cargo build --release --locked
	$(VENV)/bin/python benches/redrawn/score.py $(REDRAWN)

# Folders of pictures with a folder for each class, and which models read them.
WILD ?=
MODELS ?= fast best everyday

wild: fetch ## Read corrupted, tiny and printed digits, and those in folders of yours (WILD="FOLDER ..."; three minutes)
	cargo build --release --locked
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r benches/wild/requirements.txt
	$(VENV)/bin/python benches/wild/run.py --models $(MODELS) $(if $(WILD),--folders $(WILD))

labels: wheel ## Label data sets from 10 to 500 answers, beside scikit-learn (on Debian)
	test -d $(FASHION) || { apt-get update && apt-get install -y --no-install-recommends dataset-fashion-mnist; }
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(DIST)/*.whl
	$(TOOLS)/bin/python benches/labels/run.py

# What a registry takes.
LARGEST_CRATE := 10000000
PACKAGED := target/packaged

package: fetch ## Package both crates, build the program from the packages alone, and let it read a picture
	cargo package --workspace --exclude handful-python --locked --no-verify
	rm -rf $(PACKAGED) && mkdir -p $(PACKAGED)
	for crate in target/package/handful*.crate; do \
		test $$(stat -c %s $$crate) -lt $(LARGEST_CRATE) && tar xf $$crate -C $(PACKAGED) || exit 1; done
	for manifest in $(PACKAGED)/*/Cargo.toml; do printf '\n[workspace]\n' >> $$manifest; done
	cp Cargo.lock $(PACKAGED)/handful-cli-*/
	cd $(PACKAGED)/handful-cli-* && cargo build --release --target-dir ../target \
		--config "patch.crates-io.handful.path = '$$(echo $(CURDIR)/$(PACKAGED)/handful-[0-9]*)'"
	cp crates/handful/tests/formats/fixtures/strays/photo.jpg $(PACKAGED)
	cd $(PACKAGED) && target/release/handful predict photo.jpg | grep "photo.jpg: 7"

# Two models keep pictures, to show neighbours without the training data.
models: fetch ## Train the presets again: crates/handful/models/*.safetensors (some minutes)
	cargo build --release --locked
	for preset in $(PRESETS); do \
		case $$preset in fast | everyday) pictures=--pictures ;; *) pictures= ;; esac; \
		target/release/handful train --preset $$preset $$pictures \
			-o crates/handful/models/$$preset.safetensors || exit 1; done

notebook: wheel ## Execute the notebook, and write what it shows into it (three minutes, and the wheel)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(DIST)/*.whl
	$(TOOLS)/bin/python $(BINDING)/tests/test_notebook.py
