# The commands people type. `make test` is what CI runs.

.PHONY: help setup test test-full lint audit

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Fetch everything that the tests need
	cargo fetch --locked

test: setup ## Run all tests but the slow ones (about 4 minutes on 2 cores, building included)
	cargo test --workspace --locked

test-full: setup ## Run all tests, the slow ones too
	cargo test --workspace --locked -- --include-ignored

lint: ## Check format, lints and documentation; any warning is an error
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

audit: ## Check licences, sources and duplicates of all dependencies
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked
	cargo deny check bans licenses sources
