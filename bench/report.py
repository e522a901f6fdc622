"""Runs the benchmark programs and joins "ROW|VARIANT" results into rows: a value beside each of its baselines.

A row's ratio says how many times better than the baseline Weir is; for the baseline `floor`, which share of the floor's
rate it reaches. Both are baseline_value / value, in nanoseconds a packet (a message, of SIP). The probes (bench/probes/)
give whole rows, in units of their own; the baseline `mark` is no measurement: it is what Weir has to reach.
"""
import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "deploy"))
from lab import memory, undo  # noqa: E402

WEIR = "weir"
_SHARES = ("floor", "1024flows")  # baselines of which a share is reached
_SIGNALLING = "signalling/"  # rows whose values are of a message, not of a packet
_PROBE = "media_probe"
_HEAP_MB = 512  # of DPDK in worker_bench
_REGION_MB = 128
_MANY_FLOWS = "1000000flows"
_MANY_FLOWS_REGION_MB = 3584


@contextlib.contextmanager
def prepared_memory(region_mb):
    """Memory as weir-media would have it: yields the environment that tells the programs where the region goes."""
    with tempfile.TemporaryDirectory() as folder:
        log = undo.UndoLog(Path(folder) / "undo.json")
        try:
            found = memory.prepare(log, Path(folder), _HEAP_MB, region_mb)
            print(found.sentence, file=sys.stderr)
            yield {"WEIR_BENCH_REGION": str(found.folder)} if found.folder else {}
        finally:
            log.undo_all()


def programs(build):
    return sorted(path for path in Path(build).glob("*_bench") if path.is_file())


def probe_rows(build, arguments, environment):
    """The rows of the probes, which need two cores."""
    others = sorted(os.sched_getaffinity(0) - {arguments.core})
    listed = [name for name in probe_names(build) if arguments.filter in name]
    if not listed:
        return []
    if not others:
        print(f"{_PROBE}: left out, since there is no second core", file=sys.stderr)
        return []
    command = [Path(build) / _PROBE, "--filter", arguments.filter, "--repetitions", str(arguments.repetitions),
               "--core", str(arguments.core), "--other-core", str(others[-1])]
    print(f"{_PROBE}: {len(listed)} rows on cores {arguments.core} and {others[-1]} ...", file=sys.stderr)
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | environment,
                             start_new_session=True, preexec_fn=go_first).stdout
    return [json.loads(line) for line in printed.splitlines()]


def go_first():
    """This process runs before those of other sessions, where the kernel schedules by session (sched(7), autogroup)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("-20")


def probe_names(build):
    return subprocess.run([Path(build) / _PROBE, "--list"], check=True, capture_output=True, text=True).stdout.split()


def side_of(name):
    """Without what Google Benchmark appends to it."""
    return re.sub(r"(/iterations:\d+)?(/manual_time)?$", "", name)


def names(program):
    listed = subprocess.run([program, "--benchmark_list_tests"], check=True, capture_output=True, text=True).stdout
    return [side_of(line) for line in listed.splitlines() if "|" in line]


def wanted(program, text):
    """The names a run needs: every side of each row whose name, with its baseline's, contains the text."""
    sides = names(program)
    rows = {side.split("|")[0] for side in sides if text in side.replace("|", "/")}
    return [side for side in sides if side.split("|")[0] in rows]


def measure(program, sides, arguments, environment):
    """Median nanoseconds a packet of each side."""
    pattern = "^(" + "|".join(re.escape(side) for side in sides) + ")(/iterations:[0-9]+)?(/manual_time)?$"
    command = ["taskset", "-c", str(arguments.core), program, f"--benchmark_filter={pattern}",
               f"--benchmark_repetitions={arguments.repetitions}", "--benchmark_enable_random_interleaving=true",
               "--benchmark_report_aggregates_only=true", "--benchmark_min_time=0.05", "--benchmark_format=json"]
    print(f"{Path(program).name}: {len(sides)} sides, {arguments.repetitions} repetitions ...", file=sys.stderr)
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True,
                                       env=os.environ | environment).stdout)
    medians = {}
    for entry in result["benchmarks"]:
        if entry.get("aggregate_name") == "median":
            side = side_of(entry["run_name"])
            medians[side] = 1e9 / entry["items_per_second"]
    return medians


def join(medians):
    rows = []
    for side, value in medians.items():
        row, variant = side.split("|")
        if variant == WEIR or f"{row}|{WEIR}" not in medians:
            continue
        weir = medians[f"{row}|{WEIR}"]
        unit = "ns/message" if row.startswith(_SIGNALLING) else "ns/packet"
        rows.append({"name": f"{row}/{variant}", "value": round(weir, 2), "unit": unit, "baseline": variant,
                     "baseline_value": round(value, 2), "ratio": round(value / weir, 3)})
    return rows


def print_table(rows):
    width = max(len(row["name"]) for row in rows)
    print(f"{'row':<{width}}  {'value':>10}  {'unit':<10}  {'baseline':>10}  {'ratio':>8}")
    for row in rows:
        ratio = f"{100 * row['ratio']:.0f} %" if row["baseline"] in _SHARES else f"{row['ratio']:.2f} x"
        print(f"{row['name']:<{width}}  {row['value']:>10.1f}  {row['unit']:<10}  {row['baseline_value']:>10.1f}  "
              f"{ratio:>8}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, help="the folder with the benchmark programs")
    parser.add_argument("--filter", default="", help="only rows whose name contains this")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="only name the rows")
    arguments = parser.parse_args()
    medians = {}
    chosen = {program: wanted(program, arguments.filter) for program in programs(arguments.build)}
    if arguments.list:
        for sides in chosen.values():
            print("\n".join(side.replace("|", "/") for side in sides if not side.endswith("|" + WEIR)))
        print("\n".join(name for name in probe_names(arguments.build) if arguments.filter in name))
        return 0
    many = any(_MANY_FLOWS in side for sides in chosen.values() for side in sides)
    with prepared_memory(_MANY_FLOWS_REGION_MB if many else _REGION_MB) as environment:
        for program, sides in chosen.items():
            if sides:
                medians.update(measure(program, sides, arguments, environment))
        rows = probe_rows(arguments.build, arguments, environment)
    rows = sorted(rows + join(medians), key=lambda row: row["name"])
    if not rows:
        print(f"no row's name contains '{arguments.filter}': see bench/run --list", file=sys.stderr)
        return 1
    print_table(rows)
    Path("bench.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
