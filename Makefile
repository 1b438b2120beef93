# carelake: everything a developer runs. `make help` lists it.
SHELL := /bin/bash
CACHE := $(HOME)/.cache/carelake
export CARGO_TARGET_DIR ?= $(CACHE)/target
VENV := $(CACHE)/venv
MLFLOW_VENV := $(CACHE)/mlflow-venv
ATHENA_VENV := $(CACHE)/athena-venv
BENCH_VENV := $(CACHE)/bench-venv
MINISTACK_VENV := $(CACHE)/ministack-venv
MOTO_VENV := $(CACHE)/moto-venv
INFRA_VENV := $(CACHE)/infra-venv
INFRA_LINT_VENV := $(CACHE)/infra-lint-venv
AIRFLOW_VENV := $(CACHE)/airflow-venv
SUPERSET_VENV := $(CACHE)/superset-venv
PYTHON := $(VENV)/bin/python
export CARELAKE_BIN := $(CARGO_TARGET_DIR)/debug/carelake
DEMO ?= demo
PATIENTS ?= 1000
SEEDS ?= 1000
OWN_DOCS := docs/data-model.md docs/definitions.md docs/measures.md

.PHONY: help claim build demo replay test test-rust simulate test-python test-clients test-aws test-airflow test-dags airflow athena-conformance test-superset superset dashboards check lint lint-infra lint-dags infra package deploy fmt bless docs bench bench-aws bench-scorer bench-start fuzz lock deny clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Cargo judges what is fresh by time alone: what another clone left in the shared target folder may be newer.
claim:
	@mkdir -p $(CARGO_TARGET_DIR)
	@if [ "$$(cat $(CARGO_TARGET_DIR)/.clone 2>/dev/null)" != "$(CURDIR)" ]; then \
		git ls-files Cargo.toml functions shared | xargs touch; echo "$(CURDIR)" > $(CARGO_TARGET_DIR)/.clone; fi

build: claim ## build the carelake command
	cargo build --locked --workspace --bin carelake

demo: build ## a synthetic hospital from landing to gold, in ./demo
	@DEMO=$(DEMO) PATIENTS=$(PATIENTS) SEED=$(or $(SEED),1) bash tests/demo.sh

replay: build $(VENV)/.ready ## a stream of daily files with an outbreak: alerts day by day, equal to all at once
	$(PYTHON) tests/measures/replay.py $(CARELAKE_BIN)

test: test-rust test-python test-dags ## every test, with all they need

test-rust: build
	cargo test --locked --workspace

simulate: claim ## a crash at every step and SEEDS storms of faults, 1000 unless told; SEED=123 is one storm again
	CARELAKE_SIMULATE=$(if $(SEED),seed:$(SEED),$(SEEDS)) cargo test --locked --workspace --test simulation -- \
		--nocapture $(if $(SEED),storms)

test-python: build $(VENV)/.ready $(MLFLOW_VENV)/.ready test-clients
	$(PYTHON) -m pytest -q -p no:cacheprovider --ignore tests/aws/test_deployed.py --ignore tests/aws/test_roles.py \
		--ignore tests/aws/test_large.py --ignore tests/aws/test_upkeep.py --ignore tests/aws/test_catalogue.py \
		--ignore tests/aws/test_models.py --ignore tests/aws/test_faults.py --ignore tests/airflow --ignore tests/superset tests

test-clients: build $(ATHENA_VENV)/.ready ## clients of Athena on carelake serve: PyAthena, awswrangler, boto3, SQLAlchemy
	$(ATHENA_VENV)/bin/python -m pytest -q -p no:cacheprovider --confcutdir tests tests/athena

$(VENV)/.ready: tests/requirements.txt
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@touch $@

$(MLFLOW_VENV)/.ready: tests/mlflow/requirements.txt $(VENV)/.ready
	python3 -m venv $(MLFLOW_VENV)
	$(VENV)/bin/uv pip install --quiet --python $(MLFLOW_VENV)/bin/python --require-hashes -r tests/mlflow/requirements.txt
	@touch $@

test-aws: build $(VENV)/.ready $(MINISTACK_VENV)/.ready $(MOTO_VENV)/.ready $(INFRA_VENV)/.ready ## the deployed stack on an emulated AWS
	cargo build --locked --workspace --bins
	$(PYTHON) -m pytest -q -p no:cacheprovider tests/aws

test-dags: $(AIRFLOW_VENV)/.ready
	$(AIRFLOW_VENV)/bin/python -m pytest -q -p no:cacheprovider tests/airflow/dags

test-airflow: build test-dags $(VENV)/.ready $(MINISTACK_VENV)/.ready $(INFRA_VENV)/.ready ## the DAGs in a real Airflow on an emulated AWS
	cargo build --locked --workspace --bins
	$(PYTHON) -m pytest -q -p no:cacheprovider tests/airflow/live

athena-conformance: build $(VENV)/.ready $(MINISTACK_VENV)/.ready $(INFRA_VENV)/.ready ## Trino beside carelake's session on the emulated stack; writes docs/athena-conformance.md; needs Java 24; PATIENTS
	cargo build --locked --workspace --bins
	$(PYTHON) tests/trino/run.py $(CARGO_TARGET_DIR) $(if $(filter command line environment,$(origin PATIENTS)),--patients $(PATIENTS))

airflow: build $(AIRFLOW_VENV)/.ready $(VENV)/.ready $(MINISTACK_VENV)/.ready $(INFRA_VENV)/.ready ## Airflow with the DAGs on this machine, on an emulated AWS with a generated hospital; PORT, PATIENTS
	cargo build --locked --workspace --bins
	$(PYTHON) tests/airflow/live/serve.py

$(AIRFLOW_VENV)/.ready: tests/airflow/requirements.txt $(VENV)/.ready
	python3 -m venv $(AIRFLOW_VENV)
	$(VENV)/bin/uv pip install --quiet --python $(AIRFLOW_VENV)/bin/python --require-hashes -r tests/airflow/requirements.txt
	@touch $@

test-superset: build $(VENV)/.ready $(SUPERSET_VENV)/superset.db ## the dashboards in a real Superset on carelake serve: every chart answers
	$(PYTHON) -m pytest -q -p no:cacheprovider tests/superset

superset: build $(VENV)/.ready $(SUPERSET_VENV)/superset.db ## Superset with the dashboards on this machine, over a generated hospital; PORT, PATIENTS
	$(PYTHON) tests/superset/serve.py

dashboards: ## pack the dashboards for another Superset, as dashboards.zip: URI=the connection
	python3 infra/superset/bundle.py dashboards.zip $(if $(URI),--uri '$(URI)')

$(SUPERSET_VENV)/.ready: tests/superset/requirements.txt $(VENV)/.ready
	python3 -m venv $(SUPERSET_VENV)
	$(VENV)/bin/uv pip install --quiet --python $(SUPERSET_VENV)/bin/python --require-hashes -r tests/superset/requirements.txt
	@touch $@

$(SUPERSET_VENV)/superset.db: $(SUPERSET_VENV)/.ready tests/superset/prepare.sh tests/superset/superset_config.py
	bash tests/superset/prepare.sh $(SUPERSET_VENV)

define VIRTUALENV
$(1)/.ready: $(2)/requirements.txt
	python3 -m venv $(1)
	$(1)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(2)/requirements.txt
	@touch $$@
endef
$(eval $(call VIRTUALENV,$(ATHENA_VENV),tests/athena))
$(eval $(call VIRTUALENV,$(MINISTACK_VENV),tests/aws))
$(eval $(call VIRTUALENV,$(MOTO_VENV),tests/aws/moto))
$(eval $(call VIRTUALENV,$(INFRA_VENV),infra))
$(eval $(call VIRTUALENV,$(INFRA_LINT_VENV),infra/lint))

check: lint test ## formatting, lints, tests: the same as in CI

lint: claim lint-infra lint-dags $(VENV)/.ready
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(VENV)/bin/ruff check tests docs infra dags
	$(VENV)/bin/ruff format --check tests docs infra dags
	$(PYTHON) tests/lint_sql.py

lint-infra: $(INFRA_LINT_VENV)/.ready ## the templates, with cfn-lint and checkov
	cd infra && $(INFRA_LINT_VENV)/bin/cfn-lint && $(INFRA_LINT_VENV)/bin/checkov --config-file .checkov.yaml --directory .

lint-dags: $(AIRFLOW_VENV)/.ready $(VENV)/.ready ## the DAGs, with Airflow's rules and with types
	$(VENV)/bin/ruff check --preview --select AIR dags
	cd dags && MYPYPATH=. $(AIRFLOW_VENV)/bin/mypy --config-file ../tests/airflow/mypy.ini --cache-dir $(CACHE)/mypy .

infra: ## write the generated template of infra/
	python3 infra/prepared.py > infra/prepared.yaml

package: claim $(INFRA_VENV)/.ready ## build the functions for Lambda, and check what they need of it: FUNCTIONS="ingest score", CARGO_FLAGS
	PATH=$(INFRA_VENV)/bin:$$PATH $(INFRA_VENV)/bin/python infra/package.py $(FUNCTIONS) $(CARGO_FLAGS)

bench-start: $(VENV)/.ready ## how soon packaged functions ask for work, warm and cold, and how large they are
	$(PYTHON) tests/bench/start.py

bench-aws: build $(VENV)/.ready $(MINISTACK_VENV)/.ready $(INFRA_VENV)/.ready ## seconds from landing to gold on the emulated stack: FILES
	cargo build --locked --workspace --bins
	$(PYTHON) tests/bench/aws.py $(CARGO_TARGET_DIR) $(FILES)

deploy: package ## deploy to AWS: NAME, AWS_REGION, PARAMETERS="Key=Value ..."
	PATH=$(INFRA_VENV)/bin:$$PATH bash infra/deploy.sh

fmt: $(VENV)/.ready ## format the code
	cargo fmt --all
	$(VENV)/bin/ruff format tests docs infra dags

bless: build ## rewrite golden files from what the code gives; read the difference before you commit it
	CARELAKE_BLESS=1 cargo test --locked --workspace

docs: ## write the generated pages of docs/ and the twins for sharing
	python3 docs/twins.py
	python3 docs/data_model.py > docs/data-model.md
	python3 docs/definitions.py > docs/definitions.md
	python3 docs/measures.py > docs/measures.md
	python3 docs/cost.py > docs/cost.md
	python3 docs/functions.py > docs/functions.md

bench: claim $(BENCH_VENV)/.ready ## carelake beside DuckDB, Polars and PySpark; writes docs/performance.md. BENCH="--quick" tries it out
	cargo build --locked --release --workspace --bin carelake
	$(BENCH_VENV)/bin/python tests/bench/run.py $(CARGO_TARGET_DIR)/release/carelake $(BENCH_VENV)/bin/python $(BENCH)

bench-scorer: build $(BENCH_VENV)/.ready ## the no-show scorer beside LightGBM and scikit-learn; writes docs/scorer-performance.md. BENCH="--quick" tries it out
	cargo build --locked --release --workspace --example figures
	$(BENCH_VENV)/bin/python tests/bench/scorer.py $(CARELAKE_BIN) \
		$(CARGO_TARGET_DIR)/release/examples/figures $(BENCH_VENV)/bin/python $(BENCH)

$(BENCH_VENV)/.ready: tests/bench/requirements.txt
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/bench/requirements.txt
	@touch $@

FUZZ := $(CACHE)/fuzz
TARGET ?= csv json ndjson parquet contract landing_path event_key
SECONDS ?= 900

fuzz: $(VENV)/.ready ## fuzz what is read from outside: TARGET, SECONDS each; needs the nightly toolchain
	command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	$(PYTHON) tests/fuzz/seeds.py $(FUZZ)/corpus
	set -e; for target in $(TARGET); do mkdir -p $(FUZZ)/found/$$target; \
		CARGO_TARGET_DIR=$(FUZZ)/target cargo +nightly fuzz run --fuzz-dir tests/fuzz --sanitizer none $$target \
			$(FUZZ)/corpus/$$target tests/fuzz/regressions/$$target -- -max_total_time=$(SECONDS) -rss_limit_mb=1024 \
			-timeout=60 -artifact_prefix=$(FUZZ)/found/$$target/ -print_final_stats=1; done

lock: $(VENV)/.ready ## lock the Python requirements with hashes
	for folder in tests tests/athena tests/mlflow tests/bench tests/aws tests/aws/moto infra infra/lint; do \
		$(VENV)/bin/uv pip compile -q --generate-hashes --no-header --no-annotate --python-version 3.11 $$folder/requirements.in -o $$folder/requirements.txt; done
	$(VENV)/bin/uv pip compile -q --generate-hashes --no-header --no-annotate --python-version 3.11 --exclude-newer 2026-06-01 tests/superset/requirements.in -o tests/superset/requirements.txt
	for folder in dags tests/airflow; do \
		$(VENV)/bin/uv pip compile -q --generate-hashes --no-header --no-annotate --universal --python-version 3.11 $$folder/requirements.in -o $$folder/requirements.txt; done

deny: ## licences and advisories of the dependencies
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check

clean: ## remove the demo
	rm -rf $(DEMO)
