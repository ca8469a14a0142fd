"""How a game is written and how replies are read, for each kind of model.

`Clean` uses words and Python source, for models that know both; `Tiny` spends as few characters as
it can, in the language of `string_transform?preset=tiny`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from rlskills.environments.parsing import TAIL, after_thinking, answer_block

from ..string_transform import FUNCTIONS, TINY_FUNCTIONS
from ..string_transform.functions import RECORDS, definition
from ..string_transform.presets import TWINS
from ..string_transform.tiny_functions import ALPHABET

Functions: TypeAlias = Mapping[str, Callable[[str], str]]
PLAIN: Functions = {
    name: call
    for name, call in FUNCTIONS.items()
    if name not in TWINS and RECORDS[name].operands == 1 and RECORDS[name].parameter is None
}
"""Functions of one string and nothing else, no two of which behave alike."""


@dataclass(frozen=True)
class Game:
    """What the player knows: any `depth` candidates, in any order, may be the composition."""

    candidates: tuple[str, ...]
    depth: int
    target: str
    """The input in question, which may not be asked for."""
    queries: int
    """Most queries."""
    reveal: int
    """Characters of an output that a query shows."""


class Notation(Protocol):
    """How a game is written, for one kind of model."""

    functions: Functions
    letters: str
    longest: int
    """Characters of the longest query."""
    lengths: tuple[int, int]
    """Shortest and longest input in question."""
    probes: Sequence[str]
    """What the expert may ask."""

    def opening(self, game: Game) -> str:
        """The rules and the input in question."""
        ...

    def query(self, text: str) -> str:
        """A reply that asks for the output on `text`."""
        ...

    def asked(self, reply: str) -> str | None:
        """The input that a reply asks for, or None."""
        ...

    def told(self, text: str, begins: str, left: int) -> str:
        """How the output on a query begins, and how many more there may be."""
        ...

    def refused(self, left: int) -> str:
        """What is said to a reply that is neither answer nor query."""
        ...

    def solution(self, steps: Sequence[Sequence[str]], answer: str) -> str:
        """The expert's last reply: every call with its value, then the answer."""
        ...

    def answer_only(self, answer: str) -> str:
        """The answer as a reply should end with it."""
        ...

    def parse(self, reply: str) -> str | None:
        """What a reply answers, or None."""
        ...


class Tiny:
    """As few characters as there can be."""

    functions: Functions = TINY_FUNCTIONS
    letters = ALPHABET
    longest = 8
    lengths: tuple[int, int] = (3, 5)
    probes: Sequence[str] = ("abc", "e", "hg", "d", "cfa", "bb", "gab", "f")

    def opening(self, game: Game) -> str:
        """`F01F06*2:bcab?`: the functions, the number of calls, the input in question."""
        return f"{''.join(game.candidates)}*{game.depth}:{game.target}?"

    def query(self, text: str) -> str:
        """`>abcde`."""
        return ">" + text

    def asked(self, reply: str) -> str | None:
        """All that stands behind the last `>`."""
        _, mark, text = reply[-TAIL:].rpartition(">")
        return text if mark else None

    def told(self, text: str, begins: str, left: int) -> str:
        """`=f`."""
        return "=" + begins

    def refused(self, left: int) -> str:
        """`!`."""
        return "!"

    def solution(self, steps: Sequence[Sequence[str]], answer: str) -> str:
        """The calls as `string_transform?preset=tiny` writes them."""
        return "".join(f"{f}({x})={y};" for f, x, y in steps) + self.answer_only(answer)

    def answer_only(self, answer: str) -> str:
        """`#fbcaa`."""
        return "#" + answer

    def parse(self, reply: str) -> str | None:
        """All that stands behind the last `#`."""
        _, mark, text = reply[-TAIL:].rpartition("#")
        return text if mark and text else None


_RULES = """\
Here are some Python functions:

{code}

A hidden function h is {chain}. Find out which string h returns for {target!r}.

Before you answer you may ask, at most {most} and once in each reply, for the {first} of h on an \
input of your choice: finish the reply with <query>input</query>. An input has 1 to {longest} \
letters and digits and must not be {target!r} itself. Ask as little as you can, for every query \
lowers the reward. When you know the string, finish your reply with <answer>string</answer>, \
without quotation marks."""


class Clean:
    """Words and Python source, for models that know both."""

    functions: Functions = PLAIN
    letters = string.ascii_letters + string.digits
    longest = 12
    lengths: tuple[int, int] = (4, 7)
    probes: Sequence[str] = (
        "aBcde1",
        "eeAAb",
        "Zoo99x",
        "hello",
        "Q7uiz",
        "abcdefg",
        "XYZ",
        "1a2b3c",
    )
    _query: re.Pattern[str] = re.compile(r"<query>((?:(?!<query>).)*?)</query>", re.DOTALL)

    def opening(self, game: Game) -> str:
        """The rules below the functions' definitions."""
        chain = f"a chain of {game.depth} calls of them, each on what the one before returned"
        return _RULES.format(
            code="\n\n".join(definition(name) for name in game.candidates),
            chain="one of them" if game.depth == 1 else f"{chain} (the same one may recur)",
            target=game.target,
            most="once" if game.queries == 1 else f"{game.queries} times",
            first="first character" if game.reveal == 1 else f"first {game.reveal} characters",
            longest=self.longest,
        )

    def query(self, text: str) -> str:
        """`<query>abcde</query>`."""
        return f"<query>{text}</query>"

    def asked(self, reply: str) -> str | None:
        """The last query of the reply."""
        found = self._query.findall(after_thinking(reply))
        return found[-1].strip() if found else None

    def told(self, text: str, begins: str, left: int) -> str:
        """The beginning of the output, and what may follow."""
        return f"h({text!r}) begins with {begins!r}. {_left(left)}"

    def refused(self, left: int) -> str:
        """What went wrong, and what may follow."""
        return f"That was neither an answer nor a query that may be asked. {_left(left)}"

    def solution(self, steps: Sequence[Sequence[str]], answer: str) -> str:
        """Every call on a line of its own."""
        lines = [f"{f}({x!r}) = {y!r}" for f, x, y in steps]
        return "\n".join([*lines, self.answer_only(answer)])

    def answer_only(self, answer: str) -> str:
        """`<answer>fbcaa</answer>`."""
        return f"<answer>{answer}</answer>"

    def parse(self, reply: str) -> str | None:
        """The last answer block of the reply."""
        return answer_block(reply)


def _left(queries: int) -> str:
    if not queries:
        return "No query is left: answer now."
    return f"{queries} {'query is' if queries == 1 else 'queries are'} left."


PRESETS: dict[str, Notation] = {"tiny": Tiny(), "clean": Clean()}
