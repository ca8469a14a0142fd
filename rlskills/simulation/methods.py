"""Which curricula the benchmark runs, where, and on what code their results rest."""

from __future__ import annotations

import ast
import functools
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import curricula
from ..curricula import CATALOGUE, BoxPool, Curriculum, Pool
from ..curricula.boxes import UniformBox
from ..curricula.catalogue import DEFAULT, find, option_kinds
from ..environments import digest
from ..errors import UnknownName, UserError
from .box import BOXES, BoxProtocol, BoxRegime
from .references import BoxOracle, Oracle
from .regimes import REGIMES, Protocol, Regime

BASELINE = "uniform"
REFERENCE = "oracle"
_PROBE = Pool(("f1", "f2", "f1.f2"), {"f1": 1, "f2": 1, "f1.f2": 2}, {"f1.f2": ("f1", "f2")},
              {"f1": ("f1",), "f2": ("f2",), "f1.f2": ("f1", "f2")})  # fmt: skip


@dataclass(frozen=True)
class Method:
    """A curriculum as the benchmark sees it."""

    spec: str
    """Name, or `path/to/file.py:Class`, with options as in `curricula.make`."""
    information: str
    """What it is told of units."""
    box_information: str
    """What it is told of points of a box."""
    options: str
    units: bool
    """Whether it chooses among units."""
    box: bool
    """Whether it chooses points of a box."""
    needs: tuple[str, ...]
    code: str
    """Digest of the sources it is made of."""

    def told(self, regime: Regime | BoxRegime) -> str:
        """The information tier in which it is compared in this regime."""
        return self.box_information if isinstance(regime, BoxRegime) else self.information

    def runs_in(self, regime: Regime | BoxRegime) -> bool:
        """Whether this regime is of its kind."""
        return self.box if isinstance(regime, BoxRegime) else self.units


def build(spec: str, steps: int, pool: Pool, seed: int) -> Curriculum:
    """The curriculum of `spec`; also the references, and uniform draws from a box.

    Schedules with an option `total_steps` are told `steps`, unless `spec` says otherwise.
    """
    if spec == REFERENCE:
        return BoxOracle(pool, seed) if isinstance(pool, BoxPool) else Oracle(pool, seed)
    if spec == BASELINE and isinstance(pool, BoxPool):
        spec = UniformBox.name
    timed = "total_steps" in option_kinds(find(spec.partition("?")[0]))
    given = {"total_steps": steps} if timed and "total_steps=" not in spec else {}
    return curricula.make(spec, pool, seed, **given)


def inspected(spec: str) -> Method:
    """What can be known of a method without running it."""
    box = _probe(spec, BoxPool())
    if not isinstance(box, UserError) and box.sample(1)[0].params is None:
        box = UserError(f"{spec} does not choose points of a box")
    teacher = _probe(spec, _PROBE)
    one = box if isinstance(teacher, UserError) else teacher
    if isinstance(one, UserError):
        assert isinstance(teacher, UserError)
        raise teacher
    return Method(
        spec=spec,
        information=one.information,
        box_information="" if isinstance(box, UserError) else box.information,
        options=repr(getattr(one, "options", {})),
        units=not isinstance(teacher, UserError),
        box=not isinstance(box, UserError),
        needs=tuple(sorted(one.needs)),
        code=code_of(type(one).__module__),
    )


def _probe(spec: str, pool: Pool) -> Curriculum | UserError:
    """The curriculum, after it has drawn once, or why it cannot."""
    try:
        one = build(spec, 1000, pool, 0)
        one.sample(1)
    except UserError as error:
        return error
    except Exception as error:
        return UserError(f"{spec} cannot be run: {type(error).__name__}: {error}")
    return one


def chosen(specs: Sequence[str]) -> list[Method]:
    """The methods to run: those named beside baseline, default and reference; none: all."""
    wanted = [*specs, DEFAULT] if specs else [one for one in CATALOGUE if one != UniformBox.name]
    return [inspected(spec) for spec in dict.fromkeys([BASELINE, REFERENCE, *wanted])]


def find_regimes(names: Sequence[str]) -> list[Regime | BoxRegime]:
    """Regimes by name; none: all."""
    known: dict[str, Regime | BoxRegime] = {**REGIMES, **BOXES}
    for name in names:
        if name not in known:
            raise UnknownName("regime", name, known)
    return [known[name] for name in names or known]


def protocol_of(
    regime: Regime | BoxRegime, points: Protocol, boxes: BoxProtocol
) -> Protocol | BoxProtocol:
    """The protocol under which a regime is run."""
    return boxes if isinstance(regime, BoxRegime) else points


@functools.cache
def code_of(module: str) -> str:
    """Digest of all sources of ours that a module rests on."""
    return digest(*(file.read_text() for file in sources(module)))


def sources(module: str) -> tuple[Path, ...]:
    """The file of a module and of all modules of ours that it imports, at any depth."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        loaded = sys.modules.get(name) or _imported(name)
        file = getattr(loaded, "__file__", None)
        # A room's __init__ imports all of the room: no method rests on that.
        if name in found or file is None or Path(file).name == "__init__.py":
            continue
        found[name] = Path(file)
        waiting += _imports(Path(file), name.rpartition(".")[0])
    return tuple(found[name] for name in sorted(found))


def _imported(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _imports(file: Path, package: str) -> list[str]:
    root = __name__.split(".")[0]
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        parents = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*(parents if node.level else []), *([node.module] if node.module else [])])
        if base.split(".")[0] == root:
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return names
