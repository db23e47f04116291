STACK ?= local
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

up: ## preview under the policy pack, deploy on a private cluster, ask the gateway
	$(RUN) synapse up --stack $(STACK)

twin: ## the forge on a twin of its machine, whose containers are not real
	$(RUN) synapse up --stack forge

release: ## the gateway of this commit, or else the one that serves now
	$(RUN) synapse release --stack $(STACK)

preview: ## show what would change, under the policy pack
	$(RUN) synapse preview --stack $(STACK)

down: ## destroy the stack and end its cluster; models and voices stay
	$(RUN) synapse down --stack $(STACK)

clean: ## the same, after asking; `synapse clean --volumes` takes models and voices too
	$(RUN) synapse clean --stack $(STACK)

refresh: ## after an interrupted run: read back what is there
	$(RUN) synapse refresh --stack $(STACK)

deploy-phase1: ## deploy phase 1: models on the CPU
deploy-phase2: ## deploy up to phase 2: models on the GPU
deploy-phase3: ## deploy up to phase 3: the gateway
deploy-phase4: ## deploy up to phase 4: speech
deploy-phase5: ## deploy up to phase 5: network policies and ingress
deploy-phase6: ## deploy up to phase 6: monitoring
deploy-phase1 deploy-phase2 deploy-phase3 deploy-phase4 deploy-phase5 deploy-phase6: deploy-phase%:
	$(RUN) synapse up --stack $(STACK) --phase $*

plan: ## the ledger of claims, without an engine or a cluster
	$(RUN) synapse plan --stack $(STACK)

validate: ## ledger, policy pack and linters, without an engine or a cluster
	$(RUN) synapse validate --stack $(STACK)

routes: ## which service answers for which model
	$(RUN) synapse routes --stack $(STACK)

status: ## the stack's pods and claims as the cluster has them, beside its budget
	$(RUN) synapse status --stack $(STACK)

health: ## are all pods ready, and what does the gateway say of its backends
	$(RUN) synapse health --stack $(STACK)

logs: ## follow what all pods write; `make logs-gateway` and so on follow one service
	$(RUN) synapse logs --stack $(STACK) --follow

logs-%:
	$(RUN) synapse logs --stack $(STACK) --follow $*

test-health: ## ask the gateway everything that the stack can answer
	$(RUN) synapse smoke --stack $(STACK)

doctor: ## what a real node still lacks, and what to do about it
	$(RUN) synapse doctor --stack $(STACK)

# What the commands of earlier Synapses were called.
.PHONY: deploy deploy-monitoring release-gateway-remote build-gateway show-routes test-embed test-tts test-stt
deploy: up
deploy-monitoring: deploy-phase6
release-gateway-remote: release
show-routes: routes
build-gateway:
	$(RUN) synapse image build gateway_image
test-embed:
	$(RUN) synapse smoke --stack $(STACK) --only embedding
test-tts:
	$(RUN) synapse smoke --stack $(STACK) --only synthesize
test-stt:
	$(RUN) synapse smoke --stack $(STACK) --only 'transcribe digits'

bench-preview: ## time the preview under the pack beside an empty program's
	$(RUN) synapse bench

bench-gateway: ## measure the gateway beside nginx, LiteLLM and no proxy
	$(RUN) synapse bench gateway

bench-stack: ## measure the deployed models, and what the gateway adds; writes build/bench-STACK.html and .json
	mkdir -p build
	$(RUN) synapse bench stack --stack $(STACK) --json build/bench-$(STACK).json --html build/bench-$(STACK).html

soak: ## a million requests to the gateway, then MINUTES of clients that leave
	$(RUN) synapse bench soak --minutes $(MINUTES)

tools: ## find, fetch or build the pinned tools, and say where each came from
	$(RUN) synapse tools install

test: check tools ## every layer of tests that this machine can run
	$(ALL) pytest --numprocesses=$(PROCESSES) --no-loadscope-reorder

check: ## formatting, lint and types
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(ALL) mypy
