"""Runs the Node client libraries of bench/peers against the harness's venue; says why where that cannot be."""
import json
import os
import shutil
import subprocess

LIBRARIES = ("bitget-api", "ccxt")


def install(root, folder):
    """None, or why there are none."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node or npm is not installed"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (root / "bench/peers/package.json").read_bytes()
    target = folder / "package.json"
    if target.exists() and target.read_bytes() == wanted and (folder / "node_modules").is_dir():
        return None
    target.write_bytes(wanted)
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"], cwd=folder,
                              capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        done = None
    if done is None or done.returncode != 0:
        target.unlink()
        return "npm could not fetch them"
    return None


def one(root, folder, programs, library, harness_cpu, subject_cpu, count):
    """Latencies in ns, or a reason."""
    venue = subprocess.Popen([programs / "backhand-bench-round-trip", "--serve", "--harness-cpu", str(harness_cpu)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        where = json.loads(venue.stdout.readline())
        environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        environment["NODE_EXTRA_CA_CERTS"] = where["ca_file"]
        done = subprocess.run(["taskset", "-c", str(subject_cpu), "node", root / "bench/peers/peer.mjs", folder, library,
                               json.dumps(where), str(count), "20"],
                              env=environment, capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            return (done.stderr.strip().splitlines() or ["it failed"])[-1][:200]
        return json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        return str(error)[:200]
    finally:
        venue.stdin.close()
        venue.wait(20)


def measure(root, programs, harness_cpu, subject_cpu, quick):
    folder = root / "build/bench-peers"
    why = install(root, folder)
    result = {}
    for library in LIBRARIES:
        times = why if why else one(root, folder, programs, library, harness_cpu, subject_cpu, 300 if quick else 3_000)
        if isinstance(times, str):
            result[library] = {"absent": times}
            continue
        times.sort()
        result[library] = {"count": len(times), **{name: times[min(len(times) - 1, round(q * (len(times) - 1)))]
                                                   for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}}
    return result
