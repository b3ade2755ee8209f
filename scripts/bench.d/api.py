"""The API under load: a platform that reads and writes at a steady rate while devices are connected, with and without
people who log in beside it, on SQLite and on PostgreSQL."""

import json
import subprocess
import tempfile
import threading
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from servers import PEERS, Postgres, Wonder, log_in

OHA = PEERS / "oha-1.16.0/bin/oha"
PERSON = "platform@example.org"
ORGANIZATIONS, NODES = 100, 1_000
SECONDS = 20
# Calls a second. Together 200: nine of ten read, as a platform's do.
READS, WRITES = 180, 20
# People who log in beside them: each costs a password's hash.
LOG_INS = 4
JOIN_TIMEOUT = 120


def under_load():
    """{engine: {"calm" or "hashing": {"reads" or "writes": what oha measured}}}"""
    return {engine: on(engine) for engine in ("sqlite", "postgres")}


def on(engine):
    with tempfile.TemporaryDirectory(prefix="wonder-bench-") as directory:
        with Postgres(Path(directory) / "pg") if engine == "postgres" else nullcontext() as database:
            with Wonder(directory, database and database.url) as server, Site(server) as site:
                return {"calm": site.load(), "hashing": site.load(log_ins=True)}


class Site:
    """A coordinator with organizations of one person, each with devices that stay connected."""

    def __init__(self, server):
        self.server = server
        self.person = partial(server.cli, PERSON)
        server.account(PERSON)
        made = (self.person("org", "create", f"customer-{n}")["organization"]["id"] for n in range(1, ORGANIZATIONS))
        self.organizations = [self.person("org", "list")["organizations"][0]["id"], *made]
        self.bearer = server.token(PERSON)
        self.devices = None

    def __enter__(self):
        keys = [self.person("token", "create", "--reusable", "--org", org)["auth_key"] for org in self.organizations]
        self.devices = subprocess.Popen(
            [PEERS / "bench/meshload", "-server", self.server.url, "-authkey", ",".join(keys), "-nodes", str(NODES),
             "-changes", "1", "-hold", "10m"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + JOIN_TIMEOUT
        while self.connected() < NODES:
            if self.devices.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the devices did not join")
            time.sleep(1)
        return self

    def connected(self):
        """Devices that are online in the organization that is filled last; all are filled in turn."""
        nodes = self.person("node", "list", "--org", self.organizations[-1])["nodes"]
        return len(self.organizations) * sum(node["online"] for node in nodes)

    def __exit__(self, *_):
        self.devices.kill()
        self.devices.wait()

    def load(self, log_ins=False):
        """Reads and writes at once; what each of them took."""
        urls = [f"{self.server.api}/organizations/{org}/{noun}" for org in self.organizations for noun in ("nodes", "tokens")]
        calls = {
            "reads": [READS, "--urls-from-file", self.file("urls", "\n".join(urls))],
            "writes": [WRITES, "-m", "POST", "-T", "application/json", "-d", "{}",
                       f"{self.server.api}/organizations/{self.organizations[0]}/tokens"],
        }
        calls = {name: [*arguments, "-H", f"Authorization: Bearer {self.bearer}"] for name, arguments in calls.items()}
        if log_ins:
            calls["log-ins"] = [LOG_INS, "-m", "POST", "-T", "application/json", "-d", log_in(PERSON),
                                f"{self.server.api}/sessions"]
        return in_parallel({name: lambda arguments=arguments: oha(*arguments) for name, arguments in calls.items()})

    def file(self, name, text):
        file = self.server.dir / name
        file.write_text(text)
        return file


def oha(per_second, *arguments):
    """Steady calls for a while. The time of a call that had to wait for others counts from when it was due."""
    command = [OHA, "-q", per_second, "-z", f"{SECONDS}s", "-c", 20, "--latency-correction", "--no-tui", "--output-format", "json", *arguments]
    done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE)
    result = json.loads(done.stdout)
    failed = {code: count for code, count in result["statusCodeDistribution"].items() if not code.startswith("2")}
    if failed or result["errorDistribution"].keys() - {"aborted due to deadline"}:
        raise RuntimeError(f"calls failed: {failed} {result['errorDistribution']}")
    if result["summary"]["requestsPerSec"] < 0.9 * per_second:
        raise RuntimeError(f"{result['summary']['requestsPerSec']:.1f} calls a second in the place of {per_second}")
    return {"p50_s": result["latencyPercentiles"]["p50"], "p99_s": result["latencyPercentiles"]["p99"]}


def in_parallel(works):
    """Runs each in a thread; their results, or the first failure."""
    results = {}

    def run(name, work):
        try:
            results[name] = work()
        except Exception as error:
            results[name] = error

    threads = [threading.Thread(target=run, args=item) for item in works.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results.values():
        if isinstance(result, Exception):
            raise result
    return results
