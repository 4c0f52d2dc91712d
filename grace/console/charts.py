"""Charts as SVG, made on the server: percent wide and of fixed height, coloured by classes alone, so that themes,
print and readers without JavaScript get them. Values are plain numbers; how they read is the caller's."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

AXIS = 24
"""Pixels below a chart for its labels."""
Number = float


class Series(NamedTuple):
    """One colour of a chart: its name, its class (`s1`, `s2`, `s3`) and a value per column."""

    name: str
    tone: str
    values: Sequence[Number]


def spark(values: Sequence[Number], tone: str = "", *, width: int = 120, height: int = 30) -> Markup:
    """A line without axes; a figure beside it says what it is."""
    if not values:
        return Markup("")
    low, high = min(values), max(values)
    span, steps = (high - low) or 1, max(len(values) - 1, 1)
    points = [(i * width / steps, 2 + (height - 5) * (1 - (v - low) / span)) for i, v in enumerate(values)]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Markup(
        '<svg class="spark {}" viewBox="0 0 {w} {h}" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="area" d="{d}L{w} {h}L0 {h}Z"/><path d="{d}"/></svg>'
    ).format(tone, w=width, h=height, d=line)


def bar(percent: Number, tone: str = "s1", *, height: int = 6) -> Markup:
    """A share of a whole."""
    return Markup(
        '<svg class="bar" width="100%" height="{h}" aria-hidden="true"><rect class="trk" width="100%" height="{h}"'
        ' rx="{r}"/><rect class="{t}" width="{p:.1f}%" height="{h}" rx="{r}"/></svg>'
    ).format(h=height, r=height / 2, t=tone, p=min(max(percent, 0), 100))


def stacked(
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    axis: Callable[[Number], str],
    exact: Callable[[Number], str],
    describe: str,
    height: int = 232,
    now: int | None = None,
) -> Markup:
    """Columns of stacked values; `now` is the current one, else the last. `axis` writes a grid line's value, `exact`
    one that is read; `describe` says the whole in a sentence."""
    top, ticks = _scale(max((sum(values) for values in zip(*(s.values for s in series), strict=True)), default=0))
    current = len(labels) - 1 if now is None else now
    plot, wide = height - AXIS, 100 / max(len(labels), 1)
    drawn = [_grid(plot * (1 - tick / top), zero=tick == 0) for tick in ticks]
    for i, label in enumerate(labels):
        y, rows = float(plot), list[tuple[str, str]]()
        for one in series:
            size = plot * max(one.values[i], 0) / top
            y -= size
            drawn.append(_rect(one.tone, i * wide + wide * 0.25, wide * 0.5, y, max(size - 1.5, 0)))
            rows.append((one.name, exact(one.values[i])))
        if len(series) > 1:
            rows.append(("Total", exact(sum(s.values[i] for s in series))))
        drawn.append(
            _label(label, (i + 0.5) * wide, height, now=i == current, other=_left_out(i, current, len(labels)))
        )
        drawn.append(_hit(i * wide, wide, plot, label, rows))
    return _plot((axis(tick) for tick in reversed(ticks)), height, describe, drawn)


def flow(
    labels: Sequence[str],
    came: Sequence[Number],
    due: Sequence[Number],
    went: Sequence[Number],
    *,
    axis: Callable[[Number], str],
    exact: Callable[[Number], str],
    describe: str,
    height: int = 232,
    now: int,
) -> Markup:
    """Money that came above the line, what is due paler, money that went below it; one scale for all. `now` is the
    current column, and the other arguments are as those of `stacked`."""
    _, ticks = _scale(max([*came, *due, *went], default=0))
    step = ticks[1]
    ticks = ticks[: int(-(-max([*came, *due, 1]) // step)) + 1]
    below = [step * i for i in range(1, int(-(-max([*went, 0]) // step)) + 1)]
    plot, wide = height - AXIS, 100 / max(len(labels), 1)
    unit = plot / (ticks[-1] + step * len(below))
    line = ticks[-1] * unit
    drawn = [_grid(line - tick * unit, zero=tick == 0) for tick in (*ticks, *(-tick for tick in below))]
    for i, label in enumerate(labels):
        for tone, value in (("pos", came[i]), ("pos due", due[i])):
            drawn.append(_rect(tone, i * wide + wide * 0.25, wide * 0.5, line - value * unit, value * unit - 1))
        drawn.append(_rect("s4", i * wide + wide * 0.25, wide * 0.5, line + 1, went[i] * unit - 1))
        drawn.append(_label(label, (i + 0.5) * wide, height, now=i == now, other=" none" if (i - now) % 2 else ""))
        rows = [("Due", exact(due[i]))] if i > now else [("In", exact(came[i])), ("Out", exact(-went[i]))]
        drawn.append(_hit(i * wide, wide, plot, label, rows))
    lines = (*reversed(ticks), *(-tick for tick in below))
    return _plot((axis(tick) for tick in lines), height, describe, drawn)


def _plot(values: Iterable[str], height: int, describe: str, drawn: Iterable[str]) -> Markup:
    """What is drawn, beside the values of its grid lines, the highest first."""
    beside = _joined(f"<span>{escape(value)}</span>" for value in values)
    return Markup(
        '<div class="plot"><div class="yax" aria-hidden="true">{}</div><svg height="{}" role="img" aria-label="{}">{}'
        "</svg></div>"
    ).format(beside, height, describe, _joined(drawn))


def scale(value: Number, threshold: Number, label: str) -> Markup:
    """0 to 100 with a named threshold."""
    return Markup(
        '<svg width="100%" height="34" role="img" aria-label="{v} of 100, {l}"><rect class="trk" width="100%"'
        ' height="8" rx="4"/><rect class="pos" width="{v}%" height="8" rx="4"/>'
        '<line class="tick0" x1="{m}%" x2="{m}%" y1="-3" y2="13"/><text class="xlab st" x="0" y="29">0</text>'
        '<text class="xlab" x="{m}%" y="29">{l}</text>'
        '<text class="xlab en" x="100%" y="29">100</text></svg>'
    ).format(v=value, m=threshold, l=label)


def diverge(value: Number, *, low: Number = 20, high: Number = 20) -> Markup:
    """One part of a sum: left of zero it lowers, right of it raises; the axis goes from -low to high."""
    zero = low / (low + high) * 100
    wide = abs(value) / (low + high) * 100
    return Markup(
        '<svg width="100%" height="8" aria-hidden="true"><rect class="{}" x="{:.1f}%" width="{:.1f}%" height="8"'
        ' rx="2"/><line class="grid zero" x1="{z:.1f}%" x2="{z:.1f}%" y1="-30" y2="40"/></svg>'
    ).format("pos" if value > 0 else "neg", zero if value > 0 else zero - wide, wide, z=zero)


def _scale(most: Number) -> tuple[float, list[float]]:
    """The axis' end and its grid lines: a round step that leaves three or four of them."""
    most = max(float(most), 1)
    step = 1.0
    while step * 4 < most:
        step *= 2 if str(step)[0] in "15" else 2.5
    ticks = [step * i for i in range(int(-(-most // step)) + 1)]
    return ticks[-1], ticks


def _joined(parts: Iterable[str]) -> Markup:
    """Parts that are numbers, our own classes, and text that was escaped."""
    return Markup("".join(parts))  # noqa: S704


def _grid(y: float, *, zero: bool) -> str:
    return f'<line class="grid{" zero" if zero else ""}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'


def _rect(tone: str, x: float, width: float, y: float, height: float) -> str:
    height = max(height, 0)
    return f'<rect class="{tone}" x="{x:.3f}%" width="{width:.3f}%" y="{y:.1f}" height="{height:.1f}" rx="2"/>'


def _left_out(place: int, current: int, count: int) -> str:
    """The class that hides a column's name: of many columns most have none, on a phone fewer still."""
    every = 1 if count <= 13 else 5
    back = abs(current - place)
    return " none" if back % every else " alt" if back // every % (2 if count <= 8 else 3) else ""


def _label(text: str, x: float, height: int, *, now: bool, other: str) -> str:
    """A column's name."""
    return f'<text class="xlab{" on" if now else other}" x="{x:.3f}%" y="{height - 5}">{escape(text)}</text>'


def _hit(x: float, width: float, height: float, title: str, rows: Sequence[tuple[str, str]]) -> str:
    """What pointing at a column, or the arrow keys, read."""
    said = escape("|".join(f"{name}={value}" for name, value in rows))
    return (
        f'<rect class="hit" x="{x:.3f}%" width="{width:.3f}%" y="0" height="{height}" rx="4"'
        f' data-title="{escape(title)}" data-rows="{said}"/>'
    )
