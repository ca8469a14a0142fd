"""Pictures: what is drawn, in which colours, and that text stays inside and apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from rlskills.errors import UserError
from rlskills.report.comparison import compare
from rlskills.report.curves import plot_curves
from rlskills.report.learned.figures import learned_figures
from rlskills.report.levels import plot_levels
from rlskills.report.panels import COLOURS, arm_keys
from rlskills.report.reading import load_runs

from .test_learned import kind, tell

GROUPS = ("common", "train", "held_out")
LEVELS = (1, 2, 3, 4, 5)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that get saved, in order."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *args: Any, **options: Any) -> None:
        figures.append(self)
        save(self, *args, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def lines(axes: Axes, style: str) -> dict[str, Any]:
    """Drawn lines of one style by colour, leaving out end marks."""
    return {
        str(line.get_color()): line
        for line in axes.get_lines()
        if line.get_linestyle() == style and len(np.asarray(line.get_xdata())) > 1
    }


def texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every visible text with the box of its ink, ticks and legend included."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    # A tick outside the limits has a label that is not drawn.
    unseen = {
        tick.label1
        for axes in figure.axes
        for tick in axes.xaxis.get_major_ticks()
        if not axes.get_xlim()[0] <= tick.get_loc() <= axes.get_xlim()[1]
    }
    found = [one for one in figure.findobj(Text) if isinstance(one, Text) and one not in unseen]
    shown = [one for one in found if one.get_visible() and one.get_text().strip()]
    return [(one.get_text(), one.get_window_extent(renderer)) for one in shown]


def crowded(figure: Figure) -> list[str]:
    """Pairs of texts that overlap, and texts that leave the figure."""
    boxes = texts(figure)
    width, height = figure.canvas.get_width_height()
    bad = [
        text for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]
    for index, (one, first) in enumerate(boxes):
        bad += [f"{one} / {two}" for two, other in boxes[index + 1 :] if first.overlaps(other)]
    return bad


def test_curves_are_small_multiples_with_a_line_an_arm(
    folders: Any, drawn: list[Figure], tmp_path: Path
) -> None:
    runs = load_runs([folders.experiment(3, GROUPS, LEVELS)])
    path = plot_curves(runs, "samples", tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "curves_samples.png"
    height, width = imread(path).shape[:2]
    assert 1000 <= width <= 1400
    assert 600 <= height <= 1400
    (figure,) = drawn
    assert len(figure.axes) == len(GROUPS) * len(LEVELS)
    trained = {COLOURS[arm] for arm in ("grpo", "rft", "sft_answers", "sft_worked")}
    for axes in figure.axes:
        assert lines(axes, "-").keys() == trained
        assert lines(axes, "--").keys() == {COLOURS["base"]}
        assert len(axes.collections) == 4


def test_a_line_is_the_mean_over_seeds_and_its_band_their_range(
    folders: Any, drawn: list[Figure], tmp_path: Path
) -> None:
    tag, eval_sets = "eval/train/L3/greedy", {("train", 3): folders.solved(0.25, 8)}
    folders.write("base", 0, eval_sets)
    folders.write("grpo", 0, eval_sets, folders.curve(tag, [0.1, 0.5], seconds=10))
    folders.write("grpo", 1, eval_sets, folders.curve(tag, [0.3, 0.9], seconds=30))
    plot_curves(load_runs([folders.root]), "seconds", tmp_path)
    (axes,) = drawn[0].axes
    line = lines(axes, "-")[COLOURS["grpo"]]
    assert np.asarray(line.get_xdata()) == pytest.approx([0, 20])
    assert np.asarray(line.get_ydata()) == pytest.approx([0.2, 0.7])
    base = lines(axes, "--")[COLOURS["base"]]
    assert set(base.get_ydata()) == {0.25}
    band = axes.collections[0].get_paths()[0].vertices
    assert set(np.round(np.asarray(band)[:, 1], 6)) == {0.1, 0.3, 0.5, 0.9}


def test_an_arm_that_spends_none_is_a_dotted_line_at_its_end(
    folders: Any, drawn: list[Figure], tmp_path: Path
) -> None:
    tag, eval_sets = "eval/train/L3/greedy", {("train", 3): folders.solved(0.25, 8)}
    folders.write("grpo", 0, eval_sets, folders.curve(tag, [0.1, 0.5]))
    folders.write("sft_worked", 0, eval_sets, folders.curve(tag, [0.1, 0.4], generated_tokens=0))
    plot_curves(load_runs([folders.root]), "generated_tokens", tmp_path)
    (axes,) = drawn[0].axes
    assert lines(axes, "-").keys() == {COLOURS["grpo"]}
    dotted = lines(axes, ":")[COLOURS["sft_worked"]]
    assert set(dotted.get_ydata()) == {0.4}
    assert any("spends none" in text for text, _ in texts(drawn[0]))


def test_levels_have_a_panel_a_group_and_the_tables_numbers(
    folders: Any, drawn: list[Figure], tmp_path: Path
) -> None:
    comparison = compare([folders.experiment(3, GROUPS, LEVELS)])
    for name in ("greedy", "pass@8"):
        plot_levels(comparison, tmp_path, name)
    assert sorted(p.name for p in tmp_path.glob("*.png")) == [
        "levels_greedy.png",
        "levels_pass_at_8.png",
    ]
    assert [axes.get_title() for axes in drawn[0].axes] == ["common", "train", "held out"]
    greedy = comparison.measures[0].accuracy
    for group, axes in zip(GROUPS, drawn[0].axes, strict=True):
        line = lines(axes, "-")[COLOURS["grpo"]]
        expected = [greedy[group, level]["grpo"].mean for level in LEVELS]
        assert np.asarray(line.get_ydata()) == pytest.approx(expected)
        assert np.asarray(line.get_xdata()).round().tolist() == list(LEVELS)


@pytest.mark.parametrize(
    ("groups", "levels", "axis"),
    [
        (GROUPS, LEVELS, "samples"),
        (GROUPS, LEVELS, "generated_tokens"),
        (("train",), (1, 2), "seconds"),
        (("train",), (3,), "trained_tokens"),
        (("train", "common_and_very_long_name"), tuple(range(1, 9)), "samples"),
    ],
)
def test_no_text_overlaps_or_leaves_the_picture(
    folders: Any,
    drawn: list[Figure],
    tmp_path: Path,
    groups: tuple[str, ...],
    levels: tuple[int, ...],
    axis: str,
) -> None:
    root = folders.experiment(2, groups, levels)
    plot_curves(load_runs([root]), axis, tmp_path)
    plot_levels(compare([root]), tmp_path)
    assert [crowded(figure) for figure in drawn] == [[], []]


def test_long_names_of_arms_keep_the_legend_inside(
    folders: Any, drawn: list[Figure], tmp_path: Path
) -> None:
    tag, eval_sets = "eval/train/L3/greedy", {("train", 3): folders.solved(0.25, 8)}
    for number in range(7):
        records = folders.curve(tag, [0.1, 0.1 * number])
        folders.write(f"grpo_with_curriculum_{number}", 0, eval_sets, records)
    plot_curves(load_runs([folders.root]), "samples", tmp_path)
    assert crowded(drawn[0]) == []
    assert len(drawn[0].legends[0].get_texts()) == 7


def test_a_known_arm_keeps_its_colour_in_any_company() -> None:
    alone, company = arm_keys(["grpo"]), arm_keys(["base", "grpo", "x", "a", "rft"])
    assert alone["grpo"] == company["grpo"]
    assert len({(key.colour, key.marker) for key in company.values()}) == 5
    assert arm_keys(["x", "a"]) == arm_keys(["a", "x"])


def test_what_cannot_be_drawn_is_a_user_error(folders: Any, tmp_path: Path) -> None:
    folders.write("base", 0, {("train", 3): folders.solved(0.25, 8)})
    runs = load_runs([folders.root])
    with pytest.raises(UserError, match="unknown budget 'epochs'"):
        plot_curves(runs, "epochs", tmp_path)
    with pytest.raises(UserError, match="no curve to draw"):
        plot_curves(runs, "samples", tmp_path)
    with pytest.raises(UserError, match="no measure 'pass@8'"):
        plot_levels(compare([folders.root]), tmp_path, "pass@8")
    assert list(tmp_path.glob("*.png")) == []


def test_mistakes_are_bars_of_one_and_samples_lines_up_to_half_of_them(
    folders: Any, drawn: list[Figure], tmp_path: Path
) -> None:
    sets = {(group, level): folders.solved(0.5, 4, 16) for group in GROUPS for level in (1, 2, 3)}
    kinds = [kind("verified"), kind("lucky"), kind("atomic error", 1), kind("truncated")]
    for arm in ("base", "grpo", "an_arm_with_quite_a_long_name"):
        told = {place: kinds if place[1] > 1 else [{}] * 4 for place in sets}
        tell(folders.write(arm, 0, sets), told)
    files = learned_figures(load_runs([folders.root]), tmp_path)
    assert [file.name for file in files] == ["failures.png", "pass_at_k.png"]
    bars, curves = drawn
    assert [crowded(figure) for figure in drawn] == [[], []]
    assert len(bars.axes) == len(GROUPS)
    for axes in bars.axes:
        widths = [patch.get_width() for patch in axes.patches]  # type: ignore[attr-defined]
        assert sum(widths) == pytest.approx(2 * 3)  # levels and arms
        assert sorted({round(width, 2) for width in widths}) == [0, 0.25]
    assert len(curves.axes) == 9
    for axes in curves.axes:
        assert [list(np.asarray(line.get_xdata())) for line in axes.get_lines()] == [
            [1, 2, 4, 8]
        ] * 3
