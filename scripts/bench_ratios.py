"""Makes ratios of what was measured, and tables of ratios. References and subjects were interleaved, so a ratio is the median
of the ratios of each round; its spread is the quartiles of those."""
import statistics

# name: (what it says, bar; None: no bar)
NAMES = {
    "armed_vs_naive": ("armed over naive: push → send entered, hot", 0.4),
    "push_vs_naive_hot": ("push over naive: push → send entered, hot", 0.5),
    "push_vs_naive_pause": ("push over naive: push → send entered, 1 ms pause", 0.55),
    "push_cold_over_hot": ("push: push → send entered, cold over hot", 2.0),
    "outcome_push": ("push over floor: push → outcome, hot", 1.30),
    "outcome_push_p99": ("push over floor: push → outcome, p99, hot", 1.5),
    "outcome_vs_beast": ("push over Beast (polling): push → outcome, hot", 0.8),
    "outcome_vs_libcurl": ("push over libcurl: push → outcome, hot", 0.25),
    "outcome_vs_node": ("push over the Node SDK (floor's hop added to it): push → outcome, hot", 0.05),
    "lanes_226_over_1": ("pick-up with 226 attached lanes over 1", 1.3),
    "checks_us": ("journal, risk and pacing together (µs)", 0.3),
    "reply": ("push over floor: reply readable → outcome visible, hot", 1.3),
    "slot_lateness": ("lateness at a send slot: spinning over steady_timer under poll()", 0.02),
}
CHECKS = ("journal/append_intended", "pacing/submit_and_reply/100", "risk/admit_check_and_count")


class Absent(Exception):
    pass


def series(result, subject, pace, stage, percentile="p50"):
    """One figure a round, in ns."""
    trips = result["round_trip"]
    if subject in trips.get("absent", {}) or subject not in trips.get("subjects", {}):
        why = trips.get("absent", {}).get(subject, "not built")
        raise Absent(f"{subject} was not measured: {why}")
    paces = trips["subjects"][subject]
    if pace not in paces:
        raise Absent(f"{subject} was not measured {pace}")
    return [row[percentile] for row in paces[pace]["stages"][stage]["rounds"]]


def told(values):
    values = sorted(values)
    quartiles = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return {"value": statistics.median(values), "low": quartiles[0], "high": quartiles[2], "rounds": len(values)}


def over(top, bottom):
    return told([a / b for a, b in zip(top, bottom) if b > 0])


def checks(result):
    """The cost of a record before the write, of a slot taken and given back, and of all risk checks."""
    total = 0.0
    for name in CHECKS:
        row = next((row for key, row in result["micro"].items() if key.startswith(name)), None)
        if row is None:
            raise Absent(f"bench/micro has no {name}")
        # Where a benchmark times each call, its median is told, less what reading the clock costs.
        total += row["p50_ns"] - row["clock_p50_ns"] if "p50_ns" in row else row["ns"]
    return told([total / 1_000])


def reply(result):
    """The venue's `send` is taken off both: what it takes until the floor has bytes is the same for all."""
    flight = series(result, "floor", "hot", "reply_flight")
    push = series(result, "push", "hot", "reply_to_outcome")
    floor = series(result, "floor", "hot", "reply_to_outcome")
    return told([(p - f) / (q - f) for p, q, f in zip(push, floor, flight) if q > f])


def node(result):
    peer = result["peers"].get("bitget-api", {"absent": "not measured"})
    if "absent" in peer:
        raise Absent(f"bitget-api: {peer['absent']}")
    hop = 2 * statistics.median(series(result, "floor", "hot", "pick_up"))
    return told([p / (peer["p50"] + hop) for p in series(result, "push", "hot", "outcome")])


def slots(result):
    ways = result["round_trip"]["slots"]
    return told([ways["spinning"]["p50"] / ways["steady_timer_poll"]["p50"]])


def minus_floor(result, subject, pace):
    return told([(a - b) / 1_000 for a, b in zip(series(result, subject, pace, "push_to_write"),
                                                 series(result, "floor", pace, "push_to_write"))])


def of(result, top, bottom, stage, pace="hot", percentile="p50", bottom_pace=None):
    return over(series(result, top, pace, stage, percentile), series(result, bottom, bottom_pace or pace, stage, percentile))


FORMULAS = {
    "armed_vs_naive": lambda r: of(r, "armed", "naive", "push_to_write"),
    "push_vs_naive_hot": lambda r: of(r, "push", "naive", "push_to_write"),
    "push_vs_naive_pause": lambda r: of(r, "push", "naive", "push_to_write", "pause"),
    "push_cold_over_hot": lambda r: of(r, "push", "push", "push_to_write", "cold", bottom_pace="hot"),
    "outcome_push": lambda r: of(r, "push", "floor", "outcome"),
    "outcome_push_p99": lambda r: of(r, "push", "floor", "outcome", percentile="p99"),
    "outcome_vs_beast": lambda r: of(r, "push", "beast_poll", "outcome"),
    "outcome_vs_libcurl": lambda r: of(r, "push", "libcurl", "outcome"),
    "outcome_vs_node": node,
    "lanes_226_over_1": lambda r: of(r, "push_226_lanes", "push", "pick_up"),
    "checks_us": checks,
    "reply": reply,
    "slot_lateness": slots,
}


def ratios(result):
    """(name → figure or None, name → figure with its spread, or the reason why there is none)"""
    figures, details = {}, {}
    for name, formula in FORMULAS.items():
        try:
            details[name] = formula(result)
            figures[name] = details[name]["value"]
        except (Absent, KeyError, StopIteration, ZeroDivisionError, statistics.StatisticsError) as error:
            figures[name] = None
            details[name] = {"absent": str(error)}
    return figures, details


def print_stages(result):
    print(f"\n{'subject':15} {'pace':6}{'shots':>7}  {'stage':17}{'p50':>9}{'p90':>9}{'p99':>9}{'p99.9':>10}{'max':>11}  (µs)")
    for subject, paces in result["round_trip"]["subjects"].items():
        for pace, row in paces.items():
            for stage in ("push_to_write", "write", "reply_to_outcome", "outcome"):
                of_all = row["stages"][stage]["all"]
                cells = [of_all[p] / 1_000 for p in ("p50", "p90", "p99", "p99.9", "max")]
                if pace == "cold":
                    cells = cells[:2]
                print(f"{subject:15} {pace:6}{row['shots']:7}  {stage:17}" + "".join(f"{c:{w}.2f}" for c, w in zip(cells, (9, 9, 9, 10, 11))))
    for name, row in result["peers"].items():
        text = row.get("absent") or f"call → result p50 {row['p50'] / 1_000:.0f} µs, p99 {row['p99'] / 1_000:.0f} µs"
        print(f"{name:15} {text}")


def print_table(result):
    print_stages(result)
    print(f"\n{'figure':75}{'value':>8}{'bar':>7}   spread (quartiles of the rounds)")
    for name, (what, bar) in NAMES.items():
        detail = result["details"][name]
        if "absent" in detail:
            print(f"{what:75}{'–':>8}{bar:7}   {detail['absent']}")
            continue
        met = "" if detail["value"] <= bar else "  short"
        print(f"{what:75}{detail['value']:8.3f}{bar:7}   {detail['low']:.3f} … {detail['high']:.3f}{met}")
    m = result["machine"]
    print(f"\n{m['cpu']}, {m['cpus']} CPUs, Linux {m['kernel']}, load {m['load_before']:.1f} → {m['load_after']:.1f}; "
          f"{result['compiler']}; commit {result['commit'][:12]}{'' if result['clean'] else ' with changes'}")
    if result["quick"]:
        print("A quick run: it shows that everything works, not how fast it is.")


def print_comparison(before, after):
    print(f"{'figure':30}{'before':>9}{'spread':>18}{'after':>9}{'spread':>18}{'change':>9}")
    for name in NAMES:
        a, b = before["details"].get(name, {"absent": ""}), after["details"].get(name, {"absent": ""})
        cells = []
        for row in (a, b):
            cells.append(f"{row['value']:9.3f}{row['low']:9.3f} …{row['high']:7.3f}" if "value" in row else f"{'–':>9}{'':18}")
        change = ""
        if "value" in a and "value" in b and a["value"] > 0:
            # Where the quartiles overlap, the rounds themselves differ by as much.
            apart = b["low"] > a["high"] or b["high"] < a["low"]
            change = f"{(b['value'] / a['value'] - 1) * 100:+8.1f}%" + ("" if apart else "  (within the spread)")
        print(f"{name:30}{cells[0]}{cells[1]}{change}")
    print(f"before: {before['commit'][:12]} on {before['machine']['cpu']}; after: {after['commit'][:12]} on {after['machine']['cpu']}")
