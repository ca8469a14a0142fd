"""Shapes of decoders, from which memory and arithmetic follow, and a table of open models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """A dense decoder with gated feed-forward layers, as Llama and Qwen are."""

    layers: int
    hidden: int
    heads: int
    key_heads: int
    """Heads of keys and values, which several query heads share."""
    head_size: int
    intermediate: int
    """Width of the feed-forward layers."""
    vocabulary: int
    tied: bool
    """Embeddings and head are one matrix."""
    qk_norm: bool = False
    """Queries and keys are normalised (Qwen3)."""
    qkv_bias: bool = False
    """The projections of queries, keys and values have biases (Qwen2)."""
    counted: int = 0
    """Parameters where they were counted on the model itself; 0: worked out from the rest."""

    @property
    def queries(self) -> int:
        """Numbers in the queries of a token in one layer."""
        return self.heads * self.head_size

    @property
    def keys(self) -> int:
        """Numbers in the keys of a token in one layer, and in its values."""
        return self.key_heads * self.head_size

    @property
    def cached(self) -> int:
        """Numbers kept of each token while decoding: keys and values of all layers."""
        return 2 * self.layers * self.keys

    @property
    def matrix(self) -> int:
        """Numbers in the head, and in the embeddings."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """All of them; tied embeddings count once."""
        if self.counted:
            return self.counted
        attention = 2 * self.hidden * (self.queries + self.keys)
        attention += (self.queries + 2 * self.keys) * self.qkv_bias
        attention += 2 * self.head_size * self.qk_norm
        layer = attention + 3 * self.hidden * self.intermediate + 2 * self.hidden
        return self.layers * layer + self.hidden + self.matrix * (1 if self.tied else 2)

    @property
    def multiplied(self) -> int:
        """Parameters that every token is multiplied with: all, but embeddings beside the head."""
        return self.parameters - (0 if self.tied else self.matrix)

    @property
    def in_layers(self) -> int:
        """Parameters of the layers: all but embeddings and head."""
        return self.multiplied - self.matrix

    def adapters(self, rank: int) -> int:
        """Parameters of adapters beside every linear layer but the head (LoRA)."""
        attention = 2 * (2 * self.hidden + self.queries + self.keys)
        return self.layers * rank * (attention + 3 * (self.hidden + self.intermediate))


def _qwen2(layers: int, hidden: int, heads: int, key_heads: int, head_size: int,
           intermediate: int, vocabulary: int, tied: bool) -> Shape:  # fmt: skip
    return Shape(layers, hidden, heads, key_heads, head_size, intermediate, vocabulary, tied,
                 qkv_bias=True)  # fmt: skip


def _qwen3(layers: int, hidden: int, heads: int, intermediate: int, tied: bool) -> Shape:
    return Shape(layers, hidden, heads, 8, 128, intermediate, 151_936, tied, qk_norm=True)


SHAPES = {
    "HuggingFaceTB/SmolLM2-135M-Instruct": Shape(30, 576, 9, 3, 64, 1536, 49_152, True),
    "Qwen/Qwen2.5-0.5B-Instruct": _qwen2(24, 896, 14, 2, 64, 4864, 151_936, True),
    "Qwen/Qwen2.5-1.5B-Instruct": _qwen2(28, 1536, 12, 2, 128, 8960, 151_936, True),
    "Qwen/Qwen2.5-7B-Instruct": _qwen2(28, 3584, 28, 4, 128, 18_944, 152_064, False),
    "Qwen/Qwen3-0.6B": _qwen3(28, 1024, 16, 3072, True),
    "Qwen/Qwen3-1.7B": _qwen3(28, 2048, 16, 6144, True),
    "Qwen/Qwen3-4B": _qwen3(36, 2560, 32, 9728, True),
    "Qwen/Qwen3-8B": _qwen3(36, 4096, 32, 12_288, False),
    "Qwen/Qwen3-14B": _qwen3(40, 5120, 40, 17_408, False),
    "Qwen/Qwen3-32B": _qwen3(64, 5120, 64, 25_600, False),
    "meta-llama/Llama-3.2-1B-Instruct": Shape(16, 2048, 32, 8, 64, 8192, 128_256, True),
    "meta-llama/Llama-3.2-3B-Instruct": Shape(28, 3072, 24, 8, 128, 8192, 128_256, True),
    "meta-llama/Llama-3.1-8B-Instruct": Shape(32, 4096, 32, 8, 128, 14_336, 128_256, False),
    "meta-llama/Llama-3.3-70B-Instruct": Shape(80, 8192, 64, 8, 128, 28_672, 128_256, False),
}
"""By name on the Hugging Face hub: what each model's `config.json` there says. In order: layers,
hidden size, heads, heads of keys and values, size of a head, feed-forward width, vocabulary, tied
embeddings. A test builds every one of them and counts its parameters."""

SIZES = {
    "135M": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "0.5B": "Qwen/Qwen2.5-0.5B-Instruct",
    "0.6B": "Qwen/Qwen3-0.6B",
    "1B": "meta-llama/Llama-3.2-1B-Instruct",
    "1.5B": "Qwen/Qwen2.5-1.5B-Instruct",
    "1.7B": "Qwen/Qwen3-1.7B",
    "3B": "meta-llama/Llama-3.2-3B-Instruct",
    "4B": "Qwen/Qwen3-4B",
    "7B": "Qwen/Qwen2.5-7B-Instruct",
    "8B": "Qwen/Qwen3-8B",
    "14B": "Qwen/Qwen3-14B",
    "32B": "Qwen/Qwen3-32B",
    "70B": "meta-llama/Llama-3.3-70B-Instruct",
}
"""The model that a size stands for."""


def known(model: str) -> str | None:
    """The name in `SHAPES` that a size, a name or the last part of one stands for."""
    word = model.rstrip("/")
    sizes = {size.lower(): name for size, name in SIZES.items()} | {"smollm2": SIZES["135M"]}
    if word.lower() in sizes:
        return sizes[word.lower()]
    last = word.rpartition("/")[2].lower()
    return next((name for name in SHAPES if name.rpartition("/")[2].lower() == last), None)
