"""What scripts/bench runs, in order; see there for the options."""

import json
import sys

import loads
import report
from servers import ROOT, Derper, Headscale, Wonder

RESULTS = ROOT / "target/bench/results.json"
PAGE = ROOT / "docs/performance.md"


def full():
    return {
        "standing": {"headscale": loads.standing(Headscale), "wonder": loads.standing(Wonder)},
        "relay": {"derper": loads.relay(Derper), "wonder": loads.relay(Wonder)},
        "mesh": {str(devices): beside_headscale(devices) for devices in (50, 200, 500)},
        "growth": {"1000": loads.mesh(Wonder, 1000), "10000": loads.mesh(Wonder, 10_000, realms=100)},
    }


def quick():
    return {
        "standing": {"headscale": loads.standing(Headscale), "wonder": loads.standing(Wonder)},
        "relay": {"derper": loads.relay(Derper), "wonder": loads.relay(Wonder)},
        "mesh": {"50": beside_headscale(50)},
    }


def beside_headscale(devices):
    return {"headscale": loads.mesh(Headscale, devices), "wonder": loads.mesh(Wonder, devices)}


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
        case ["--report"]:
            results = json.loads(RESULTS.read_text())
        case []:
            results = full()
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(json.dumps(results, indent=1))
        case _:
            sys.exit("usage: scripts/bench [--quick | --report | --only headscale|wonder|derper]")
    text = report.tables(results)
    report.write(PAGE, text)
    print("\n" + text)


main(sys.argv[1:])
