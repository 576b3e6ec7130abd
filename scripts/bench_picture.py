#!/usr/bin/env python3
"""Draws what scripts/bench --json wrote as one SVG: where the time of a hot reversal goes, and how far its tail reaches.

    scripts/bench_picture.py RESULT.json OUT.svg

Above, a bar for each subject: the median over the rounds of each stage's p50. Below, push → send entered by percentile, over
all shots of all rounds. The same input gives the same bytes. Text is given the room it takes in a wide font, since fonts vary.
"""
import argparse
import json
import math
import pathlib
import statistics
import textwrap
from xml.sax.saxutils import escape

WIDTH, MARGIN, BAR_LEFT, BAR_PITCH, BAR_HEIGHT, PLOT_LEFT, PLOT_HEIGHT = 900, 20, 140, 21, 14, 75, 250
RIGHT = WIDTH - MARGIN
INK, GREY, FAINT = "#1f2328", "#57606a", "#e3e6ea"
# These cannot say where `send` is entered (bench/round_trip/README.md).
UNSEEN = ("beast_poll", "beast_run", "libcurl")
SUBJECTS = ("floor", "armed", "push", "push_unrehearsed", "push_226_lanes", "naive") + UNSEEN
PARTS = (("pick-up", "#1f4e79"), ("own: decide, encode", "#2a9d8f"), ("encryption, up to send", "#e9a23b"),
         ("write call", "#c8553d"), ("rest, until outcome visible", "#c7dcf0"))
UNSEEN_PART = ("not seen from outside", "#9aa0a6")
CURVES = {"floor": "#6e7781", "armed": "#009e73", "push": "#d55e00", "naive": "#8e44ad"}
PERCENTILES = ("p50", "p90", "p99", "p99.9", "max")
PACES = {"hot": "hot", "pause": "1 ms pause", "cold": "cold (p50, p90)"}
DASHES = {"hot": "", "pause": ' stroke-dasharray="5 3"'}
ROUND = [m * 10.0 ** e for e in range(-3, 9) for m in (1, 2, 5)]


def fail(file, why):
    raise SystemExit(f"bench_picture: {file}: {why}")


def read(file):
    try:
        result = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        fail(file, f"not JSON: {error}")
    if not isinstance(result, dict) or not result.get("round_trip"):
        fail(file, "no round_trip data")
    return result


def stages(trips, subject, pace):
    """None where this was not measured."""
    row = trips.get("subjects", {}).get(subject, {}).get(pace)
    return row["stages"] if row and row["shots"] and subject not in trips.get("absent", {}) else None


def parts(subject, of_stage):
    """(the whole, its parts as (colour, µs))"""
    total, pick_up, own, sent, write = (statistics.median(row["p50"] for row in of_stage[stage]["rounds"]) / 1_000
                                        for stage in ("outcome", "pick_up", "own", "push_to_write", "write"))
    if subject in UNSEEN:
        return total, [(UNSEEN_PART[1], total)]
    values = (pick_up, own, max(sent - pick_up - own, 0), write, max(total - sent - write, 0))
    return total, [(colour, us) for (_, colour), us in zip(PARTS, values)]


def curves_of(trips):
    """(subject, pace) → µs at each percentile. Cold shots are too few for more than p90."""
    return {(name, pace): [row["push_to_write"]["all"][p] / 1_000 for p in PERCENTILES[:2 if pace == "cold" else 5]]
            for name in CURVES for pace in PACES if (row := stages(trips, name, pace))}


def room(string, size, bold=False):
    return len(string) * size * (0.7 if bold else 0.62)


def number(us):
    return "0" if us < 0.005 else f"{us:.2f}" if us < 9.995 else f"{us:.1f}" if us < 99.95 else f"{us:,.0f}"


def text(x, y, string, size=11, fill=INK, anchor="start", bold=False):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{"bold" if bold else "normal"}" fill="{fill}" '
            f'text-anchor="{anchor}">{escape(string)}</text>')


def line(x1, y1, x2, y2, stroke=FAINT, more=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"{more}/>'


def rect(x, y, width, height, fill):
    return f'<rect x="{x:.2f}" y="{y:.1f}" width="{width:.2f}" height="{height:.0f}" fill="{fill}"/>'


def dot(x, y, stroke, fill, radius):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" stroke="{stroke}" stroke-width="1.6" fill="{fill}"/>'


def heading(y, title, note):
    return [text(MARGIN, y, title, 15, bold=True), text(RIGHT, y, note, 11, GREY, "end")]


def end_of_bar(total, values):
    """(the whole, its parts, the room they take): what is written there."""
    whole, shares = number(total), " + ".join(number(us) for _, us in values) if len(values) > 1 else ""
    return whole, shares, 14 + room(whole, 12, True) + room(shares, 11)


def bar_legend(y, bars):
    out, x = [], MARGIN
    for label, colour in PARTS + ((UNSEEN_PART,) if any(name in UNSEEN for name in bars) else ()):
        out += [rect(x, y - 9, 10, 10, colour), text(x + 14, y, label)]
        x += 14 + room(label, 11) + 8
    return out


def bar_axis(top, bottom, scale):
    step = next(us for us in ROUND if us * scale >= 70)
    marks = [n * step for n in range(int((RIGHT - BAR_LEFT - 20) / scale / step) + 1)]
    return [part for us in marks for part in (
        line(BAR_LEFT + us * scale, top, BAR_LEFT + us * scale, bottom),
        text(BAR_LEFT + us * scale, bottom + 14, f"{us:,.9g}" if us else "0 µs", 11, GREY, "middle"))]


def bar_panel(y, bars):
    """(the panel, where it ends)"""
    # As large as leaves each bar the room for its numbers.
    scale = min((RIGHT - BAR_LEFT - end_of_bar(total, values)[2]) / max(total, sum(us for _, us in values), 1e-3)
                for total, values in bars.values())
    top, bottom = y + 34, y + 38 + len(bars) * BAR_PITCH
    out = heading(y, "One hot reversal: push → outcome visible", "µs, median of the rounds' p50; the whole and its parts")
    out += bar_legend(y + 22, bars) + bar_axis(top, bottom, scale)
    for n, (name, (total, values)) in enumerate(bars.items()):
        x, bar_top = BAR_LEFT, top + 4 + n * BAR_PITCH
        out.append(text(x - 8, bar_top + 11, name, 12, anchor="end"))
        for colour, us in values:
            out.append(rect(x, bar_top, us * scale, BAR_HEIGHT, colour))
            x += us * scale
        whole, shares, taken = end_of_bar(total, values)
        # White below the numbers, so that no gridline runs through them.
        out += [rect(x + 2, bar_top, taken - 2, BAR_HEIGHT, "white"), text(x + 6, bar_top + 11, whole, 12, bold=True)]
        out += [text(x + taken - room(shares, 11), bar_top + 11, shares, 11, GREY)] if shares else []
    return out, bottom + 14


def curve_legend(y, curves):
    out, x = [], MARGIN
    for name in dict.fromkeys(name for name, _ in curves):
        out += [line(x, y - 4, x + 18, y - 4, CURVES[name], ' stroke-width="4"'), text(x + 23, y, name)]
        x += 35 + room(name, 11)
    x += 16
    for pace in (pace for pace in PACES if any(pace == of for _, of in curves)):
        out += [dot(x + 12, y - 4, INK, "white", 4) if pace == "cold" else line(x, y - 4, x + 24, y - 4, INK, DASHES[pace]),
                text(x + 29, y, PACES[pace])]
        x += 41 + room(PACES[pace], 11)
    return out


def curve(name, pace, points):
    colour = CURVES[name]
    if pace == "cold":
        # Side by side, since they would hide one another.
        return [dot(x + 9 * (list(CURVES).index(name) - 2), y, colour, "white", 4) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{DASHES[pace]}/>'] + [
        dot(x, y, colour, colour, 2) for x, y in points if pace == "hot"]


def curve_panel(y, curves):
    top, bottom = y + 38, y + 38 + PLOT_HEIGHT
    every = [us for values in curves.values() for us in values]
    low = max((us for us in ROUND if us <= min(every)), default=ROUND[0])
    high = min(us for us in ROUND if us >= max(every) and us > low)
    decade = PLOT_HEIGHT / math.log10(high / low)

    def at(us):
        return bottom - decade * math.log10(max(us, low) / low)

    out = heading(y, "Push → send entered, by percentile", "µs, log scale; all shots of all rounds")
    out += curve_legend(y + 22, curves)
    for us in (us for us in ROUND if low <= us <= high):
        strong = ROUND.index(us) % 3 == 0
        out.append(line(PLOT_LEFT, at(us), RIGHT, at(us), "#b8bfc7" if strong else FAINT))
        if strong or decade * math.log10(2) >= 13:
            out.append(text(PLOT_LEFT - 8, at(us) + 4, f"{us:,.9g}", 11, GREY, "end"))
    xs = [PLOT_LEFT + 50 + n * (RIGHT - PLOT_LEFT - 100) / 4 for n in range(5)]
    for x, percentile in zip(xs, PERCENTILES):
        out += [line(x, top, x, bottom), text(x, bottom + 16, percentile, 12, anchor="middle")]
    for (name, pace), values in curves.items():
        out += curve(name, pace, [(x, at(us)) for x, us in zip(xs, values)])
    return out, bottom + 16


def caption(y, result):
    told = (f"{result.get('machine', {}).get('cpu', 'unknown CPU')}; {result.get('compiler', 'unknown compiler')}; "
            f"commit {str(result.get('commit', 'unknown'))[:12]}{'' if result.get('clean', True) else ' with changes'}; "
            "two cores, loopback, TLS 1.3; repeat with scripts/bench")
    told += "; a quick run: it shows that everything works, not how fast it is" if result.get("quick") else ""
    lines = textwrap.wrap(told, int((RIGHT - MARGIN) / room("x", 11)))
    return [text(MARGIN, y + 16 * n, words, 11, GREY) for n, words in enumerate(lines)], y + 16 * (len(lines) - 1)


def picture(result):
    """None where there is nothing to draw."""
    trips = result["round_trip"]
    bars = {name: parts(name, row) for name in SUBJECTS if (row := stages(trips, name, "hot"))}
    curves = curves_of(trips)
    out, y = [], -12
    for panel, data, gap in ((bar_panel, bars, 40), (curve_panel, curves, 40), (caption, result, 28)):
        if data:
            more, y = panel(y + gap, data)
            out += more
    y += 14
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y:.0f}" viewBox="0 0 {WIDTH} {y:.0f}" '
            'font-family="sans-serif" role="img"><title>Where the time of a reversal goes, subject by subject</title>')
    return "\n".join([head, rect(0, 0, WIDTH, y, "white"), *out, "</svg>\n"]) if bars or curves else None


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench_picture.py", description="Draws what scripts/bench --json FILE wrote.")
    parser.add_argument("result", type=pathlib.Path, metavar="RESULT.json")
    parser.add_argument("out", type=pathlib.Path, metavar="OUT.svg")
    arguments = parser.parse_args()
    try:
        drawn = picture(read(arguments.result))
        if drawn is None:
            fail(arguments.result, "no round_trip data of any known subject")
        arguments.out.write_text(drawn, encoding="utf-8")
    except OSError as error:
        fail(error.filename, error.strerror)
    except (AttributeError, KeyError, TypeError, statistics.StatisticsError) as error:
        fail(arguments.result, f"round_trip data not as scripts/bench writes them: {error!r}")


if __name__ == "__main__":
    main()
