"""The checker: it lets a good history pass and objects to each planted bug."""
import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import checks  # noqa: E402
import slot_precision  # noqa: E402


def event(kind, tag, number, record=0, **more):
    return {"t": "event", "kind": kind, "id": number, "tag": tag, "record": record, "deny": "none", "result": "none", "oid": "",
            "terminal": kind in ("denied", "rejected", "settled", "unresolved", "disarmed"), **more}


def attach(run, mark):
    return {"t": "attach", "run": run, "generation": 1, "taken_mark": mark, "last_record": 0}


def push(tag, number, do="reverse", target=0):
    return {"t": "push", "run": 1, "tag": tag, "id": number, "do": do, "target": target}


def good_history():
    """Reversed at once; unknown over a restart; denied; withdrawn; lost in a ring that nobody read."""
    lines = [attach(1, 0),
             push("a", 1), event("sent", "a", 1, oid="bh-1"), event("acked", "a", 1, oid="bh-1"),
             event("settled", "a", 1, 1, result="reversed", oid="bh-1"),
             push("b", 2), event("sent", "b", 2, oid="bh-2"),
             push("c", 3), push("d", 4),
             attach(1, 2),
             event("unknown", "b", 2, 2, oid="bh-2"), event("settled", "b", 2, 3, result="not_executed", oid="bh-2"),
             push("e", 5), event("queued", "e", 5), push("w", 6, "withdraw", 5), event("denied", "e", 5, 4, deny="withdrawn"),
             attach(1, 6), event("settled", "b", 2, 3, result="not_executed", oid="bh-2")]
    truth = {"executed": {"main": {"bh-1": 1}},
             "arrivals": [{"path": "/api/v2/mix/order/click-backhand", "client_oid": "bh-1"},
                          {"path": "/api/v2/mix/order/click-backhand", "client_oid": "bh-2"}],
             "counters": {"throttled": 0, "reversals_throttled": 0, "reversals_repeated": 0}}
    return {"one": lines}, truth


def good_shots():
    """Denied once and then fired; dropped; fired just before its gateway was killed; fired in vain."""
    lines = [attach(1, 0),
             push("a", 1, "arm"), event("armed", "a", 1, oid="bh-1"), push("f1", 2, "fire", 1), event("denied", "f1", 2, 1, deny="wrong_side"),
             push("f2", 3, "fire", 1), event("sent", "f2", 3, oid="bh-1"), event("disarmed", "a", 1, 2),
             event("acked", "f2", 3, oid="bh-1"), event("settled", "f2", 3, 3, result="reversed", oid="bh-1"),
             push("b", 4, "arm"), event("armed", "b", 4, oid="bh-2"), push("d", 5, "disarm", 4),
             event("disarmed", "b", 4, 4, deny="withdrawn"),
             push("c", 6, "arm"), event("armed", "c", 6, oid="bh-3"), push("f3", 7, "fire", 6),
             attach(1, 7), event("disarmed", "c", 6, 5, deny="restarted"),
             event("settled", "f3", 7, 6, result="reversed", oid="bh-3"),
             push("f4", 8, "fire", 6), event("denied", "f4", 8, 7, deny="no_such_target")]
    truth = {"executed": {"main": {"bh-1": 1, "bh-3": 1}},
             "arrivals": [{"path": "/api/v2/mix/order/click-backhand", "client_oid": "bh-1"},
                          {"path": "/api/v2/mix/order/click-backhand", "client_oid": "bh-3"}],
             "counters": {"throttled": 0, "reversals_throttled": 0, "reversals_repeated": 0}}
    return {"one": lines}, truth


class ChecksTest(unittest.TestCase):
    def test_good_shots_pass(self):
        wrong, lanes = checks.check_all(*good_shots())
        self.assertEqual(wrong, [])
        self.assertEqual(checks.uncaught_plants(*good_shots()), [])

    def test_a_shot_that_arrives_though_it_was_dropped_is_a_violation(self):
        lines, truth = good_shots()
        truth["arrivals"].append({"path": "/api/v2/mix/order/click-backhand", "client_oid": "bh-2"})
        self.assertIn("no strategy was ever told", checks.check_all(lines, truth)[0][0])

    def test_a_good_history_passes(self):
        wrong, lanes = checks.check_all(*good_history())
        self.assertEqual(wrong, [])
        self.assertEqual([i.tag for i in lanes[0].intents.values() if i.lost], ["c", "d"])
        self.assertEqual(lanes[0].repeated, 1)

    def test_each_planted_bug_is_objected_to(self):
        for plants, history in ((checks.PLANTED, good_history), (checks.PLANTED_WITH_SHOTS, good_shots)):
            for name, plant in plants.items():
                with self.subTest(name):
                    lines, truth = copy.deepcopy(history())
                    plant(lines, truth)
                    self.assertNotEqual(checks.check_all(lines, truth)[0], [])

    def test_an_event_of_an_intent_that_was_never_taken_is_a_violation(self):
        lines, truth = good_history()
        lines["one"].append(event("denied", "c", 3, 5, deny="restarted"))
        self.assertIn("never taken", checks.check_all(lines, truth)[0][0])


    def test_what_the_library_says_was_never_taken_agrees_with_the_attach(self):
        for before_the_attach in (True, False):
            lines, truth = good_history()
            at = lines["one"].index(attach(1, 2)) + (0 if before_the_attach else 1)
            lines["one"][at:at] = [event("denied", "c", 3, deny="never_taken"), event("denied", "d", 4, deny="never_taken")]
            wrong, lanes = checks.check_all(lines, truth)
            self.assertEqual(wrong, [])
            self.assertEqual([i.tag for i in lanes[0].intents.values() if i.lost], ["c", "d"])

    def test_the_librarys_wrong_word_is_a_violation(self):
        for tag, number, mark in (("b", 2, 2), ("a", 1, 2), ("c", 3, 3)):
            with self.subTest(tag):
                lines, truth = good_history()
                at = lines["one"].index(attach(1, 2))
                lines["one"][at:at + 1] = [event("denied", tag, number, deny="never_taken"), attach(1, mark)]
                self.assertIn("the library says", " ".join(checks.check_all(lines, truth)[0]))


class SlotPrecision(unittest.TestCase):
    GOOD = [(50_000_000 * n, 50_000_000 * n + 20_000) for n in range(1, 101)]

    def test_writes_after_their_slots_pass(self):
        wrong, figures = slot_precision.judge(self.GOOD, "even", 20, 0)
        self.assertEqual(wrong, [])
        self.assertEqual((figures["samples"], figures["p50_us"], figures["p99.9_us"]), (100, 20.0, 20.0))

    def test_each_planted_bug_is_objected_to(self):
        planted = {"throttled": (self.GOOD, "burst", 1), "written before its slot": (self.GOOD + [(10, 5)], "burst", 0),
                   "slots too close": (self.GOOD + [(50_000_001, 50_000_002)], "even", 0), "nothing waited": ([], "burst", 0)}
        for name, (samples, shape, throttled) in planted.items():
            with self.subTest(name):
                self.assertNotEqual(slot_precision.judge(sorted(samples), shape, 20, throttled)[0], [])

    def test_only_those_that_waited_for_a_slot_count(self):
        line = {"t": "event", "kind": "sent", "taken": 100, "written": 300}
        lines = [{**line, "slot": 200}, {**line, "slot": 100}, {**line, "slot": 200, "kind": "acked"}, {"t": "push"}]
        self.assertEqual(slot_precision.waited(lines), [(200, 300)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
