"""Which engine samples: the first that can, in a fixed order, with a note where one cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..errors import UnknownName, UserError
from ..models.loaded import LoadedModel
from .engine import Completion, Engine, Prompt, SamplingParams
from .hf import Transformers
from .llama_cpu import LlamaCPU
from .vllm import VLLM
from .vllm_host import VLLMHost

ENGINES = ("auto", "llama_cpu", "transformers", "vllm")
"""`auto` takes our own decoder where it applies, else transformers."""

Note = Callable[[str], None]


class FirstThatCan:
    """An engine that hands each call to the first of several that does not refuse it."""

    def __init__(self, engines: Sequence[Engine], note: Note) -> None:
        self.engines = list(engines)
        self.name = ", ".join(engine.name for engine in self.engines)
        self.note = note
        self._noted: set[str] = set()
        self._synced: Engine | None = None

    def refuses(self, params: SamplingParams) -> str | None:
        """What the last one says, if all refuse."""
        reasons = [engine.refuses(params) for engine in self.engines]
        return None if None in reasons else reasons[-1]

    def generate(
        self, prompts: Sequence[Prompt], params: SamplingParams, seed: int
    ) -> list[Completion]:
        """Completions of the engine that `chosen` names."""
        return self.chosen(params).generate(prompts, params, seed)

    def chosen(self, params: SamplingParams) -> Engine:
        """The first engine that can; those before it are named in a note, once."""
        reasons = []
        for engine in self.engines:
            reason = engine.refuses(params)
            if reason is None:
                for text in reasons:
                    self._say(f"{text}; sampling with {engine.name}")
                return engine
            reasons.append(f"{engine.name} {reason}")
        raise UserError("nothing can sample like this: " + "; ".join(reasons))

    @property
    def together(self) -> int:
        """As the one that samples in ordinary cases has it; others are asked for the same too."""
        return self._usual().together

    def sync(self, step: int) -> None:
        """The one that samples in ordinary cases takes over the weights; others read them."""
        self._synced = self._usual()
        self._synced.sync(step)

    def rest(self) -> None:
        """The one that took over the weights."""
        (self._synced or self._usual()).rest()

    def _usual(self) -> Engine:
        usual = (e for e in self.engines if e.refuses(SamplingParams(1)) is None)
        return next(usual, self.engines[-1])

    def _say(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self.note(text)


def select_engine(
    loaded: LoadedModel,
    wanted: str = "auto",
    note: Note | None = None,
    vllm: VLLMHost | None = None,
) -> Engine:
    """What samples from a model: the engine `wanted`, or the next that can.

    `note` receives the reason why an engine that was asked for by name is not used. All engines
    with one `vllm` sample in turn with the same vLLM; None is another one, with its defaults.
    """
    if wanted not in ENGINES:
        raise UnknownName("engine", wanted, ENGINES)
    made: dict[str, Engine] = {
        "llama_cpu": LlamaCPU(loaded),
        "transformers": Transformers(loaded),
        "vllm": VLLM(loaded, vllm),
    }
    rest = [made[name] for name in ("llama_cpu", "transformers") if name != wanted]
    if wanted == "auto":
        return FirstThatCan(rest, lambda text: None)
    return FirstThatCan([made[wanted], *rest], note or (lambda text: None))
