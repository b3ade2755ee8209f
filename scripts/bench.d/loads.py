"""Puts load on a server and returns what was measured, as the load generators' JSON says it."""

import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from servers import HEADSCALE, PEERS, ROOT, WONDER, Headscale, Wonder

COLD_STARTS = 9
SETTLE_SECONDS = 5
# A change costs wonder so little that 20 of them are hardly told from nothing.
CHANGES = {Headscale: 20, Wonder: 60}
CRITERION = ROOT / "target/criterion"


def mesh(kind, devices, realms=1, storm=True):
    """Devices join, change, leave and come back: {phase name: its figures}."""
    with tempfile.TemporaryDirectory(prefix="wonder-bench-") as directory, kind(directory) as server:
        keys = ",".join(server.auth_keys(realms))
        result = generator(server, "meshload", "-server", server.url, "-authkey", keys, "-nodes", devices,
                           "-changes", CHANGES[kind], *(["-storm"] if storm else []), "-limit", "15m", strict=kind is Wonder)
    result["phases"] = {phase["name"]: phase for phase in result["phases"]}
    return result


def steps():
    """{benchmark: median seconds of one of what it does}, as `cargo bench` found them; empty where it was not run."""
    return {str(file.parent.parent.relative_to(CRITERION)): one_step(file.parent) for file in CRITERION.glob("**/new/estimates.json")}


def one_step(directory):
    benchmark = json.loads((directory / "benchmark.json").read_text())
    together = (benchmark["throughput"] or {}).get("Elements", 1)
    return json.loads((directory / "estimates.json").read_text())["median"]["point_estimate"] / 1e9 / together


def relay(kind):
    """Flows and one fat flow (32 packets under way: more than derper queues would be lost), then silent clients on a server that has done nothing else."""
    flows = relay_run(kind, 100, "-pairs", 50, "-rate", 100, "-window", 32, "-seconds", 10)
    idle = relay_run(kind, 500, "-pairs", 0, "-idle", 500, "-flows=false", "-big=false", "-seconds", 5)
    return {**flows, "idle": idle["idle"]}


def relay_run(kind, clients, *arguments):
    with tempfile.TemporaryDirectory(prefix="wonder-bench-") as directory:
        server = kind(directory)
        keys = []
        if kind is Wonder:
            with server:
                keys = ["-keys", enroll(server, clients)]
        with server:
            result = generator(server, "relayload", "-server", server.relay(), "-insecure", *keys, *arguments, strict=True)
    return {phase["name"]: phase for phase in result["phases"]}


def enroll(server, count):
    """Registers devices; the file of their private node keys. wonder's relay admits nobody else."""
    environment = dict(os.environ, TS_AUTH_KEY=server.auth_keys(1)[0])
    file = server.dir / "keys"
    with open(file, "w") as keys:
        subprocess.run([PEERS / "bench/enroll", "-server", server.url, "-n", str(count)], check=True, env=environment, stdout=keys)
    return file


def generator(server, program, *arguments, strict):
    """Runs a load generator; where `strict`, a failure it reports is ours too."""
    file = server.dir / f"{program}.json"
    command = [PEERS / "bench" / program, "-pid", server.pid, "-json", file, *arguments]
    print(f"── {type(server).__name__.lower()}: {program}", flush=True)
    done = subprocess.run([str(word) for word in command])
    if done.returncode not in (0, 1) or (strict and done.returncode) or not file.exists():
        raise RuntimeError(f"{program} against {type(server).__name__} failed; its words stand above")
    return json.loads(file.read_text())


def standing(kind):
    """Cold start (median, on a data directory that exists), memory when idle, size of the binary."""
    with tempfile.TemporaryDirectory(prefix="wonder-bench-") as directory:
        server = kind(directory)
        starts = []
        for _ in range(COLD_STARTS + 1):
            starts.append(server.start())
            server.stop()
        with server:
            time.sleep(SETTLE_SECONDS)
            memory = server.resident_bytes()
        return {"start_s": statistics.median(starts[1:]), "idle_bytes": memory, "binary_bytes": stripped(kind, directory)}


def stripped(kind, directory):
    copy = Path(directory) / "stripped"
    subprocess.run(["strip", "-o", copy, {Headscale: HEADSCALE, Wonder: WONDER}[kind]], check=True)
    return copy.stat().st_size


def raise_file_limit():
    """10,000 devices are 20,000 open connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
