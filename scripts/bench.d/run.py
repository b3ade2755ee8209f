"""What scripts/bench runs, in order; see there for the options."""

import json
import sys
from functools import partial, reduce

import api
import loads
import report
from servers import ROOT, Derper, Headscale, Wonder

RESULTS = ROOT / "target/bench/results.json"
PAGE = ROOT / "docs/performance.md"


SIZES = (50, 200, 500)


def full():
    """Everything. What is done is kept, so that a part that fails late costs that part alone."""
    results = {}
    steps = [
        (["standing"], standing),
        (["relay"], relay),
        *((["mesh", str(devices)], partial(beside_headscale, devices)) for devices in SIZES),
        (["growth", "1000"], partial(loads.mesh, Wonder, 1000, storm=False)),
        (["growth", "10000"], partial(loads.mesh, Wonder, 10_000, realms=100, storm=False)),
        (["steps"], loads.steps),
        (["api"], api.under_load),
    ]
    for path, step in steps:
        *parents, name = path
        reduce(lambda part, key: part.setdefault(key, {}), parents, results)[name] = step()
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1))
    return results


def quick():
    return {"standing": standing(), "relay": relay(), "mesh": {"50": beside_headscale(50)}}


def standing():
    return {"headscale": loads.standing(Headscale), "wonder": loads.standing(Wonder)}


def relay():
    return {"derper": loads.relay(Derper), "wonder": loads.relay(Wonder)}


def beside_headscale(devices):
    """Headscale takes minutes, in which one bad second is little; wonder's seconds are measured three times, and the middle one counts."""
    headscale = loads.mesh(Headscale, devices)
    runs = [loads.mesh(Wonder, devices) for _ in range(3)]
    return {"headscale": headscale, "wonder": sorted(runs, key=lambda run: run["phases"]["join"]["wall_s"])[1]}


def only(name):
    """One server's part of the quick run; the load generators print what they see."""
    if name == "derper":
        loads.relay(Derper)
        return
    kind = {"headscale": Headscale, "wonder": Wonder}[name]
    print(loads.standing(kind))
    loads.mesh(kind, 50)
    if kind is Wonder:
        loads.relay(Wonder)


def main(arguments):
    loads.raise_file_limit()
    match arguments:
        case ["--only", name]:
            return only(name)
        case ["--quick"]:
            return print("\n" + report.tables(quick()))
        case ["--api"]:
            return print("\n" + report.tables({"api": api.under_load()}))
        case ["--report"]:
            results = json.loads(RESULTS.read_text())
        case ["--steps"]:
            return put("steps", report.steps_table({"steps": loads.steps()}))
        case []:
            results = full()
        case _:
            sys.exit("usage: scripts/bench [--quick | --api | --steps | --report | --only headscale|wonder|derper]")
    put("bench", report.tables(results))
    if results.get("steps"):
        put("steps", report.steps_table(results))


def put(name, text):
    report.put(PAGE, name, text)
    print("\n" + text)


main(sys.argv[1:])
