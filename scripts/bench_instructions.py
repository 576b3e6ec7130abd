"""Counts the instructions that a reversal costs the engine, under callgrind, and compares them with a baseline: time is too
noisy where checks run, instructions are not. Fails on +3 %.
  scripts/bench_instructions.py [--bin DIR] [--update]     --update: writes the baseline instead

The figures are of one compiler, one C library and one OpenSSL; a baseline of others is not compared, only shown."""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASELINE = ROOT / "bench/instructions/baseline.json"
PARTS = ("intent", "reply", "idle_turn")
ROUNDS = 6
LIMIT = 1.03


def version(argv):
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def count(program, part, rounds):
    """Instructions of one part, all rounds together, and how many reversals those were."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--toggle-collect=measured_{part}(*)",
                               f"--callgrind-out-file={folder}/out", program, str(rounds)], capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise SystemExit(f"bench_instructions: valgrind failed:\n{done.stderr[-2000:]}")
    return int(found.group(1)), int(done.stdout)


def measure(program):
    figures = {}
    for part in PARTS:
        # The first rounds grow what grows once; the difference is the steady state.
        few, few_shots = count(program, part, ROUNDS // 2)
        many, many_shots = count(program, part, ROUNDS)
        figures[part] = round((many - few) / (many_shots - few_shots), 1)
    return figures


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench_instructions.py")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin")
    parser.add_argument("--update", action="store_true", help="write the baseline")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("bench_instructions: valgrind is missing (scripts/setup --tools)")
    program = arguments.bin / "backhand-bench-instructions"
    if not program.exists():
        raise SystemExit(f"bench_instructions: {program} is not built")
    now = {"tools": {"compiler": version(["g++", "--version"]), "openssl": version(["openssl", "version"]),
                     "valgrind": version(["valgrind", "--version"])},
           "instructions": measure(program)}
    if arguments.update:
        BASELINE.write_text(json.dumps(now, indent=1) + "\n")
    before = json.loads(BASELINE.read_text()) if BASELINE.exists() else now
    same_tools = before["tools"] == now["tools"]
    grown = False
    for part in PARTS:
        was, now_is = before["instructions"][part], now["instructions"][part]
        too_many = now_is > was * LIMIT
        grown = grown or too_many
        print(f"{part:10} {now_is:10.1f} instructions; baseline {was:10.1f}  {(now_is / was - 1) * 100:+.1f} %{'  too many' if too_many else ''}")
    if not same_tools:
        print(f"the baseline is of other tools ({before['tools']}); not compared")
    return 1 if grown and same_tools else 0


if __name__ == "__main__":
    sys.exit(main())
