"""Random streams and split ownership by hash.

No seed arithmetic (seed 43 must not be seed 42 shifted by one), no global generator, and nothing
that depends on Python's hash seed: every process draws the same task for the same address.
"""

from __future__ import annotations

import json
import random
from hashlib import blake2b
from typing import Any

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def digest(*parts: Any, size: int = 16) -> str:
    """Hex digest of JSON-able `parts`; equal parts give equal digests on every machine."""
    text = _encode(parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def rng_of(*address: Any) -> random.Random:
    """A generator of its own for one address, independent of every other address's."""
    return random.Random(int(digest(*address), 16))


def seed_from(*address: Any) -> int:
    """A 63-bit seed for generators that want an integer (torch, numpy)."""
    return int(digest(*address, size=8), 16) >> 1
