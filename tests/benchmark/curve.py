# Copyright: Contributors to the apono.eks collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The curve of the time per cluster over the number of clusters, as text and as an SVG image."""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

# The points of each program: the number of clusters and the seconds.
Curves = dict[str, list[tuple[int, float]]]

BAR_CHARACTERS = 40
COLOURS = ("#0072b2", "#767676", "#009e73", "#d55e00")

# The size of the image, and its margins.
WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 90, 130, 50, 50


def bars(curves: Curves) -> str:
    """Return the curves as text. The length of each bar is the time."""
    most = max(seconds for points in curves.values() for _clusters, seconds in points)
    width = max(map(len, curves))
    lines = []
    for who, points in curves.items():
        for clusters, seconds in points:
            length = "#" * max(1, round(BAR_CHARACTERS * seconds / most))
            lines.append(f"{who:<{width}} {clusters:>5} {milliseconds(seconds):>9} {length}")
    return "\n".join(lines)


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


class Axis:
    """A logarithmic axis. It returns the position of a value in the image."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self.low, self.high = math.log(min(values)), math.log(max(values))
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        # A single value is in the middle.
        part = (math.log(value) - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + part * (self.end - self.start), 1)


def round_numbers(low: float, high: float) -> list[float]:
    """Return the numbers 1, 2, 5, 10, 20 and so on that include ``low`` and ``high``."""
    numbers = [step * 10**power for power in range(-4, 5) for step in (1, 2, 5)]
    first = max(number for number in numbers if number <= low)
    last = min(number for number in numbers if number >= high)
    return [number for number in numbers if first <= number <= last]


def svg(title: str, curves: Curves) -> str:
    """Return the curves as an SVG image. Both axes are logarithmic, so a factor has the same length everywhere."""
    points = [point for those in curves.values() for point in those]
    sizes = sorted({clusters for clusters, _seconds in points})
    times = round_numbers(min(seconds for _clusters, seconds in points), max(seconds for _clusters, seconds in points))
    across = Axis([float(size) for size in sizes], LEFT + 20, WIDTH - RIGHT - 20)
    up = Axis(times, HEIGHT - BOTTOM, TOP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="25" font-size="16">{escape(title)}</text>',
    ]
    for seconds in times:
        lines.append(f'<path d="M{LEFT} {up(seconds)}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        lines.append(f'<text x="{LEFT - 8}" y="{up(seconds) + 4}" text-anchor="end">{milliseconds(seconds)}</text>')
    for size in sizes:
        lines.append(f'<text x="{across(size)}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{size}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    lines.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">clusters</text>')
    for number, (who, those) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [(across(clusters), up(seconds)) for clusters, seconds in those]
        path = " ".join(f"{x},{y}" for x, y in places)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in places]
        x, y = places[-1]
        lines.append(f'<text x="{x + 10}" y="{y + 4}" fill="{colour}">{escape(who)}</text>')
    return "\n".join((*lines, "</svg>\n"))
