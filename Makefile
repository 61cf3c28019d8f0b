# Everything a user types. `make demo` and `make test` install what is missing first.
PYTHON ?= python3
BIN := .venv/bin
# What meets a tool, but for the tests marked `any_version`; tests/oldest_sample.txt is a sample of them.
OLDEST_TESTS := tests/adapters $(addprefix tests/entrypoints/,bentoml evidently feast great_expectations mlflow prefect)
# How many processes work at once, in tests and checks.
JOBS ?= $(shell nproc)
# tests/groups.py says which tests stay in one process.
PYTEST = $(BIN)/python -m pytest -n $(JOBS) --no-loadscope-reorder --durations 20 --durations-min 1

.DEFAULT_GOAL := help
.PHONY: help setup demo-sources propose-rules study-features test-mlflow-suite soak-gate soak-loop soak-serving soak-balancing check-packages attack-feedback attack-serving prometheus check-monitoring demo demo-short up shots test test-oldest test-pythons check check-format check-ruff check-types check-imports soak mutants lock clean bench-acquisition bench-stream bench-console bench-online-features bench-batch-scoring bench-callers bench-demo bench-drift bench-gate bench-gate-log bench-evaluation bench-feast-lineage bench-feedback-ingest bench-feedback-decoding bench-feedback-statistics bench-label-join bench-orchestration bench-point-in-time bench-lineage-ingest bench-lineage-query bench-serving soak-acquisition bench-acquisition-memory

help:  ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup:  ## Install the lock and Handrail into .venv (nothing to do if they are there).
	@$(PYTHON) infra/install.py

demo: setup  ## Run the whole loop on real flights, in .handrail/; STOP=approve ends after that step.
	@$(BIN)/python -m infra.demo $(if $(STOP),--stop "$(STOP)")

demo-short: setup  ## The same steps on fewer flights.
	@$(BIN)/python -m infra.demo --short $(if $(STOP),--stop "$(STOP)")

demo-sources: setup  ## The flights from a database, an API, a page and a broker with faults: the same bytes as from files; SHORT=1 a week.
	@$(BIN)/python -m flows.steps.data.demo_sources $(if $(SHORT),--short)

up: setup  ## Start everything that has a UI; Ctrl-C stops it.
	@$(BIN)/python -m infra.servers.up

shots: setup  ## Take a picture of every page of the finished demo's console, in .handrail/shots.
	@$(BIN)/python -m infra.shots

prometheus: setup  ## Start Debian's Prometheus over the servers of `make up`, with the alert rules of infra/prometheus.
	@$(BIN)/python -m infra.servers.prometheus

test: setup  ## Run the whole test suite; TESTS="tests/unit" some of it, JOBS=0 in one process, FLAGS= of pytest.
	@$(PYTEST) $(FLAGS) $(TESTS)

check: setup  ## Lint: formatting, ruff, types, import contracts.
	@$(MAKE) --no-print-directory --output-sync=target -j $(or $(filter-out 0,$(JOBS)),1) check-types check-imports check-ruff check-format

check-monitoring: setup  ## The alert rules over their examples, by promtool; the dashboards against Grafana's own schema.
	@cd infra/prometheus && promtool check rules rules.yml && promtool test rules rules_test.yml
	@$(PYTHON) infra/ci/dashboards.py

check-format:
	@$(BIN)/ruff format --check .

check-ruff:
	@$(BIN)/ruff check .

check-types:
	@$(BIN)/mypy plugins flows bentos feature_repo infra tests/fakes tests/contracts

check-imports:
	@$(BIN)/lint-imports

soak: setup  ## Run the tests in random orders again and again, ROUNDS times; properties EFFORT times as hard; soak-gate; some mutants.
	@for round in $$(seq $(or $(ROUNDS),3)); do HANDRAIL_TEST_EFFORT=$(or $(EFFORT),50) $(PYTEST) -q || exit 1; done
	@$(MAKE) --no-print-directory soak-gate
	@EXAMPLES=$(or $(EXAMPLES),500) $(MAKE) --no-print-directory attack-feedback
	@$(MAKE) --no-print-directory mutants BUDGET=$(or $(BUDGET),300) SEED=$$(date +%s)

GATE_SOAK = tests/unit/approvals/test_gate_life.py tests/unit/approvals/test_policy_oracle.py \
    tests/unit/approvals/test_evidence_forgeries.py tests/adapters/approvals/test_swap_races.py

soak-gate: setup  ## The gate's rules, tried STEPS steps of random lives, on POLICIES, against FORGERIES of evidence and in RACES.
	@HANDRAIL_TEST_STEPS=$(or $(STEPS),1000000) HANDRAIL_TEST_POLICIES=$(or $(POLICIES),10000) \
	    HANDRAIL_TEST_FORGERIES=$(or $(FORGERIES),10000) HANDRAIL_TEST_RACES=$(or $(RACES),10000) $(PYTEST) -q $(GATE_SOAK)

soak-balancing: setup  ## Two replicas behind HAProxy, killed KILLS times one by one under load; no request may be lost.
	@HANDRAIL_TEST_HAPROXY=1 HANDRAIL_TEST_KILLS=$(or $(KILLS),20) $(BIN)/python -m pytest -n 0 -q -s tests/bentos/test_balancing.py

soak-acquisition: setup  ## `handrail acquire` killed KILLS times over each source but streams, at random moments: nothing is lost or doubled.
	@HANDRAIL_TEST_KILLS=$(or $(KILLS),30) $(PYTEST) -q tests/entrypoints/cli/test_acquire_killed.py

check-packages: setup  ## What is deployed, packaged for each target: hadolint, checkov, and a device and a function in an environment of their own.
	@$(BIN)/python -m infra.ci.packages
soak-serving: setup  ## The served bento under full load: REQUESTS requests over SWAPS swaps, none lost, none wrong; then it is killed.
	@HANDRAIL_TEST_REQUESTS=$(or $(REQUESTS),1000000) HANDRAIL_TEST_SWAPS=$(or $(SWAPS),100) $(PYTEST) -q -n 0 \
	    -o log_cli=true -o log_cli_level=INFO tests/bentos/test_swap.py tests/bentos/test_recovery.py

soak-loop: setup  ## Retrainings killed at each of their moments, on each database, KILLS times; labels of liars and of honest sources.
	@HANDRAIL_TEST_KILLS=$(or $(KILLS),20) $(PYTEST) -q tests/flows/retraining/test_killed_retraining.py tests/adapters/delivery/test_turns.py \
	    tests/flows/retraining/test_sources.py tests/adapters/approvals/test_killed_promotions.py

test-mlflow-suite: setup  ## MLflow's own tests of a checkout, MLFLOW_SOURCE, against stock basic-auth and against our app; TESTS= others.
	@$(BIN)/python -m infra.ci.mlflow_suite $(TESTS)

mutants: setup  ## Change the code in small ways and see whether tests notice, for BUDGET seconds; FILES="*/domain/*" some files.
	@BUDGET=$(or $(BUDGET),600) FILES="$(or $(FILES),*)" SEED=$(or $(SEED),0) nice -n 15 $(BIN)/python -m infra.ci.mutants

COMPILE = $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
    --all-extras $(if $(UPGRADE),--upgrade) --custom-compile-command "make lock" pyproject.toml infra/requirements.in

lock: setup  ## Resolve both locks anew, the newest and the oldest versions; UPGRADE=1 takes newer ones.
	@$(COMPILE) --universal -o infra/requirements.lock
	@$(COMPILE) --resolution lowest-direct -o infra/requirements-oldest.lock

test-oldest: setup  ## Run a sample of what meets the tools on the oldest versions that pyproject.toml allows; FULL=1 all of it, TESTS= others.
	@$(BIN)/python -m infra.ci.oldest
	@$(subst $(BIN),.handrail/oldest/bin,$(PYTEST)) -o cache_dir=.handrail/oldest/pytest_cache -m 'not any_version' $(or $(TESTS),$(if $(FULL),$(OLDEST_TESTS),@tests/oldest_sample.txt))

test-pythons: setup  ## Resolve the lock for every supported Python: is there a wheel of each package?
	@$(BIN)/python -m infra.ci.pythons

bench-point-in-time: setup  ## The offline store beside its peers; FULL=1 adds 3 million rows.
	@$(BIN)/python -m tests.benchmarks.point_in_time

bench-lineage-query: setup  ## Traces and impacts beside PostgreSQL, networkx, Feast's consumer, Marquez's SQL; FULL=1 adds 10^7 edges.
	@$(BIN)/python -m tests.benchmarks.lineage_query

bench-orchestration: setup  ## Recording a Prefect pipeline beside not recording it; FULL=1 for a minute of work.
	@$(BIN)/python -m tests.benchmarks.orchestration

bench-feast-lineage: setup  ## Feast with its reads and writes recorded beside Feast without.
	@$(BIN)/python -m tests.benchmarks.feast_lineage

bench-lineage-ingest: setup  ## Lineage events into the store beside Feast's own consumer and the disk's own rate.
	@$(BIN)/python -m tests.benchmarks.lineage_ingest

bench-gate: setup  ## MLflow's own calls through the gate beside stock MLflow with logins, call by call in turn.
	@$(BIN)/python -m tests.benchmarks.gate

bench-gate-log: setup  ## The gate's log: a million leaves verified, appends with their proof beside a bare commit.
	@$(BIN)/python -m tests.benchmarks.gate_log

bench-acquisition: setup  ## A table of PostgreSQL acquired beside dlt alone and plain COPY; ROWS=1000000 for more.
	@$(BIN)/python -m tests.benchmarks.acquisition

bench-acquisition-memory: setup  ## Memory of `handrail acquire` for a table of SIZE beside one of SMALL; SIZE=10GB for a large one.
	@$(BIN)/python -m tests.benchmarks.acquisition_memory

bench-stream: setup  ## Readings from each broker to the online store, beside Feast's bare push; RATE=1000 for more.
	@$(BIN)/python -m tests.benchmarks.stream

bench-console: setup  ## The console's pages beside 10^4 open requests, 10^6 predictions and MLflow's own search.
	@$(BIN)/python -m tests.benchmarks.console

bench-evaluation: setup  ## The gate's own evaluation of 28,220 rows beside the same by scikit-learn in process.
	@$(BIN)/python -m tests.benchmarks.evaluation

bench-feedback-ingest: setup  ## Feedback that is on the disk beside the disk's own rate, SQLite, PostgreSQL, DuckDB, NATS and MLflow; FULL=1 for more.
	@$(BIN)/python -m tests.benchmarks.feedback_ingest

bench-feedback-decoding: setup  ## A body with 100,000 events decoded from each format, beside a dictionary a row.
	@$(BIN)/python -m tests.benchmarks.feedback_decoding

bench-feedback-statistics: setup  ## False positives, power and coverage of comparisons and estimates, simulated; FULL=1 for more trials.
	@$(BIN)/python -m tests.benchmarks.feedback_statistics

bench-drift: setup  ## False alarms and delays of drift on resampled weeks beside PSI, KS and Evidently; FULL=1 for more years.
	@$(BIN)/python -m tests.benchmarks.drift

bench-label-join: setup  ## Label tables from Parquet beside plain DuckDB and the rules row by row, and the memory they take; FULL=1 adds 10^7.
	@$(BIN)/python -m tests.benchmarks.label_join

attack-feedback: setup  ## What schemathesis makes of our description, sent to `handrail serve`: no 5xx, no write without a token; EXAMPLES=1000 for more.
	@$(BIN)/python -m infra.ci.attack

attack-serving: setup  ## The same sent to a served bento: no 5xx, and nothing taken without a token; EXAMPLES=1000 for more.
	@EXAMPLES=$(or $(EXAMPLES),100) $(BIN)/python -m pytest -n 0 -q tests/bentos/test_attack.py

STUDIED = $(abspath $(or $(PROJECT),.handrail/demo/project))
propose-rules: setup  ## Rules on the raw tables that config/validation.yaml lacks, tried on later rows, for review; PROJECT=, else the demo's.
	@cd $(STUDIED) && HANDRAIL_PROJECT=$(STUDIED) PYTHONPATH=$(CURDIR) $(abspath $(BIN))/python -m flows.steps.data.proposing

study-features: setup  ## What other scaling, selection and extraction of features would change, with intervals; PROJECT=, else the demo's.
	@cd $(STUDIED) && HANDRAIL_PROJECT=$(STUDIED) PYTHONPATH=$(CURDIR) $(abspath $(BIN))/python -m flows.steps.modelling.study

bench-online-features: setup  ## Features of a request read directly beside get_online_features; Redis too where HANDRAIL_TEST_REDIS_URL names one.
	@$(BIN)/python -m tests.benchmarks.online_features

bench-callers: setup  ## A guarded request by the token, a key or an issuer's token, beside one that nobody checks.
	@$(BIN)/python -m tests.benchmarks.callers

bench-serving: setup  ## One row by HTTP at 1 and 16 clients: Handrail's bento, bare ones, FastAPI, MLflow, Ray Serve, LitServe; REPEATS=, SECONDS=.
	@$(BIN)/python -m tests.benchmarks.serving

bench-batch-scoring: setup  ## As many rows as a year of flights, verified, scored and recorded, beside raw ONNX Runtime; ROWS=, REPEATS=.
	@$(BIN)/python -m tests.benchmarks.batch_scoring

bench-demo: setup  ## The demo in a fresh clone, per step; SHORT=1 on fewer flights, REPEATS=5 for intervals.
	@$(BIN)/python -m tests.benchmarks.demo

clean:  ## Remove .venv and caches; .handrail, the run-time state, stays.
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -not -path './.git/*' -not -path './.handrail/*' -prune -exec rm -rf {} +
