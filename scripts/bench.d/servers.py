"""The servers that are measured, each started in a directory of its own on loopback ports."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(os.environ.get("WONDER_PEERS", Path.home() / ".cache/wonder-peers"))
WONDER = Path(os.environ.get("WONDER_BINARY", ROOT / "target/release/wonder")).absolute()
HEADSCALE = PEERS / "headscale-0.29.2/headscale"
DERPER = PEERS / "derper-1.102.3/derper"
PASSWORD = "a-long-enough-password\n"
START_TIMEOUT = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return response.status == 200
    except OSError:
        return False


class Server:
    """One process. `start` returns the seconds from its birth until it answered."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        with open(self.dir / "log", "ab") as log:
            born = time.monotonic()
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.dir)
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() - born > START_TIMEOUT:
                raise RuntimeError(f"{self.command()[0]} did not start; see {self.dir / 'log'}")
            time.sleep(0.001)
        return time.monotonic() - born

    def ready(self):
        return answers(f"{self.url}/key?v=145")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def pid(self):
        return self.process.pid

    def resident_bytes(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class Headscale(Server):
    def command(self):
        (self.dir / "derp.yaml").write_text(DERP_MAP)
        (self.dir / "config.yaml").write_text(HEADSCALE_CONFIG.format(
            dir=self.dir, url=self.url, port=self.port, metrics=free_port(), grpc=free_port()))
        return [HEADSCALE, "serve", "--config", self.dir / "config.yaml"]

    def auth_keys(self, realms):
        assert realms == 1, "one Headscale is one realm"
        user = self.cli("users", "create", "bench")["id"]
        return [self.cli("preauthkeys", "create", "--user", str(user), "--reusable", "--expiration", "24h")["key"]]

    def cli(self, *arguments):
        command = [HEADSCALE, "--config", self.dir / "config.yaml", "--output", "json", *arguments]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


class Wonder(Server):
    def __init__(self, directory, database=None):
        super().__init__(directory)
        self.database = ["--database", database] if database else []
        self.api = f"{self.url}/api/v1"

    def command(self):
        return [WONDER, "serve", "--listen", f"127.0.0.1:{self.port}", "--derp-listen", "127.0.0.1:0",
                "--stun-listen", "127.0.0.1:0", "--data-dir", self.dir / "data", "--json", *self.database]

    def relay(self):
        """The address of its relay, as its first line on stdout says it."""
        lines = [line for line in (self.dir / "log").read_text().splitlines() if line.startswith('{"') and '"derp"' in line]
        derp = json.loads(lines[-1])["derp"]
        return derp if "://" in derp else f"https://{derp}"

    def auth_keys(self, realms):
        """One reusable key for each of so many people, who have a realm each."""
        return [self.auth_key(f"person-{number}@example.org") for number in range(realms)]

    def auth_key(self, email):
        self.account(email)
        return self.cli(email, "token", "create", "--reusable")["auth_key"]

    def account(self, email):
        """Makes an account and logs it in."""
        self.cli(email, "user", "create", email, "--password-stdin", "--data-dir", self.dir / "data", *self.database)
        self.cli(email, "login", self.url, "--email", email, "--password-stdin")

    def token(self, email):
        """The bearer token of an account's log-in, from a log-in of its own."""
        ask = urllib.request.Request(f"{self.api}/sessions", log_in(email).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(ask, timeout=10) as answer:
            return json.load(answer)["token"]

    def cli(self, profile, *arguments):
        environment = dict(os.environ, WONDER_CONFIG_DIR=str(self.dir / "profiles" / profile))
        done = subprocess.run([WONDER, *arguments, "--json"], check=True, env=environment,
                              input=PASSWORD, text=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)


def log_in(email):
    """What an account's log-in says."""
    return json.dumps({"email": email, "password": PASSWORD.strip(), "label": "bench"})


class Derper(Server):
    """Go's relay, over TLS with a certificate for 127.0.0.1."""

    def command(self):
        if not (self.dir / "127.0.0.1.crt").exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                 "-keyout", self.dir / "127.0.0.1.key", "-out", self.dir / "127.0.0.1.crt"],
                check=True, capture_output=True)
        return [DERPER, "-a", f"127.0.0.1:{self.port}", "-http-port", "-1", "-stun=false", "-c", self.dir / "derper.key",
                "-certmode", "manual", "-certdir", self.dir, "-hostname", "127.0.0.1"]

    def ready(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def relay(self):
        return f"https://127.0.0.1:{self.port}"


class Postgres:
    """Debian's PostgreSQL on a socket in a directory of its own, with the settings that it comes with."""

    def __init__(self, directory):
        self.dir = Path(directory)
        self.url = f"postgres://wonder@/postgres?host={self.dir}"
        self.process = None

    def __enter__(self):
        self.dir.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
            self.dir.parent.chmod(0o755)
        self.run("initdb", "--username=wonder", "--auth=trust", "--encoding=UTF8", "--no-locale", "-D", self.dir / "data").wait()
        self.process = self.run("postgres", "-D", self.dir / "data", "-k", self.dir, "-c", "listen_addresses=")
        while subprocess.run([program("pg_isready"), "-q", "-h", self.dir]).returncode:
            if self.process.poll() is not None:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def run(self, name, *arguments):
        """It refuses to run as root: then its own user runs it."""
        become = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return subprocess.Popen([*become, program(name), *arguments], cwd=self.dir,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def program(name):
    """A program of the newest PostgreSQL that is installed."""
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))


# Loopback only, no embedded relay, no questions to anybody outside.
HEADSCALE_CONFIG = """\
server_url: {url}
listen_addr: 127.0.0.1:{port}
metrics_listen_addr: 127.0.0.1:{metrics}
grpc_listen_addr: 127.0.0.1:{grpc}
unix_socket: {dir}/headscale.sock
disable_check_updates: true
noise: {{private_key_path: {dir}/noise.key}}
prefixes: {{v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48", allocation: sequential}}
derp: {{server: {{enabled: false}}, urls: [], paths: [{dir}/derp.yaml], auto_update_enabled: false}}
database: {{type: sqlite, sqlite: {{path: {dir}/db.sqlite, write_ahead_log: true}}}}
dns: {{magic_dns: true, base_domain: bench.example, override_local_dns: false}}
log: {{level: warn}}
logtail: {{enabled: false}}
"""

DERP_MAP = """\
regions:
  900:
    regionid: 900
    regioncode: bench
    regionname: bench
    nodes:
      - {name: 900a, regionid: 900, hostname: 127.0.0.1, ipv4: 127.0.0.1, stunport: -1, derpport: 1}
"""
