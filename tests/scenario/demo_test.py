"""deploy/demo as a new user runs it, and what it leaves behind: nothing."""

import struct
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


def test_a_browser_calls_in_the_demo_and_leaves_a_picture(tmp_path):
    before = traces()
    picture = tmp_path / "page.png"
    done = demo("--browser", "--seconds", "4", "--screenshot", str(picture))
    assert done.returncode == 0, done.stdout + done.stderr
    for wanted in ("INVITE: UDP/TLS/RTP/SAVPF", "INVITE: RTP/AVP", "REGISTER", "DTLS 1.2", "shown by the page",
                   "SRTP profile SRTP_AEAD_AES_128_GCM", "matches the SDP", "matches the one in their SDP",
                   "the other's 440 Hz tone", "the other's 1000 Hz tone", "VERDICT: OK", str(picture)):
        assert wanted in done.stdout, f"no '{wanted}' in:\n{done.stdout}"
    width, height = png_size(picture.read_bytes())
    assert width >= 1000 and height >= 800 and picture.stat().st_size > 20_000
    assert traces() == before


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, of the header of a PNG that is whole (its specification, sections 5.2 and 11.2)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR" and data[-8:-4] == b"IEND"
    return struct.unpack(">II", data[16:24])


def test_a_picture_needs_a_browser_and_a_folder():
    for arguments in (["--screenshot", "x.png"], ["--browser", "--screenshot", "/nonexistent/x.png"],
                      ["--browser", "--screenshot", "x.jpg"]):
        done = demo(*arguments)
        assert done.returncode == 2 and "--screenshot" in done.stderr, done.stdout + done.stderr


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
