from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rlskills.figures import Key, finish, header, new_figure, plain, seed_curves, shares

NAMES = ("none", "level labels", "prerequisite graph", "true success rates", "a", "bb", "ccc")


@pytest.mark.parametrize("width", [4.0, 4.9, 6.0, 9.3])
@pytest.mark.parametrize("count", range(1, 8))
def test_the_legend_stays_inside_and_above_the_panels(tmp_path: Path, width: float, count: int):
    keys = [Key(name, "#000000", "o") for name in NAMES[:count]]
    top = header(keys, width) + 0.25
    figure = new_figure(width, top + 2)
    axes = figure.add_axes((0.1, 0.1, 0.8, 1 - 0.1 - top / (top + 2)))
    path = finish(figure, "title", "explanation", keys, tmp_path / "new" / "f.png")
    assert path.is_file()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width + 1
    assert box.y0 >= axes.get_window_extent().y1


def test_curves_are_the_mean_with_a_band_and_a_mark_at_the_end():
    axes = new_figure(3, 3).add_subplot()
    plain(axes)
    shares(axes)
    values = np.array([[0.0, 0.4], [0.2, 0.6]])
    seed_curves(axes, np.array([0.0, 10.0]), values, Key("a", "#123456", "s", "--"))
    curve, end = axes.get_lines()
    np.testing.assert_allclose(np.asarray(curve.get_ydata()), [0.1, 0.5])
    assert (curve.get_linestyle(), end.get_marker()) == ("--", "s")
    np.testing.assert_allclose(np.asarray(end.get_xydata()), [[10.0, 0.5]])
    band = axes.collections[0].get_paths()[0].vertices
    assert set(np.round(np.asarray(band)[:, 1], 6)) == {0.0, 0.2, 0.4, 0.6}
