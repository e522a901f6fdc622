"""A lab for every scenario, and what must hold at the end of each: nothing unaccounted, nothing leaked, no crash."""

import itertools
import os
import re
import time
from pathlib import Path

import pytest

from lab.process import wait_until
from lab.session import Lab
from lab.undo import LabError
from lab.weir import ROOT, unaccounted

_PROGRAMS = Path(os.environ.get("WEIR_PROGRAMS", ROOT / "build"))
_NUMBERS = itertools.count(1)
_CRASHED = re.compile(r"assertion failed|AddressSanitizer|LeakSanitizer|runtime error:|terminate called|Segmentation")


@pytest.fixture
def quiet_lab(request):
    """A lab whose Weir is not started yet; taken down at the end, when what still runs accounts for its packets and the
    logs are searched for crashes."""
    number = next(_NUMBERS)
    name = f"{os.getpid() % 10000}{chr(96 + (number - 1) % 26 + 1)}"
    made = Lab(f"scenario-{os.getpid()}-{number}", f"w{name}_", _PROGRAMS)
    try:
        made.open(hugepages=False)
        made.weir.configuration["control"]["log_level"] = "debug"
        made.weir.configuration["limits"]["overload_delay_ms"] = 0  # a machine that is busy with others refuses no call
        yield made
        if made.weir.runs():
            assert_all_accounted(made)
        assert_no_crash(made)
    finally:
        if made.folder.exists() and getattr(request.node, "failed_call", False):
            print_logs(made)
        made.close()


@pytest.fixture
def lab(quiet_lab):
    """A lab with both processes running; at the end every packet is accounted for and both processes end well."""
    quiet_lab.weir.start()
    yield quiet_lab
    assert_all_accounted(quiet_lab)
    assert_clean_end(quiet_lab)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if outcome.get_result().failed:
        item.failed_call = True


def assert_all_accounted(lab) -> None:
    """Packets in = forwarded + punted + answered + absorbed + named drops, once the links are quiet."""
    before = None
    for _ in range(50):
        counters = lab.weir.counters()
        if counters == before:
            break
        before = counters
        time.sleep(0.1)
    assert unaccounted(counters) == 0, f"{counters}, dropped: {lab.weir.drops()}"
    assert counters["ring_corrupt"] == 0 and counters["events_lost"] == 0, counters


def assert_nothing_left(lab) -> None:
    """Ended calls are forgotten, and so are their flows, within a moment."""
    wait_until(lambda: lab.weir.ctl("flows") == [], 10, "the flows to be removed", 0.1)
    wait_until(lambda: lab.weir.ctl("calls") == [], 10, "the calls to be forgotten", 0.1)


def assert_clean_end(lab) -> None:
    """Both end with status 0 when told to."""
    for process in (lab.weir.control, lab.weir.media):
        process.child.terminate()
        try:
            assert process.wait(10) == 0, f"{process.name} ended badly: {process.text()[-2000:]}"
        except LabError:
            process.stop()
            raise


def assert_no_crash(lab) -> None:
    for log in sorted(lab.folder.glob("weir-*.log")):
        found = _CRASHED.search(log.read_text(errors="replace"))
        assert found is None, f"{log.name}: {log.read_text(errors='replace')[max(0, found.start() - 200):][:4000]}"


def print_logs(lab) -> None:
    """Into pytest's report of a failed test."""
    for log in sorted(lab.folder.glob("weir-*.log")):
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}")
