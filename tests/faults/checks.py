"""Does every intent have exactly one true answer? Judges what strategies logged against what the venue knows.

Input: for each lane the lines that backhand-load wrote, in order, over all its runs; and the venue's /truth. Every check
returns what is wrong in words; no words, no violation. `plant` doctors good input so that each check is seen to fail.
"""
import collections
import copy
import dataclasses
import json

EXECUTED = {"reversed", "partly_reversed", "closed_only"}
# Has no event of its own where it is granted.
TAKES_BACK = {"withdraw", "disarm"}
# Of an arm's end: its shot may have been sent. (After a restart nobody knows any more which intent a shot was for.)
MAY_BE_SENT = {"none", "restarted"}


class Reader:
    """Reads a log that grows: each call gives the whole lines that have come since."""

    def __init__(self, path):
        self.path = path
        self.offset = 0

    def new_lines(self):
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                text = file.read()
        except FileNotFoundError:
            return []
        whole = text[:text.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


@dataclasses.dataclass
class Intent:
    tag: str
    id: int
    does: str       # reverse, arm, fire, disarm or withdraw
    target: object  # The intent that it fires, disarms or withdraws, or None.
    ends: list
    oids: set       # Of what it sent; an arm's: what will be sent.
    lost: bool = False      # Above the taken mark at a later attach: never taken, nothing sent.
    pushed: bool = True
    was_acted_on: bool = False
    was_armed: bool = False


class Lane:
    def __init__(self, name, lines=()):
        self.name = name
        self.intents = {}
        self.by_id = {}    # The last one pushed under each number.
        self.pending = {}  # Those without an end and not lost, by tag.
        self.fires = {}    # The intents that fire a shot, by the arm's tag.
        self.records = {}
        self.wrong = []
        self.repeated = 0
        self.attaches = 0
        self.said_lost = []  # Never taken, says the library; the next attach has not spoken yet.
        self.events = collections.Counter()
        self.feed(lines)

    def feed(self, lines):
        for line in lines:
            if line["t"] == "push":
                intent = Intent(line["tag"], line["id"], line["do"], self.by_id.get(line["target"]), [], set())
                if intent.tag in self.intents:
                    self.wrong.append(f"the load itself used tag {intent.tag} twice")
                self.intents[intent.tag] = self.pending[intent.tag] = self.by_id[intent.id] = intent
                if intent.does == "fire" and intent.target is not None:
                    self.fires.setdefault(intent.target.tag, []).append(intent)
            elif line["t"] == "nopush":
                self.intents[line["tag"]].pushed = False
                self.pending.pop(line["tag"], None)
            elif line["t"] == "attach":
                self._attached(line)
            elif line["t"] == "event" and line["kind"] != "notice":
                self._event(line)
        return self

    def _attached(self, line):
        self.attaches += 1
        for intent in self.said_lost:
            if intent.id <= line["taken_mark"]:
                self.wrong.append(f"the library says that {intent.tag} was never taken, and the gateway that it took it")
        self.said_lost.clear()
        for intent in list(self.pending.values()):
            if intent.id > line["taken_mark"]:
                intent.lost = True
                del self.pending[intent.tag]
                if intent.was_acted_on:
                    self.wrong.append(f"{intent.tag} was acted on, and after a restart the gateway says it never took it")

    def _never_taken(self, tag):
        """The client library's own word about an intent; the attach before or after it must agree."""
        intent = self.intents.get(tag)
        if intent is None or intent.was_acted_on or intent.ends:
            self.wrong.append(f"the library says that {tag} was never taken, against what the gateway said of it")
        elif not intent.lost:
            intent.lost = True
            self.pending.pop(tag, None)
            self.said_lost.append(intent)

    def _event(self, line):
        tag, record = line["tag"], line["record"]
        if line["deny"] == "never_taken":
            self._never_taken(tag)
            return
        what = (line["kind"], tag, line["id"], line["result"], line["deny"], line["oid"], line["terminal"])
        if record:
            known = self.records.get(record)
            if known is not None:
                self.repeated += 1
                if known != what:
                    self.wrong.append(f"record {record} was told as {known} and then as {what}")
                return
            self.records[record] = what
        self.events[line["kind"]] += 1
        intent = self.intents.get(tag)
        if intent is None:
            self.wrong.append(f"an event for an intent that nobody pushed: {what}")
            return
        if intent.id != line["id"]:
            self.wrong.append(f"{tag} was pushed as intent {intent.id} and told as {line['id']}")
        if intent.lost:
            self.wrong.append(f"{tag} was never taken, said the attach; now it has an event: {what}")
        if line["oid"]:
            intent.oids.add(line["oid"])
        if line["terminal"]:
            intent.ends.append(line)
            self.pending.pop(tag, None)
            # Denials beyond a hundred a second and strategy are told without a record.
            if not record and line["kind"] != "denied":
                self.wrong.append(f"{tag} has a terminal event without a record number: {what}")
        elif line["kind"] == "armed":
            intent.was_armed = True
        elif line["kind"] != "queued":
            intent.was_acted_on = True
        if line["terminal"] and line["kind"] not in ("denied", "disarmed"):
            intent.was_acted_on = True

    def open(self):
        """Pushed, perhaps taken, and without an end. A withdraw or disarm that is granted is answered by its target's end."""
        return [i for i in self.pending.values()
                if i.does not in TAKES_BACK or i.target is None or not any(end["deny"] == "withdrawn" for end in i.target.ends)]

    def highest_record(self):
        return max(self.records, default=0)


def check_lane(lane):
    wrong = list(lane.wrong)
    for intent in lane.intents.values():
        if len(intent.ends) > 1:
            wrong.append(f"{intent.tag} has {len(intent.ends)} terminal events: "
                         + ", ".join(e["result"] if e["kind"] == "settled" else e["kind"] for e in intent.ends))
        if len(intent.oids) > 1:
            wrong.append(f"{intent.tag} went under several order ids: {sorted(intent.oids)}")
    wrong += [w for intent in lane.intents.values() if intent.does == "arm" for w in check_shot(lane, intent)]
    for intent in lane.open():
        wrong.append(f"{intent.tag} (intent {intent.id}) has no terminal event")
    if lane.records:
        missing = set(range(1, max(lane.records) + 1)) - set(lane.records)
        if missing:
            wrong.append(f"{len(missing)} records were never told, the first is {min(missing)}")
    return [f"lane {lane.name}: {w}" for w in wrong]


def check_shot(lane, arm):
    """One arm and all that fired it."""
    wrong = []
    if any(end["kind"] not in ("denied", "disarmed") for end in arm.ends):
        wrong.append(f"{arm.tag} only arms, but ends {arm.ends[0]['kind']}")
    fires = [i for i in lane.fires.get(arm.tag, []) if i.was_acted_on]
    if len(fires) > 1:
        wrong.append(f"shot {arm.tag} was sent by {', '.join(i.tag for i in fires)}")
    for fire in fires:
        if arm.oids and fire.oids and arm.oids != fire.oids:
            wrong.append(f"shot {arm.tag} was armed as {sorted(arm.oids)} and sent as {sorted(fire.oids)}")
    for end in arm.ends[:1]:
        if fires and (end["kind"] == "denied" or end["deny"] not in MAY_BE_SENT):
            wrong.append(f"{arm.tag} ends {end['kind']}: {end['deny']}, but {fires[0].tag} sent it")
        if not fires and end["kind"] == "disarmed" and end["deny"] == "none":
            wrong.append(f"{arm.tag} is told that its shot was sent, but no fire says so")
    return wrong


def check_truth(lanes, truth):
    wrong = []
    executed = {}
    for account, oids in truth["executed"].items():
        for oid, times in oids.items():
            executed[oid] = times
            if times > 1:
                wrong.append(f"account {account}: {oid} was executed {times} times")
    arrived = collections.Counter(a["client_oid"] for a in truth.get("arrivals", []) if a["path"].endswith("click-backhand"))
    for oid, times in arrived.items():
        if oid and times > 1:
            wrong.append(f"{oid} arrived at the venue {times} times")
    owner = {}
    for lane in lanes:
        for intent in lane.intents.values():
            # An arm's is its fire's as soon as it is sent, and nobody's before.
            for oid in intent.oids if intent.does != "arm" else ():
                if oid in owner:
                    wrong.append(f"{oid} belongs to {owner[oid].tag} and to {intent.tag}")
                owner[oid] = intent
            for end in intent.ends:
                times = executed.get(end["oid"], 0) if end["oid"] else 0
                is_executed_end = end["kind"] == "settled" and end["result"] in EXECUTED
                if is_executed_end and times == 0:
                    wrong.append(f"{intent.tag} is told settled: {end['result']}, but {end['oid'] or 'nothing'} was never executed")
                if not is_executed_end and end["kind"] != "unresolved" and times > 0:
                    what = end["result"] if end["kind"] == "settled" else end["kind"]
                    wrong.append(f"{intent.tag} is told {what}, but {end['oid']} was executed")
                if intent.does in TAKES_BACK and is_executed_end:
                    wrong.append(f"{intent.tag} only takes back, but is told {end['result']}")
    for oid in executed:
        if oid not in owner:
            wrong.append(f"{oid} was executed, and no strategy was ever told of it")
    for oid in arrived:
        if oid and oid not in owner:
            wrong.append(f"{oid} arrived at the venue, and no strategy was ever told of it")
    return wrong


def check_counters(truth, lanes, unresolved_allowed=0):
    wrong = []
    counters = truth["counters"]
    for name in ("throttled", "reversals_throttled", "reversals_repeated"):
        if counters[name] != 0:
            wrong.append(f"the venue counts {counters[name]} {name}")
    unresolved = sum(lane.events["unresolved"] for lane in lanes)
    if unresolved > unresolved_allowed:
        wrong.append(f"{unresolved} intents are unresolved, though the venue can be reached")
    return wrong


def check_all(lane_lines, truth):
    """lane_lines: {lane name: its lines}. Returns (violations, lanes)."""
    return judge([Lane(name, lines) for name, lines in lane_lines.items()], truth)


def judge(lanes, truth):
    wrong = [w for lane in lanes for w in check_lane(lane)]
    return wrong + check_truth(lanes, truth) + check_counters(truth, lanes), lanes


def _shot_counts(lanes):
    intents = [i for lane in lanes for i in lane.intents.values()]
    ends = collections.Counter(e["deny"] for i in intents if i.does == "arm" for e in i.ends[:1] if e["kind"] == "disarmed")
    return {"armed_told": sum(lane.events["armed"] for lane in lanes),
            "sent": sum(i.does == "fire" and i.was_acted_on for i in intents),
            "settled_reversed": sum(i.does == "fire" and any(e["result"] == "reversed" for e in i.ends) for i in intents),
            "disarmed_because": dict(ends.most_common())}


def summary(lanes, truth):
    ends = collections.Counter()
    for lane in lanes:
        for intent in lane.intents.values():
            for end in intent.ends[:1]:
                ends[f"settled_{end['result']}" if end["kind"] == "settled" else end["kind"]] += 1
    return {"pushed": sum(i.pushed for lane in lanes for i in lane.intents.values()),
            "never_taken": sum(i.lost and i.pushed for lane in lanes for i in lane.intents.values()),
            "answered": sum(bool(i.ends) for lane in lanes for i in lane.intents.values()),
            "ends": dict(sorted(ends.items())),
            "denied_because": dict(collections.Counter(e["deny"] for lane in lanes for i in lane.intents.values()
                                                       for e in i.ends if e["deny"] != "none").most_common()),
            "unknown": sum(lane.events["unknown"] for lane in lanes),
            "unresolved": sum(lane.events["unresolved"] for lane in lanes),
            "settled": sum(lane.events["settled"] for lane in lanes),
            "shots": _shot_counts(lanes),
            "records_told_again": sum(lane.repeated for lane in lanes),
            "executions": truth["counters"]["reversals_executed"],
            "repeated": truth["counters"]["reversals_repeated"],
            "throttled": truth["counters"]["throttled"],
            "most_executions_of_one_id": truth["counters"]["max_executions_of_client_oid"]}


# Planted bugs: each doctors good logs or a good truth; check_all must object.

def _some_end(lane_lines, wanted):
    for lines in lane_lines.values():
        for at, line in enumerate(lines):
            if line["t"] == "event" and line["terminal"] and wanted(line):
                return lines, at
    return None


def _twin(lines, at, **changes):
    # As a gateway would that forgot that it had answered: the same intent under a new number.
    top = max(line["record"] for line in lines if line["t"] == "event")
    lines.append(dict(lines[at], record=top + 1, **changes))


def _executed_twice(lane_lines, truth):
    oids = next(o for o in truth["executed"].values() if o)
    oids[next(iter(oids))] = 2


def _arrived_twice(lane_lines, truth):
    truth["arrivals"].append(dict(next(a for a in truth["arrivals"] if a["client_oid"])))


def _told_not_executed(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["result"] == "reversed")
    lines[at] = dict(lines[at], result="not_executed")


def _told_rejected(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["result"] == "reversed")
    lines[at] = dict(lines[at], kind="rejected", result="none")


def _told_reversed(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["result"] == "reversed")
    del next(o for o in truth["executed"].values() if lines[at]["oid"] in o)[lines[at]["oid"]]


def _terminal_dropped(lane_lines, truth):
    # Its number goes to nobody: every later one moves up, so that only the missing answer can be noticed.
    lines, at = _some_end(lane_lines, lambda e: e["record"])
    gone = lines[at]["record"]
    lines[:] = [dict(line, record=line["record"] - 1) if line["t"] == "event" and line["record"] > gone else line
                for line in lines if line["t"] != "event" or line["record"] != gone]


def _record_skipped(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["record"])
    top = max(line["record"] for line in lines if line["t"] == "event")
    gone = lines[at]["record"]
    lines[:] = [dict(line, record=top + 5) if line["t"] == "event" and line["record"] == gone else line for line in lines]


def _answered_twice(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["result"] == "reversed")
    _twin(lines, at)


def _record_retold_otherwise(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["result"] == "reversed")
    lines.append(dict(lines[at], result="not_executed"))


def _forgotten(lane_lines, truth):
    # Sent, and after a restart the mark says that it was never taken.
    lines = next(lines for lines in lane_lines.values() if any(e["t"] == "event" and e["kind"] == "sent" for e in lines))
    at = next(n for n, e in enumerate(lines) if e["t"] == "event" and e["kind"] == "sent")
    lines.insert(at + 1, {"t": "attach", "run": 0, "generation": 2, "taken_mark": lines[at]["id"] - 1, "last_record": 0})


def _executed_untold(lane_lines, truth):
    next(iter(truth["executed"].values()))["bh-nobodys"] = 1


def _throttled(lane_lines, truth):
    truth["counters"]["throttled"] = 1


def _unresolved(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["result"] == "reversed")
    lines[at] = dict(lines[at], kind="unresolved", result="none")


PLANTED = {f.__name__.strip("_"): f for f in (
    _executed_twice, _arrived_twice, _told_not_executed, _told_rejected, _told_reversed, _terminal_dropped, _record_skipped,
    _answered_twice, _record_retold_otherwise, _forgotten, _executed_untold, _throttled, _unresolved)}


def _sent_shot(lane_lines):
    """The lines and the place of a `sent` of a fire, and the place of its arm's end."""
    for lines in lane_lines.values():
        pushes = {line["id"]: line for line in lines if line["t"] == "push"}
        ends = {line["id"]: at for at, line in enumerate(lines) if line["t"] == "event" and line["kind"] == "disarmed"}
        for at, line in enumerate(lines):
            push = pushes.get(line.get("id"))
            if line["t"] == "event" and line["kind"] == "sent" and push["do"] == "fire" and push["target"] in ends:
                return lines, at, ends[push["target"]]
    return None


def _dropped_and_sent(lane_lines, truth):
    lines, _, end = _sent_shot(lane_lines)
    lines[end] = dict(lines[end], deny="withdrawn")


def _told_sent_and_kept(lane_lines, truth):
    lines, at = _some_end(lane_lines, lambda e: e["kind"] == "disarmed" and e["deny"] not in MAY_BE_SENT)
    lines[at] = dict(lines[at], deny="none")


def _sent_under_another_id(lane_lines, truth):
    # The venue's truth follows, so that only arm and fire differ.
    lines, at, _ = _sent_shot(lane_lines)
    old = lines[at]["oid"]
    lines[:] = [dict(line, oid="bh-others") if line.get("oid") == old and line.get("kind") != "armed" else line for line in lines]
    for oids in truth["executed"].values():
        if old in oids:
            oids["bh-others"] = oids.pop(old)
    for arrival in truth["arrivals"]:
        if arrival["client_oid"] == old:
            arrival["client_oid"] = "bh-others"


def _shot_sent_twice(lane_lines, truth):
    lines, at, end = _sent_shot(lane_lines)
    number = max(line["id"] for line in lines if line["t"] == "push") + 1
    top = max(line["record"] for line in lines if line["t"] == "event")
    lines.append({"t": "push", "run": 1, "tag": "twice", "id": number, "do": "fire", "target": lines[end]["id"]})
    lines.append(dict(lines[at], tag="twice", id=number, oid=""))
    lines.append(dict(lines[at], tag="twice", id=number, oid="", kind="settled", result="not_executed", terminal=True, record=top + 1))


PLANTED_WITH_SHOTS = {f.__name__.strip("_"): f for f in (
    _dropped_and_sent, _told_sent_and_kept, _sent_under_another_id, _shot_sent_twice)}


def plants_for(lane_lines):
    return PLANTED | (PLANTED_WITH_SHOTS if _sent_shot(lane_lines) else {})


def uncaught_plants(lane_lines, truth):
    """The planted bugs that the checks did not object to. The input must be free of violations."""
    missed = []
    for name, plant in plants_for(lane_lines).items():
        lines, doctored = copy.deepcopy(lane_lines), copy.deepcopy(truth)
        plant(lines, doctored)
        if not check_all(lines, doctored)[0]:
            missed.append(name)
    return missed
