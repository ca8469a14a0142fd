"""Text that no grader may accept, trip over or execute: what a policy emits when it goes astray.

Deterministic, so that a string a check complains about can be tried again by its number.
"""

from __future__ import annotations

from itertools import chain, islice

from ..seeding import rng_of

MEGABYTE = 1_000_000
LONG = 15_000
"""Characters that still fit into the tail a parser reads, so that `verify` sees them too."""

WORDS = (
    "", " ", "\n", "\t \r\n", "None", "null", "nan", "NaN", "inf", "-inf", "undefined", "N/A",
    "[]", "{}", "()", "(((", "]]]", "[" * 200, "((((((((((", "{{{{}", "}{", '"', "'", "''''''",
    "\\", "\\n", "9" * 50, "-" + "9" * 50, "0x" + "f" * 40, "1e999", "1e-999", "9" * 4301, "1/0",
    "0/0", "%s%s%n", "{0}", "{0.__class__}", "%(answer)s", "<answer>", "</answer>",
    "<answer></answer>", "<answer><answer></answer></answer>", "</answer><answer>", "</think>",
    "<think>", "```json\n", '```json\n{"output": }\n```', '{"output": null}', '{"output": [[]]}',
    '{"answer": {}}', "\0", "a\0b", "\x1b[31m", "\x7f\x80\x9f", "ünïcödé ß ſ İ",
    "答案是四十二", "١٢٣٤٥٦٧", "½²③Ⅷ", "\u202e\u200b\ufeff", "🦆" * 20, "e\u0301" * 30,
    "\ud800", "\udfff\ud800", "x\udc80y", "Answer: I do not know", "the answer is the answer",
    "lambda: 0", "True and True and not False",
)  # fmt: skip
"""Short strings. None is an answer that an environment could plausibly ask for."""

REPEATED = (
    "{", "[", "(", '{"a":', "<answer>", "</answer>", "<think>", "```json\n", "\n", " ", "9", "a",
    "\\", '{"', "<answer", "-(", "1+", "🦆", "\ud800", "9**",
)  # fmt: skip
"""Pieces that, repeated, make careless regular expressions and recursive parsers take for ever."""

CALLS = (
    "__import__('os').system('echo 1 > {0}')",
    "__import__('os').mkdir('{0}')",
    "open('{0}', 'w')",
    "exec(\"open('{0}', 'w')\")",
    "(lambda: open('{0}', 'w'))()",
    "[open('{0}', 'w') for _ in [0]][0]",
    "1 if open('{0}', 'w') else 0",
    "import os; os.mkdir('{0}')",
    "$(mkdir '{0}')",
    "`mkdir '{0}'`",
    "; mkdir '{0}' #",
    "!!python/object/apply:os.mkdir ['{0}']",
)
"""Code that leaves the file or folder `{0}` behind, if anything executes it."""

BOMBS = (
    "9**9**9",
    "(9**9)**9**9",
    "factorial(10**7)",
    "__import__('math').factorial(10**7)",
    "sum(range(10**11))",
    "while True: pass",
    "[0 for _ in iter(int, 1)]",
    "exit()",
    "raise SystemExit",
    "__import__('os')._exit(3)",
)
"""Code that never ends, or ends the process, if anything evaluates it."""

CHOSEN = len(WORDS) + len(REPEATED) + 12
"""How many of `junk`, at its start, were chosen; the others are random."""

_ALPHABET = "()[]{}<>/\\\"'`=+-*%#,.;:_ \n\t0123456789abcxyzANSWER\0é\u0301答🦆\udc80"
_PIECES = (*REPEATED, *WORDS[4:60], "answer", "output", "=", ":", ", ")


def junk(count: int) -> list[str]:
    """`count` strings: short ones, very long ones, then random ones, the same on every machine."""
    return list(islice(chain(WORDS, _long(), _random()), count))


def injections(marker: str) -> list[str]:
    """Code instead of an answer; what executes it leaves `marker`, a path, or hangs."""
    path = marker.replace("\\", "/")
    calls = [call.replace("{0}", path) for call in CALLS]
    return [*calls, *(f"str({call})" for call in calls[:3]), *BOMBS]


def _long():
    for piece in REPEATED:
        yield piece * (LONG // len(piece))
    for piece in REPEATED[:12]:
        yield piece * (MEGABYTE // len(piece))


def _random():
    """Random bytes decoded, random characters, and shuffled pieces of the strings above.

    At least 12 characters each, so that none is a right answer by chance.
    """
    rng = rng_of("junk")
    while True:
        size = int(2 ** rng.uniform(4, 10))
        raw = rng.randbytes(size)
        yield raw.decode("utf-8", "replace").ljust(12, "\ufffd")
        yield raw.decode("utf-8", "surrogateescape").ljust(12, "\udcff")
        yield raw.decode("latin-1")
        yield "".join(rng.choice(_ALPHABET) for _ in range(size))
        yield "".join(rng.choice(_PIECES) for _ in range(size // 8 + 6)).ljust(12, "{")
