"""Which attention kernel and precision a model is computed with, as settings; no torch here."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UnknownName, UserError

ATTENTION = (
    "auto", "eager", "sdpa", "torch_varlen", "flash_attention_2", "flash_attention_3",
    "flex_attention",
)  # fmt: skip
"""Beside these, a kernel of the Hugging Face hub by `owner/name`."""
PRECISION = ("auto", "highest", "high", "medium")
COMPUTE = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Kernels:
    """`attention` as in transformers' `attn_implementation`; `precision` as in torch's
    `set_float32_matmul_precision`; `compute` is the type of matrix products (autocast)."""

    attention: str = "auto"
    precision: str = "auto"
    compute: str = "auto"
    batch_tokens: int = 0
    """Tokens, of prompts and completions, that are decoded at a time; 0: what memory allows."""

    def __post_init__(self) -> None:
        if self.attention not in ATTENTION and "/" not in self.attention:
            raise UnknownName("attention", self.attention, ATTENTION)
        if self.precision not in PRECISION:
            raise UnknownName("matmul precision", self.precision, PRECISION)
        if self.compute not in COMPUTE:
            raise UnknownName("type of matrix products", self.compute, COMPUTE)
        if self.batch_tokens < 0:
            raise UserError(f"batch_tokens must not be negative, not {self.batch_tokens}")
        if self.half_only and self.compute == "float32":
            raise UserError(
                f"{self.attention} computes in half precision only: take --machine.compute "
                "bfloat16, or --machine.attention sdpa"
            )

    @property
    def half_only(self) -> bool:
        """The attention kernel takes no float32: flash attention, and what stands in for it."""
        return "flash" in self.attention

    @property
    def one_row(self) -> bool:
        """Sequences of unequal length are best given to the attention kernel as one row, with the
        places where they begin."""
        return self.half_only or self.attention == "torch_varlen"

    @property
    def resolved(self) -> bool:
        """Nothing is left to choose."""
        return (
            "auto" not in (self.attention, self.precision, self.compute) and self.batch_tokens > 0
        )
