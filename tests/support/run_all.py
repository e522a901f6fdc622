"""tests/run: builds and runs every test and sums up the test cases of all of them."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PHASES = ("style", "unit", "asan", "scenario")
_RELEASE = ROOT / "build"  # the demo's own build folder
_SANITIZED = ROOT / "build-asan"
# -O1 with line numbers alone compiles in little more than half the time of -O2 -g, and is as strict.
_SANITIZER_OPTIONS = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Ddebug=true", "-Doptimization=1",
                      "-Dcpp_args=-g1"]
_EXECUTABLE_TIMEOUT_S = 900
_PYTEST_TIMEOUT_S = 1800


@dataclass
class Tally:
    """Test cases so far. `failed` holds their names."""

    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.skipped += other.skipped
        self.failed += other.failed

    def brief(self) -> str:
        """For progress lines: unlike the last line, which programs read."""
        return f"{self.passed} ok, {len(self.failed)} not ok" + (f", {self.skipped} left out" if self.skipped else "")

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {len(self.failed)} failed{skipped}"


def say(text: str) -> None:
    print(text, flush=True)


def run_to_log(argv: list[str], timeout_s: float, environment: dict | None = None) -> tuple[int, str]:
    """Exit status and output of a command; a command that takes too long ends with status 124."""
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                                 env=os.environ | (environment or {}))
        try:
            status = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            status = 124
        log.seek(0)
        return status, log.read()


def build(folder: Path, options: list[str]) -> bool:
    """Configures and builds everything in a folder; says what went wrong if it cannot."""
    start_s = time.monotonic()
    say(f"building {folder.name}")
    wanted = ["-Dtests=true", *options]
    configured = (folder / "build.ninja").exists()
    setup = ["meson", "configure", str(folder)] if configured else ["meson", "setup", str(folder), str(ROOT)]
    status, output = run_to_log([*setup, *wanted], 300)
    if status == 0:
        status, output = run_ninja(folder)
    if status != 0:
        say(output[-6000:])
        say(f"the build in {folder.name} failed")
        return False
    say(f"built {folder.name} in {time.monotonic() - start_s:.0f} s")
    return True


def run_ninja(folder: Path) -> tuple[int, str]:
    ninja = subprocess.Popen(["ninja", "-C", str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace")
    output, told_s = [], time.monotonic()
    for line in ninja.stdout:
        output.append(line)
        step = re.match(r"\[(\d+)/(\d+)\]", line)
        if step and time.monotonic() - told_s > 20:
            told_s = time.monotonic()
            say(f"  {step.group(1)} of {step.group(2)}")
    return ninja.wait(), "".join(output)


def run_executables(phase: str, folder: Path, text: str) -> Tally:
    """Every test that meson knows in a build folder, case by case."""
    listing = subprocess.run(["meson", "introspect", "--tests", str(folder)], capture_output=True, text=True, check=True)
    total = Tally()
    for test in json.loads(listing.stdout):
        total.add(run_executable(phase, test, text))
    return total


def run_executable(phase: str, test: dict, text: str) -> Tally:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        arguments = [f"--gtest_output=json:{report}", "--gtest_brief=1"]
        if text:
            arguments.append(f"--gtest_filter=*{text}*")
        # Not detect_stack_use_after_return: GCC 12 aligns its replacement frames to 32 bytes, our types to 64.
        environment = test["env"] | {"ASAN_OPTIONS": "strict_string_checks=1",
                                     "UBSAN_OPTIONS": "print_stacktrace=1"}
        start_s = time.monotonic()
        status, output = run_to_log([*test["cmd"], *arguments], _EXECUTABLE_TIMEOUT_S, environment)
        tally = read_gtest_report(f"{phase} {test['name']}", report)
        if status != 0 and not tally.failed:  # it crashed, or a sanitizer ended it
            tally.failed.append(f"{phase} {test['name']}: ended with status {status} before its last test")
    say(f"{phase} {test['name']}: {tally.brief()} ({time.monotonic() - start_s:.1f} s)")
    if tally.failed:
        say(output[-8000:])
    return tally


def read_gtest_report(name: str, report: Path) -> Tally:
    tally = Tally()
    if not report.exists():
        return tally
    for suite in json.loads(report.read_text())["testsuites"]:
        for case in suite["testsuite"]:
            if case.get("failures"):
                tally.failed.append(f"{name} {suite['name']}.{case['name']}")
            elif case["status"] != "RUN":
                continue
            elif case.get("result") == "SKIPPED":
                tally.skipped += 1
            else:
                tally.passed += 1
    return tally


def run_pytest(name: str, arguments: list[str], text: str, programs: Path) -> Tally:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", "-v", *arguments]
        command += ["-k", text] if text else []
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd=ROOT,
                                 env=os.environ | {"WEIR_PROGRAMS": str(programs), "PYTHONUNBUFFERED": "1"})
        try:
            status = child.wait(_PYTEST_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.terminate()
            child.wait()
            status = 124
        tally = read_junit_report(name, report)
    if status not in (0, 1, 5) or (status == 1 and not tally.failed):
        tally.failed.append(f"{name}: pytest ended with status {status}")
    say(f"{name}: {tally.brief()}")
    return tally


def read_junit_report(name: str, report: Path) -> Tally:
    tally = Tally()
    if not report.exists():
        return tally
    for case in xml.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed.append(f"{name} {case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None:
            tally.skipped += 1
        else:
            tally.passed += 1
    return tally


def run_phases(phases: list[str], text: str) -> Tally:
    total = Tally()
    if "style" in phases:
        total.add(run_pytest("style", ["tests/style"], text, _RELEASE))
    released = {"unit", "scenario"} & set(phases)
    if released and not build(_RELEASE, ["--buildtype=release"]):
        total.failed.append("the release build")
        released = set()
    if "unit" in released:
        total.add(run_executables("unit", _RELEASE, text))
    if "asan" in phases:
        if build(_SANITIZED, _SANITIZER_OPTIONS):
            total.add(run_executables("asan", _SANITIZED, text))
            total.add(run_pytest("asan scenario", ["tests/scenario", "-m", "sanitized"], text, _SANITIZED))
        else:
            total.failed.append("the sanitizer build")
    if "scenario" in released:
        total.add(run_pytest("scenario", ["tests/scenario"], text, _RELEASE))
    return total


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/run", description="Builds Weir and runs its tests. Needs root.")
    parser.add_argument("--only", action="append", choices=PHASES, metavar="PHASE",
                        help="style, unit (release build), asan (AddressSanitizer and UBSan: unit tests and some calls) "
                        "or scenario (whole calls in network namespaces); may be repeated; all of them if not given")
    parser.add_argument("-k", default="", metavar="TEXT", help="only test cases whose name contains TEXT")
    options = parser.parse_args()
    start_s = time.monotonic()
    total = run_phases(options.only or list(PHASES), options.k)
    say(f"\nall of it took {time.monotonic() - start_s:.0f} s")
    for name in total.failed:
        say(f"FAILED {name}")
    if not total.passed and not total.failed:
        total.failed.append("no test ran")
        say("FAILED: no test ran")
    say(str(total))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
