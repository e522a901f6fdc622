"""What the benchmarks that run in the lab share: the release they measure, the lab they measure it in, and their rows as
bench/run's probes write them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lab.session import Lab
from lab.undo import LabError, run

_ROOT = Path(__file__).resolve().parents[1]
BUILD = _ROOT / "build-bench"


def build(folder: Path, dependencies: list[str], *programs: str) -> Path:
    """Installs those sets of deploy/dependencies, and builds weir-media and those programs as a release."""
    for name in dependencies:
        subprocess.run([str(_ROOT / "deploy" / "dependencies"), name], check=True)
    if not (folder / "build.ninja").exists():
        run(["meson", "setup", str(folder), str(_ROOT), "-Dbuildtype=release", "-Dbench=true", "-Dtests=false"])
    print("building the release to measure ...", file=sys.stderr)
    run(["ninja", "-C", str(folder), "dataplane/weir-media", *programs])
    return folder


def against(baseline: str, name: str, value: float, unit: str, baseline_value: float, less_is_better: bool = False,
            digits: int = 1) -> dict:
    """A row: how many times better than the baseline. The baseline `mark` is what Weir has to reach."""
    better = baseline_value / value if less_is_better and value else value / baseline_value if baseline_value else 0.0
    return {"name": name, "value": round(value, digits), "unit": unit, "baseline": baseline,
            "baseline_value": round(baseline_value, digits), "ratio": round(better, 3)}


def run_in_lab(name: str, prefix: str, programs: Callable[[], Path], measure: Callable[[Lab], list[dict]],
               cores: tuple[int, ...] = (), hugepages: bool = False) -> int:
    """Exit status: the rows, printed and in bench-NAME.json; errors on standard error, 2 if this machine will not do.
    `cores` have to be different ones."""
    if os.geteuid() != 0 or len(set(cores)) != len(cores):
        print(f"needs root{', and two cores' if cores else ''}", file=sys.stderr)
        return 2
    lab = Lab(name, prefix, programs())
    try:
        lab.open(hugepages=hugepages)
        rows = measure(lab)
    except (LabError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        if lab.opened:
            lab.close()
    for row in rows:
        print(f"{row['name']}: {row['value']:,} {row['unit']} beside {row['baseline']} {row['baseline_value']:,}: "
              f"{row['ratio']:.2f} x")
    Path(f"bench-{name}.json").write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if rows else 1
