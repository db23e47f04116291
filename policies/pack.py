"""Rules of the pack, in the order in which they are listed."""

from policies.rule import Rule
from policies.rules.budget import (
    containers_have_limits,
    cpu_within_budget,
    gpu_claimed_once,
    memory_within_budget,
    requests_within_budget,
    vram_within_gpu,
)
from policies.rules.default_deny import network_denies_by_default
from policies.rules.disruption_budgets import drains_are_not_blocked
from policies.rules.exposure import ingress_has_tls, nothing_is_exposed
from policies.rules.gpu import gpu_is_released_first, no_hidden_gpu
from policies.rules.host_access import pods_keep_off_the_host
from policies.rules.images import harmful_images_are_denied, images_are_pinned, placeholder_images_are_refused
from policies.rules.plain_secrets import secrets_stay_secret
from policies.rules.privileges import containers_run_unprivileged, root_is_read_only, tokens_are_asked_for
from policies.rules.probes import servers_are_probed, startup_outlasts_loading
from policies.rules.pvc_retention import claims_survive_destroy
from policies.rules.seccomp import containers_stay_confined
from policies.rules.service_links import services_set_nothing
from policies.rules.timeouts import timeouts_grow_outward
from policies.rules.visible_pods import pods_are_visible

NAME = "synapse"
RULES: tuple[Rule, ...] = (
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
    placeholder_images_are_refused,
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
