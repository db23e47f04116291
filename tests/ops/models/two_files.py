"""The two small files of quantised repositories, as the hub has them: `config.json` and the index."""

import json
from pathlib import Path
from typing import Any

QWEN3_30B_A3B_AWQ: dict[str, Any] = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "attention_bias": False,
    "decoder_sparse_step": 1,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "max_position_embeddings": 40960,
    "max_window_layers": 48,
    "mlp_only_layers": [],
    "model_type": "qwen3_moe",
    "moe_intermediate_size": 768,
    "norm_topk_prob": True,
    "num_attention_heads": 32,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "quantization_config": {
        "backend": "autoawq",
        "bits": 4,
        "group_size": 128,
        "modules_to_not_convert": ["mlp.gate"],
        "quant_method": "awq",
        "version": "gemm",
        "zero_point": True,
    },
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "use_sliding_window": False,
    "vocab_size": 151936,
}
QWEN36_27B_NVFP4: dict[str, Any] = {
    "architectures": ["Qwen3_5ForConditionalGeneration"],
    "image_token_id": 248056,
    "model_type": "qwen3_5",
    "text_config": {
        "attn_output_gate": True,
        "dtype": "bfloat16",
        "full_attention_interval": 4,
        "head_dim": 256,
        "hidden_act": "silu",
        "hidden_size": 5120,
        "intermediate_size": 17408,
        "layer_types": 16 * [*3 * ["linear_attention"], "full_attention"],
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 48,
        "linear_value_head_dim": 128,
        "mamba_ssm_dtype": "float32",
        "max_position_embeddings": 262144,
        "model_type": "qwen3_5_text",
        "mtp_num_hidden_layers": 1,
        "num_attention_heads": 24,
        "num_hidden_layers": 64,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
        "vocab_size": 248320,
    },
    "vision_config": {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304, "model_type": "qwen3_5"},
    "quantization_config": {
        "config_groups": {
            "group_0": {
                "input_activations": {"dynamic": False, "group_size": 16, "num_bits": 4, "type": "float"},
                "targets": ["Linear"],
                "weights": {"dynamic": False, "group_size": 16, "num_bits": 4, "type": "float"},
            }
        },
        "ignore": ["lm_head", "model.visual*", "mtp*", "*linear_attn.conv1d"],
        "kv_cache_scheme": {"dynamic": False, "num_bits": 8, "type": "float"},
        "producer": {"name": "modelopt", "version": "0.40.0"},
        "quant_algo": "NVFP4",
        "quant_method": "modelopt",
    },
    "tie_word_embeddings": False,
}
SIZES = {"Qwen/Qwen3-30B-A3B-AWQ": 16_908_470_272, "Qwen/Qwen3.6-27B-NVFP4": 20_512_838_656}
CONFIGS = {"Qwen/Qwen3-30B-A3B-AWQ": QWEN3_30B_A3B_AWQ, "Qwen/Qwen3.6-27B-NVFP4": QWEN36_27B_NVFP4}


def small_files(folder: Path, name: str) -> Path:
    """Write the two files of the model *name* into *folder*."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIGS[name], indent=2))
    index = {"metadata": {"total_size": SIZES[name]}, "weight_map": {}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    return folder
