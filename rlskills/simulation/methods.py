"""Which curricula the benchmark runs, and in which regimes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .. import curricula
from ..curricula import CATALOGUE, DEFAULT, Base, BoxPool, Pool, find, option_names
from ..curricula.boxes import UniformBox
from ..environments import digest
from ..errors import UnknownName, UserError
from ..spec import Spec
from .box import BOXES, BoxProtocol, BoxRegime
from .references import BoxOracle, Oracle
from .regime_file import SUFFIX, read_regime
from .regimes import REGIMES, Protocol, Regime
from .trained import TRAINED, TRAINED_PROTOCOL, TrainedRegime

AnyRegime: TypeAlias = Regime | TrainedRegime | BoxRegime
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
    """What it uses of units beyond outcomes."""
    box_information: str
    """What it uses of points of a box."""
    options: str
    units: bool
    """Whether it chooses among units."""
    box: bool
    """Whether it chooses points of a box."""
    needs: tuple[str, ...]
    version: str
    """Versions of the method and of what it wraps; also a digest of a file outside the package."""

    def information_in(self, regime: AnyRegime) -> str:
        """What it uses in this regime; it is compared with methods that use the same."""
        return self.box_information if isinstance(regime, BoxRegime) else self.information

    def runs_in(self, regime: AnyRegime) -> bool:
        """Whether this regime is of its kind."""
        return self.box if isinstance(regime, BoxRegime) else self.units


def build(spec: str, steps: int, pool: Pool, seed: int) -> Base:
    """The curriculum of `spec`; also the references, and uniform draws from a box.

    Schedules with an option `total_steps` get `steps`, unless `spec` says otherwise.
    """
    if spec == REFERENCE:
        return BoxOracle(pool, seed) if isinstance(pool, BoxPool) else Oracle(pool, seed)
    if spec == BASELINE and isinstance(pool, BoxPool):
        return UniformBox(pool, seed)
    return curricula.make(with_steps(Spec.parse(spec), steps), pool, seed)


def with_steps(spec: Spec, steps: int) -> Spec:
    """The spec with `total_steps` filled in where a schedule, or one inside a wrapper, has it."""
    options = option_names(find(spec.name))
    if "total_steps" in options and "total_steps" not in spec.options:
        spec = spec.replace(total_steps=steps)
    if "inner" in options and "inner" in spec.options:
        inner = spec.options["inner"]
        inner = inner if isinstance(inner, Spec) else Spec.parse(inner)
        spec = spec.replace(inner=with_steps(inner, steps))
    return spec


def inspected(spec: str) -> Method:
    """What can be known of a method without running it."""
    box = _probe(spec, BoxPool())
    if not isinstance(box, UserError) and box.sample(1)[0].params is None:
        box = UserError(f"{spec} does not choose points of a box")
    units = _probe(spec, _PROBE)
    teacher = box if isinstance(units, UserError) else units
    if isinstance(teacher, UserError):
        assert isinstance(units, UserError)
        raise units
    return Method(
        spec=spec,
        information=teacher.information,
        box_information="" if isinstance(box, UserError) else box.information,
        options=repr(teacher.settings()),
        units=not isinstance(units, UserError),
        box=not isinstance(box, UserError),
        needs=tuple(sorted(teacher.needs)),
        version=version_of(teacher),
    )


def version_of(teacher: Base) -> str:
    """Names and versions of a curriculum and of all that it wraps.

    A file outside the package may change without a new version, so its text counts too.
    """
    cls = type(teacher)
    text = f"{teacher.name} {teacher.version}"
    if cls.__module__.partition(".")[0] != __name__.partition(".")[0]:
        text += f" {digest(Path(inspect.getfile(cls)).read_text(), size=8)}"
    inner = getattr(teacher, "inner", None)
    return text if inner is None else f"{text} around {version_of(inner)}"


def _probe(spec: str, pool: Pool) -> Base | UserError:
    """The curriculum, after it has drawn once, or why it cannot."""
    try:
        teacher = build(spec, 1000, pool, 0)
        teacher.sample(1)
    except UserError as error:
        return error
    except Exception as error:
        return UserError(f"{spec} cannot be run: {type(error).__name__}: {error}")
    return teacher


def chosen(specs: Sequence[str]) -> list[Method]:
    """The methods to run: those named beside baseline, default and reference; none: all."""
    wanted = [*specs, DEFAULT] if specs else [name for name in CATALOGUE if name != UniformBox.name]
    return [inspected(spec) for spec in dict.fromkeys([BASELINE, REFERENCE, *wanted])]


def find_regimes(names: Sequence[str]) -> list[AnyRegime]:
    """Regimes by name, or as files of fitted ones; none: all."""
    known: dict[str, AnyRegime] = {**REGIMES, **TRAINED, **BOXES}
    known |= {name: read_regime(Path(name)) for name in names if name.endswith(SUFFIX)}
    for name in names:
        if name not in known:
            raise UnknownName("regime", name, known)
    return [known[name] for name in names or known]


def protocol_of(regime: AnyRegime, points: Protocol, boxes: BoxProtocol) -> Protocol | BoxProtocol:
    """The protocol under which a regime is run; those fitted to training have their own."""
    if isinstance(regime, TrainedRegime):
        return TRAINED_PROTOCOL
    return boxes if isinstance(regime, BoxRegime) else points
