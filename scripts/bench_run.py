"""What scripts/bench does: builds, runs the benchmarks one after the other, and writes and prints what they say."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench_peers  # noqa: E402
import bench_ratios  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
MICRO = ("journal/append_intended|pacing/submit_and_reply|pacing/idle_turn|risk/|Bitget|ring/|queue/|histogram/|engine/")


def run(argv, **more):
    return subprocess.run([str(a) for a in argv], check=True, **more)


def build(directory):
    if directory:
        return pathlib.Path(directory)
    run([ROOT / "scripts/setup"])
    run([ROOT / "scripts/build", "release", "backhandd", "backhand-bench-round-trip", "backhand-bench-micro"])
    return ROOT / "build/release/bin"


def machine():
    model = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    uname = os.uname()
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": uname.release, "load_before": os.getloadavg()[0]}


def text_of(argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def micro(programs, cpu, quick):
    out = subprocess.run(["taskset", "-c", str(cpu), programs / "backhand-bench-micro", f"--benchmark_filter={MICRO}",
                          "--benchmark_format=json", f"--benchmark_min_time={0.02 if quick else 0.3}"],
                         check=True, capture_output=True, text=True).stdout
    units = {"ns": 1, "us": 1e3, "ms": 1e6}
    steps = {}
    for row in json.loads(out)["benchmarks"]:
        if "error_occurred" in row or row.get("run_type") == "aggregate":
            continue
        steps[row["name"]] = {"ns": row["cpu_time"] * units[row["time_unit"]],
                              **{k: v for k, v in row.items() if k.endswith("_ns") or k == "allocations"}}
    return steps


def round_trip(programs, arguments):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "round_trip.json"
        argv = [programs / "backhand-bench-round-trip", "--json", file, "--harness-cpu", arguments.harness_cpu,
                "--subject-cpu", arguments.subject_cpu]
        run(argv + (["--quick"] if arguments.quick else []) + (["--rounds", arguments.rounds] if arguments.rounds else []),
            stdout=subprocess.DEVNULL)
        return json.loads(file.read_text())


def measure(arguments):
    programs = build(arguments.bin)
    result = {"format": 1, "quick": arguments.quick, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine(),
              "compiler": text_of(["g++", "--version"]).splitlines()[0], "commit": text_of(["git", "rev-parse", "HEAD"]),
              "clean": text_of(["git", "status", "--porcelain", "--untracked-files=no"]) == ""}
    if os.cpu_count() < 2:
        raise SystemExit("bench: needs two cores")
    if result["machine"]["load_before"] > 0.5:
        print(f"bench: this machine is busy (load {result['machine']['load_before']:.1f}); the figures will be noisy", file=sys.stderr)
    print("bench: the steps of the path", file=sys.stderr)
    result["micro"] = micro(programs, arguments.subject_cpu, arguments.quick)
    print("bench: the round trip", file=sys.stderr)
    result["round_trip"] = round_trip(programs, arguments)
    print("bench: Node client libraries", file=sys.stderr)
    result["peers"] = bench_peers.measure(ROOT, programs, arguments.harness_cpu, arguments.subject_cpu, arguments.quick)
    result["machine"]["load_after"] = os.getloadavg()[0]
    result["ratios"], result["details"] = bench_ratios.ratios(result)
    return result


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true", help="under a minute; shows that it works, not how fast it is")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the results")
    parser.add_argument("--compare", type=pathlib.Path, nargs="+", metavar="FILE", help="an earlier run, and maybe a later one")
    parser.add_argument("--rounds", type=int, help="how often each subject has its turn (default 15)")
    parser.add_argument("--bin", help="where the programs are built already")
    parser.add_argument("--harness-cpu", type=int, default=0)
    parser.add_argument("--subject-cpu", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.compare and len(arguments.compare) > 2:
        parser.error("--compare takes one or two files")
    if shutil.which("taskset") is None:
        raise SystemExit("bench: taskset is missing (util-linux)")

    if arguments.compare and len(arguments.compare) == 2:
        result = json.loads(arguments.compare[1].read_text())
    else:
        result = measure(arguments)
        if arguments.json:
            arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    if arguments.compare:
        bench_ratios.print_comparison(json.loads(arguments.compare[0].read_text()), result)
    else:
        bench_ratios.print_table(result)


if __name__ == "__main__":
    main()
