# STACK=NAME chooses the stack of a target; without it `synapse` uses SYNAPSE_STACK, then its default (cli/options.py).
ifdef STACK
export SYNAPSE_STACK := $(STACK)
endif
REPORT = build/bench$(addprefix -,$(SYNAPSE_STACK))
MINUTES ?= 60
PROCESSES ?= $(shell expr $$(nproc) + 1)
RUN := tools/uv run --locked
ALL := $(RUN) --group engines
unexport PYTHONDONTWRITEBYTECODE # many short processes: each would compile everything again

.DEFAULT_GOAL := help
.PHONY: bench-gateway bench-preview bench-stack soak help up twin release preview down clean refresh plan validate routes status health
.PHONY: test-health logs doctor test check tools
.PHONY: deploy-phase1 deploy-phase2 deploy-phase3 deploy-phase4 deploy-phase5 deploy-phase6

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## preview under the policy pack, deploy on a private cluster, test the gateway
	$(RUN) synapse up

twin: ## deploy the forge on a twin: a simulated node, no real containers
	$(RUN) synapse up --stack forge

release: ## build, deploy and verify the gateway of this commit; roll back on failure
	$(RUN) synapse release

preview: ## show what would change, under the policy pack
	$(RUN) synapse preview

down: ## destroy the stack and end its private cluster; models and voices stay
	$(RUN) synapse down

clean: ## the same after a confirmation; `synapse clean --volumes` deletes models and voices too
	$(RUN) synapse clean

refresh: ## read the state of the cluster after an interrupted run
	$(RUN) synapse refresh

deploy-phase1: ## deploy phase 1: models on the CPU
deploy-phase2: ## deploy up to phase 2: models on the GPU
deploy-phase3: ## deploy up to phase 3: the gateway
deploy-phase4: ## deploy up to phase 4: speech
deploy-phase5: ## deploy up to phase 5: network policies and ingress
deploy-phase6: ## deploy up to phase 6: monitoring
deploy-phase1 deploy-phase2 deploy-phase3 deploy-phase4 deploy-phase5 deploy-phase6: deploy-phase%:
	$(RUN) synapse up --phase $*

plan: ## print the ledger of resource claims, without the Pulumi engine or a cluster
	$(RUN) synapse plan

validate: ## check ledger, policy pack and manifests, without the Pulumi engine or a cluster
	$(RUN) synapse validate

routes: ## print the services of each model
	$(RUN) synapse routes

status: ## print the stack's pods and PVCs in the cluster, beside its budget
	$(RUN) synapse status

health: ## show whether all pods are ready and all backends healthy
	$(RUN) synapse health

logs: ## follow the logs of all pods; `make logs-gateway` and so on follow one service
	$(RUN) synapse logs --follow

logs-%:
	$(RUN) synapse logs --follow $*

test-health: ## run the smoke test on the gateway
	$(RUN) synapse smoke

doctor: ## check a real node before a deployment
	$(RUN) synapse doctor

# Names of these commands in earlier versions.
.PHONY: deploy deploy-monitoring release-gateway-remote build-gateway show-routes test-embed test-tts test-stt
deploy: up
deploy-monitoring: deploy-phase6
release-gateway-remote: release
show-routes: routes
build-gateway:
	$(RUN) synapse image build gateway_image
test-embed:
	$(RUN) synapse smoke --only embedding
test-tts:
	$(RUN) synapse smoke --only synthesize
test-stt:
	$(RUN) synapse smoke --only 'transcribe digits'

bench-preview: ## time the preview of the forge under the pack beside an empty program's
	$(RUN) synapse bench --stack forge

bench-gateway: ## measure the gateway beside nginx, LiteLLM and no proxy
	$(RUN) synapse bench gateway

bench-stack: ## measure the deployed models and the overhead of the gateway; writes build/bench-STACK.html and .json
	mkdir -p build
	$(RUN) synapse bench stack --json $(REPORT).json --html $(REPORT).html

soak: ## send a million requests to the gateway, then run clients that disconnect for MINUTES
	$(RUN) synapse bench soak --minutes $(MINUTES)

tools: ## find, fetch or build the pinned tools, and list their origins
	$(RUN) synapse tools install

test: check tools ## run every test that this machine can run
	$(ALL) pytest --numprocesses=$(PROCESSES) --no-loadscope-reorder

check: ## check formatting, lint and types
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(ALL) mypy
	$(ALL) mypy models_image/collect.py
