"""Small SVG plots that can be read on light and on dark pages: bars and lines, labelled where they are."""

from html import escape

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.axis { fill: #59636e } .grid { stroke: #d1d9e0 } .own { fill: #0a7f6f } .peer { fill: #9aa4af } .fit { stroke: #9aa4af; fill: none; stroke-dasharray: 4 4 }
.line { stroke: #0a7f6f; fill: none; stroke-width: 2 } .title { font-weight: 600 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .axis { fill: #9198a1 } .grid { stroke: #3d444d } .own { fill: #2fbfa7 } .peer { fill: #6e7781 } .line { stroke: #2fbfa7 }
}
</style>"""


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def ticks(top: float) -> list[float]:
    """Round numbers from 0 up to `top`, about five."""
    step = next(step * 10**power for power in range(-4, 9) for step in (1, 2, 5) if top / (step * 10**power) <= 5)
    return [step * number for number in range(int(top / step) + 1)]


def figure(width: float, height: float, parts: list[str], title: str) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" aria-label="{escape(title)}">'
    return "\n".join([head, STYLE, text(8, 18, title, kind="title"), *parts, "</svg>", ""])


def bars(title: str, axis: str, rows: list[tuple[str, float, str]]) -> str:
    """Horizontal bars: label, value, and "own" or "peer". An empty label with no value is a gap between groups."""
    left, right, top, line = 8 + 7.6 * max(len(label) for label, _, _ in rows), 70, 34, 20
    width, height = 760, top + line * len(rows) + 44
    most = max(value for _, value, _ in rows) or 1
    scale = (width - left - right) / most
    bottom = top + line * len(rows)
    parts = []
    for tick in ticks(most):
        x = left + tick * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" class="grid"/>')
        parts.append(text(x, bottom + 16, f"{tick:g}", "middle", "axis"))
    parts.append(text((left + width - right) / 2, bottom + 36, axis, "middle", "axis"))
    for place, (label, value, kind) in enumerate(rows):
        y = top + place * line
        if not label:
            continue
        parts.append(text(left - 6, y + 14, label, "end"))
        parts.append(f'<rect x="{left}" y="{y + 3}" width="{max(value * scale, 1):.1f}" height="{line - 6}" class="{kind}"/>')
        parts.append(text(left + value * scale + 5, y + 14, shown(value)))
    return figure(width, height, parts, title)


def lines(title: str, across: str, up: str, points: list[tuple[float, float]], fit: str) -> str:
    """A line through points, and a dashed one from the origin through the first: growth in step with the data."""
    left, right, top, width, height = 64, 110, 34, 760, 360
    bottom = height - 50
    (first_x, first_y), (last_x, _) = points[0], points[-1]
    most = max(max(y for _, y in points), first_y / first_x * last_x)
    wide, high = (width - left - right) / last_x, (bottom - top) / most

    def place(x: float, y: float) -> str:
        return f"{left + x * wide:.1f},{bottom - y * high:.1f}"

    parts = []
    for tick in ticks(most):
        y = bottom - tick * high
        parts.append(f'<line x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(text(left - 6, y + 4, f"{tick:g}", "end", "axis"))
    for tick in ticks(last_x):
        parts.append(text(left + tick * wide, bottom + 16, f"{tick:g}", "middle", "axis"))
    parts.append(text((left + width - right) / 2, bottom + 38, across, "middle", "axis"))
    parts.append(f'<text transform="translate(16 {(top + bottom) / 2}) rotate(-90)" text-anchor="middle" class="axis">{escape(up)}</text>')
    slope = first_y / first_x * last_x
    parts.append(f'<polyline points="{place(0, 0)} {place(last_x, slope)}" class="fit"/>')
    parts.append(text(left + last_x * wide + 6, bottom - slope * high + 4, fit, kind="axis"))
    parts.append(f'<polyline points="{" ".join(place(x, y) for x, y in points)}" class="line"/>')
    for x, y in points:
        centre = place(x, y).split(",")
        parts.append(f'<circle cx="{centre[0]}" cy="{centre[1]}" r="4" class="own"/>')
        parts.append(text(float(centre[0]) + 7, float(centre[1]) + 14, shown(y)))
    return figure(width, height, parts, title)


def shown(value: float) -> str:
    """A number with three figures or so."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
