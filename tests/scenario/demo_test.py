"""deploy/demo as a new user runs it, and what it leaves behind: nothing."""

import subprocess
from pathlib import Path

from lab.undo import HUGEPAGES
from lab.weir import ROOT

_NAMES = "wdemo_"


def demo(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([str(ROOT / "deploy" / "demo"), "--names", _NAMES, *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=600)


def traces() -> list[str]:
    """What a demo may leave: namespaces, mounts, reserved pages, its folder."""
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    found = [line for line in namespaces.splitlines() if line.startswith(_NAMES)]
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if "/run/weir-lab/demo" in line]
    found += [str(path) for path in Path("/run/weir-lab").glob("demo") if path.exists()]
    return found + [HUGEPAGES.read_text()] if HUGEPAGES.exists() else found


def test_the_demo_succeeds_and_leaves_nothing_behind():
    before = traces()
    done = demo("--seconds", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    for wanted in ("INVITE: UDP/TLS/RTP/SAVP", "INVITE: RTP/AVP", "DTLS 1.2", "SRTP profile", "matches",
                   "VERDICT: OK"):
        assert wanted in done.stdout, f"no '{wanted}' in:\n{done.stdout}"
    assert traces() == before


def test_a_kept_demo_takes_calls_until_it_is_stopped():
    before = traces()
    try:
        done = demo("--seconds", "2", "--keep")
        assert done.returncode == 0, done.stdout + done.stderr
        again = demo()
        assert again.returncode != 0 and "--stop" in again.stdout
        call = subprocess.run(["ip", "netns", "exec", f"{_NAMES}a", "sipp", "-sn", "uac", "-i", "198.18.1.2", "-p", "5074",
                               "-s", "nobody", "-m", "1", "-timeout", "5", "-nostdin", "198.18.1.1:5060"],
                              capture_output=True, timeout=30)
        assert call.returncode != 0  # no such route: it answers
    finally:
        stopped = demo("--stop")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert traces() == before
