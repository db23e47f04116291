"""The rules of the pack, in the order they are listed to a person."""

from pulumi_policy import Policy

from policies.rules.container_limits import containers_have_limits
from policies.rules.cpu_budget import cpu_within_budget
from policies.rules.default_deny import network_denies_by_default
from policies.rules.denied_images import harmful_images_are_denied
from policies.rules.disruption_budgets import drains_are_not_blocked
from policies.rules.exposure import nothing_is_exposed
from policies.rules.gpu_claims import gpu_claimed_once
from policies.rules.gpu_rollout import gpu_is_released_first
from policies.rules.gpu_visibility import no_hidden_gpu
from policies.rules.host_access import pods_keep_off_the_host
from policies.rules.ingress_tls import ingress_has_tls
from policies.rules.load_time import startup_outlasts_loading
from policies.rules.memory_budget import memory_within_budget
from policies.rules.pinned_images import images_are_pinned
from policies.rules.plain_secrets import secrets_stay_secret
from policies.rules.privileges import containers_run_unprivileged
from policies.rules.probes import servers_are_probed
from policies.rules.pvc_retention import claims_survive_destroy
from policies.rules.read_only_root import root_is_read_only
from policies.rules.requests_budget import requests_within_budget
from policies.rules.seccomp import containers_stay_confined
from policies.rules.service_tokens import tokens_are_asked_for
from policies.rules.service_variables import services_set_nothing
from policies.rules.timeouts import timeouts_grow_outward
from policies.rules.visible_pods import pods_are_visible
from policies.rules.vram import vram_within_gpu

NAME = "synapse"
RULES: tuple[Policy, ...] = (
    memory_within_budget,
    cpu_within_budget,
    requests_within_budget,
    containers_have_limits,
    pods_are_visible,
    gpu_claimed_once,
    vram_within_gpu,
    no_hidden_gpu,
    gpu_is_released_first,
    pods_keep_off_the_host,
    containers_run_unprivileged,
    containers_stay_confined,
    root_is_read_only,
    tokens_are_asked_for,
    images_are_pinned,
    harmful_images_are_denied,
    secrets_stay_secret,
    nothing_is_exposed,
    ingress_has_tls,
    network_denies_by_default,
    services_set_nothing,
    timeouts_grow_outward,
    servers_are_probed,
    startup_outlasts_loading,
    drains_are_not_blocked,
    claims_survive_destroy,
)
