"""GPU memory of an engine by its parts."""

import math

from infra.quantities import GI
from infra.sizing.vram import Vram

WHOLE = Vram(weights=15 * GI, kv_cache=9 * GI, activations=GI, graphs=2 * GI, context=GI, contexts=2.5)


def test_the_total_is_the_sum_of_the_parts() -> None:
    assert WHOLE.total == 28 * GI
    assert WHOLE.overhead == 4 * GI
    assert [(part.name, part.size // GI) for part in WHOLE.parts] == [
        ("weights", 15),
        ("KV cache", 9),
        ("activations", 1),
        ("CUDA graphs", 2),
        ("CUDA context", 1),
    ]


def test_an_overhead_of_the_stack_file_replaces_all_but_weights_and_cache() -> None:
    named = WHOLE.with_overhead(3 * GI)
    assert (named.weights, named.kv_cache, named.overhead, named.contexts) == (15 * GI, 9 * GI, 3 * GI, 2.5)
    assert [part.name for part in named.parts] == ["weights", "KV cache", "overhead"]
    assert WHOLE.with_overhead(None) is WHOLE


def test_a_cache_of_another_size_changes_nothing_else() -> None:
    assert WHOLE.with_cache(GI).total == 20 * GI
    assert WHOLE.with_cache(GI).overhead == WHOLE.overhead


def test_an_engine_without_a_cache_has_room_for_any_number_of_contexts() -> None:
    assert Vram(weights=GI).contexts == math.inf
