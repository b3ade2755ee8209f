"""Turns the results into tables of ratios and puts them into docs/performance.md.

A bare time stands only where one is wanted, or a ratio beside it: times are of one machine and one hour; a ratio of two runs
beside each other lasts.
"""

import re

# The devices of the mesh for which something is wanted.
SIZE_WANTED = 500

# What is measured, where it stands in a mesh result, the least value that can be told from
# nothing, and how many times less than Headscale's it is to be with SIZE_WANTED devices.
MESH_ROWS = [
    ("all devices joined, 16 at a time", ("join", "wall_s"), 0.01, 20),
    ("· server CPU", ("join", "server_cpu_s"), 0.01, 20),
    ("· bytes of maps", ("join", "map_bytes"), 1, 8),
    ("one device's join, p50", ("join", "latency", "p50_ms"), 0.1, 38),
    ("· p99", ("join", "latency", "p99_ms"), 0.1, 34),
    ("an endpoint change seen by all others, p50", ("changes", "latency", "p50_ms"), 0.1, 57),
    ("· p99", ("changes", "latency", "p99_ms"), 0.1, 22),
    ("· server CPU", ("changes", "per_change", "server_cpu_ms"), 0.5, 20),
    ("· bytes to each device", ("changes", "per_change", "map_bytes_per_node"), 1, 5),
    ("a log-out seen by all", ("leave", "latency", "max_ms"), 0.1, 11),
    ("reconnect storm: all maps whole again", ("storm", "latency", "max_ms"), 0.1, 4.5),
    ("· server CPU until quiet", ("storm", "server_cpu_s"), 0.01, 30),
    ("· bytes of maps", ("storm", "map_bytes"), 1, 4),
    ("memory with all connected", ("changes", "server_rss_bytes"), 1, 4.7),
]

STANDING_ROWS = [
    ("cold start, on a database that exists", "start_s", 1.4),
    ("memory when idle", "idle_bytes", 2.2),
    ("size of the binary, stripped", "binary_bytes", 2),
]

RELAY_ROWS = [
    ("server CPU per packet, 50 flows at 100/s", ("flows", "flow", "server_cpu_s_per_million"), 0.1, 1),
    ("server CPU per packet, one fat flow", ("big", "flow", "server_cpu_s_per_million"), 0.1, 2),
    ("p99 round trip of 50 flows", ("flows", "latency", "p99_ms"), 0.01, 1),
    ("memory per idle client", ("idle", "idle", "bytes_per_client"), 1, 3.4),
]

# The single steps: what each is called, its variants, what it is, and how it grows.
STEP_ROWS = [
    ("handshake", [""], "the coordinator's side of one connection's handshake", "–"),
    ("sealed_write/to_nowhere", ["/100", "/400"], "so many bytes sealed, for each of 500 sessions", "hardly with the bytes"),
    ("sealed_write/to_sockets", ["/100", "/400"], "the floor: the same, written to their sockets", "hardly with the bytes"),
    ("delta", ["/500", "/5000"], "one endpoint change until its message is ready to send, in a realm of so many", "not with the realm"),
    ("whole_map/warm", ["/1000", "/10000"], "the first message of a stream, all pieces kept", "pieces: references are copied"),
    ("whole_map/changed", ["/1000", "/10000"], "the same after one node changed", "the same, and one piece of 32 nodes"),
    ("whole_map/cold", ["/1000", "/10000"], "the same with nothing kept, as after a restart", "nodes: all are serialised and compressed"),
    ("relay/forwarding", [""], "a packet of 1,200 bytes from client to client, in memory", "packets"),
]
# The least that telling a device something can cost.
FLOOR = "sealed_write/to_sockets/100"


def at(result, path):
    for key in path:
        result = result[key]
    return result


def times(ratio):
    if ratio < 1:
        return f"{ratio:.1g} ×"
    return f"{ratio:,.0f} ×" if ratio >= 10 else f"{ratio:.1f} ×"


def against(wanted, ratio):
    """In bold where it is behind what is wanted."""
    return times(ratio) if ratio >= wanted else f"**{times(ratio)}**"


def table(head, rows, words=(0,)):
    """`words`: the columns that hold no numbers."""
    lines = [head, ["---" if column in words else "---:" for column in range(len(head))], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mesh_table(results):
    sizes = sorted(int(size) for size in results["mesh"])
    rows = []
    for label, path, least, wanted in MESH_ROWS:
        cells = []
        for size in sizes:
            pair = results["mesh"][str(size)]
            theirs, ours = (at(pair[name]["phases"], path) for name in ("headscale", "wonder"))
            cells.append(against(wanted if size == SIZE_WANTED else 0, theirs / max(ours, least)))
        rows.append([label, *cells, times(wanted)])
    return table(["one realm: how many times less than Headscale 0.29.2", *map(str, sizes), f"wanted at {SIZE_WANTED}"], rows)


def standing_table(results):
    theirs, ours = (results["standing"][name] for name in ("headscale", "wonder"))
    rows = [[label, against(wanted, theirs[key] / ours[key]), times(wanted)] for label, key, wanted in STANDING_ROWS]
    return table(["the process: how many times less than Headscale 0.29.2", "", "wanted"], rows)


def relay_table(results):
    theirs, ours = (results["relay"][name] for name in ("derper", "wonder"))
    rows = [[label, against(wanted, at(theirs, path) / max(at(ours, path), least)), times(wanted)]
            for label, path, least, wanted in RELAY_ROWS]
    return table(["the relay over TLS: how many times less than derper 1.102.3", "", "wanted"], rows)


def growth_table(results):
    """wonder against itself: what a change and a device cost as the mesh grows, 500 in one realm being 1."""
    base = results["mesh"]["500"]["wonder"]
    runs = [base, results["growth"]["1000"], results["growth"]["10000"]]
    figures = {
        "CPU of a change, per device told": lambda run: at(run["phases"], ("changes", "per_change", "server_cpu_ms")) / told(run),
        "bytes of a change, per device told": lambda run: at(run["phases"], ("changes", "per_change", "map_bytes_per_node")),
        "CPU of a join": lambda run: at(run["phases"], ("join", "server_cpu_s")) / run["nodes"],
        "memory per device": lambda run: at(run["phases"], ("changes", "server_rss_bytes")) / run["nodes"],
    }
    rows = [[label, *(f"{figure(run) / figure(base):.2f}" for run in runs)] for label, figure in figures.items()]
    memory = (f"{at(run['phases'], ('changes', 'server_rss_bytes')) / 1e6:,.0f} MB" for run in runs)
    if floor := results.get("steps", {}).get(FLOOR):
        sealed = (figures["CPU of a change, per device told"](run) / 1e3 / floor for run in runs)
        rows.append(["CPU of a change, in sealed writes to each device told", *map(times, sealed)])
    rows.append(["memory, all connected (wanted at 10,000: under 400 MB)", *memory])
    return table(["wonder as it grows", "500 in 1 realm", "1,000 in 1", "10,000 in 100"], rows)


def api_table(results):
    """The one table of bare times, because a time is what is wanted."""
    rows = []
    for engine, name in (("sqlite", "SQLite"), ("postgres", "PostgreSQL")):
        for state, label in (("calm", name), ("hashing", f"{name}, while 4 people a second log in")):
            run = results["api"][engine][state]
            cells = (f"{run[kind][figure] * 1e3:,.1f} ms" for kind in ("reads", "writes") for figure in ("p50_s", "p99_s"))
            rows.append([label, *cells, "50 ms"])
    head = ["the API at 200 calls a second on 2 cores, beside 1,000 connected devices of 100 organizations", "reads p50", "p99", "writes p50", "p99", "p99 wanted"]
    return table(head, rows)


def steps_table(results):
    """What each step takes, and how many sealed writes that is; a dash where it was not measured."""
    steps = results.get("steps", {})
    rows = []
    for name, variants, what, grows in STEP_ROWS:
        took = [steps.get(name + variant) for variant in variants]
        floors = [time / steps[FLOOR] if time and FLOOR in steps else None for time in took]
        label = ", ".join([f"`{name}{variants[0]}`", *(f"`{variant}`" for variant in variants[1:])])
        cells = (" · ".join(say(value) if value else "–" for value in values) for say, values in ((span, took), (times, floors)))
        rows.append([label, what, *cells, grows])
    return table(["benchmark", "what it is", "median", "in sealed writes", "how it grows"], rows, words=(0, 1, 4))


def span(seconds):
    """A time with three digits that count."""
    unit, name = next(((unit, name) for unit, name in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")) if seconds >= unit), (1e-9, "ns"))
    return f"{seconds / unit:.3g} {name}"


def told(run):
    return run["nodes"] / run["tailnets"] - 1


def tables(results):
    if len(results.get("growth", ())) < 2:
        results = {part: result for part, result in results.items() if part != "growth"}
    makers = {"mesh": mesh_table, "standing": standing_table, "relay": relay_table, "growth": growth_table, "api": api_table}
    return "\n\n".join(make(results) for part, make in makers.items() if part in results)


def put(file, name, text):
    """Puts the text between the two markers of this name."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    page = file.read_text()
    pattern = re.compile(f"{begin}.*{end}", re.DOTALL)
    if not pattern.search(page):
        raise RuntimeError(f"{file} lacks the markers {begin} and {end}")
    file.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", page))
