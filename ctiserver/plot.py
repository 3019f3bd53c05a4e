"""Line charts as SVG, several panels side by side. Pure: numbers in, text out.

By hand, because a plotting library is fifty times as big as what is needed of one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import msgspec

WIDTH, HEIGHT = 300, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 28, 38
_LEGEND = 20
"""Height of one row of it."""
MARKED = 24
"""Points of a line that are still marked each."""
TICKS = 10
COLOURS = ("#1f6feb", "#d1451b", "#2da44e", "#8250df", "#9a6700")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Points are (x, y) in the order of x. A `dashed` line has the colour of the one before."""

    name: str
    points: tuple[tuple[float, float], ...]
    dashed: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """`y_label`: given, the panel has a y axis of its own, which goes up to `y_most` if that is given."""

    title: str
    lines: tuple[Line, ...]
    y_label: str = ""
    y_most: float | None = None


class _Axes(msgspec.Struct, frozen=True):
    left: float
    right: float
    top: float
    step: float
    log_x: bool


def figure(
    title: str,
    x_label: str,
    y_label: str,
    panels: Sequence[Panel],
    *,
    columns: int = 2,
    x_from: float | None = 0.0,
    log_x: bool = False,
) -> str:
    """One SVG; all panels have the same axes (but see `Panel.y_label`) and the lines of the first give the legend.
    `x_from`: where the x axis begins, None = at the smallest x; `log_x`: it is logarithmic."""
    points = [point for panel in panels for line in panel.lines for point in line.points]
    left = min((x for x, _ in points), default=1.0) if x_from is None else x_from
    right = max((x for x, _ in points), default=1.0)
    together = _axes(points, left, right, log_x)
    rows = math.ceil(len(panels) / columns)
    width = WIDTH * columns
    named = panels[0].lines if panels else ()
    below = 30 + HEIGHT * rows
    height = below + _LEGEND * (1 + max((row for _, row in _places(named, width)), default=0))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{width / 2}" y="18" text-anchor="middle" font-size="14">{escape(title)}</text>',
    ]
    for place, panel in enumerate(panels):
        across, down = (place % columns) * WIDTH, 30 + (place // columns) * HEIGHT
        out.append(f'<g transform="translate({across} {down})">')
        axes = together
        if panel.y_label:
            own = [point for line in panel.lines for point in line.points]
            axes = _axes([*own, *([(0.0, panel.y_most)] if panel.y_most is not None else [])], left, right, log_x)
        out += _panel(panel, x_label, panel.y_label or y_label, axes)
        out.append("</g>")
    out += _legend(named, width, below)
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _axes(points: Sequence[tuple[float, float]], left: float, right: float, log_x: bool) -> _Axes:
    most = max((y for _, y in points), default=1.0)
    step = _step(most)
    return _Axes(left, right, step * max(1, math.ceil(most / step)), step, log_x)


def _step(most: float) -> float:
    """A round distance of grid lines: four to eight of them."""
    rough = max(most, 1e-9) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= rough)


def _panel(panel: Panel, x_label: str, y_label: str, axes: _Axes) -> list[str]:
    left, right, top, step = axes.left, axes.right, axes.top, axes.step
    across, up = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x(value: float) -> float:
        if axes.log_x:
            return round(_LEFT + across * math.log(value / left) / (math.log(right / left) or 1.0), 1)
        return round(_LEFT + across * (value - left) / ((right - left) or 1.0), 1)

    def y(value: float) -> float:
        return round(_TOP + up * (1 - value / top), 1)

    out = [f'<text x="{_LEFT + across / 2}" y="18" text-anchor="middle">{escape(panel.title)}</text>']
    for number in range(round(top / step) + 1):
        at = number * step
        out.append(f'<path d="M{x(left)} {y(at)}H{x(right)}" stroke="#d8dee4"/>')
        out.append(f'<text x="{_LEFT - 5}" y="{y(at) + 4}" text-anchor="end">{at:g}</text>')
    for at in _ticks([point[0] for line in panel.lines for point in line.points]):
        out.append(f'<text x="{x(at)}" y="{y(0) + 15}" text-anchor="middle">{at:g}</text>')
    out.append(f'<text x="{_LEFT + across / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>')
    middle = _TOP + up / 2
    out.append(
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">{escape(y_label)}</text>'
    )
    for line, colour in zip(panel.lines, _colours(panel.lines), strict=True):
        path = "M" + "L".join(f"{x(a)} {y(b)}" for a, b in line.points)
        dash = ' stroke-dasharray="5 3"' if line.dashed else ""
        out.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        if len(line.points) <= MARKED:
            out += [f'<circle cx="{x(a)}" cy="{y(b)}" r="2.5" fill="{colour}"/>' for a, b in line.points]
    return out


def _ticks(values: Sequence[float]) -> list[float]:
    """Which x are written below the axis: all of them, or every so many when they are many."""
    every = sorted(dict.fromkeys(values))
    if len(every) <= TICKS:
        return every
    gap = _step((every[-1] - every[0]) * 0.8)
    return [number * gap for number in range(math.ceil(every[0] / gap), math.floor(every[-1] / gap) + 1)]


def _colours(lines: Sequence[Line]) -> list[str]:
    found: list[str] = []
    solid = -1
    for line in lines:
        solid += not line.dashed or solid < 0
        found.append(COLOURS[solid % len(COLOURS)])
    return found


def _places(lines: Sequence[Line], width: float) -> list[tuple[float, int]]:
    """x and row of each entry of the legend."""
    found: list[tuple[float, int]] = []
    x, row = 20.0, 0
    for line in lines:
        size = 45 + 6.2 * len(line.name)
        if x + size > width and x > 20.0:
            x, row = 20.0, row + 1
        found.append((x, row))
        x += size
    return found


def _legend(lines: Sequence[Line], width: float, top: float) -> list[str]:
    out = []
    for line, colour, (x, row) in zip(lines, _colours(lines), _places(lines, width), strict=True):
        y = top + _LEGEND * row + 14
        dash = ' stroke-dasharray="5 3"' if line.dashed else ""
        out.append(f'<path d="M{x} {y - 4}H{x + 24}" stroke="{colour}" stroke-width="2"{dash}/>')
        out.append(f'<text x="{x + 29}" y="{y}">{escape(line.name)}</text>')
    return out
