"""SIPp as a callee that echoes RTP and as a caller that places many calls."""

from pathlib import Path

from lab.network import Side
from lab.process import Process
from lab.undo import UndoLog


def echo_callee(undo: UndoLog, side: Side, folder: Path, port: int, media_port: int) -> Process:
    """SIPp's built-in callee, which returns every RTP packet."""
    argv = ["sipp", "-sn", "uas", "-rtp_echo", "-i", side.client_address, "-mi", side.client_address, "-p", str(port),
            "-mp", str(media_port), "-nostdin"]
    return Process(undo, argv, folder / f"sipp-{port}.log", side.namespace, folder)


def caller(undo: UndoLog, side: Side, folder: Path, scenario: Path, user: str, calls: int, at_once: int) -> Process:
    """Places `calls` calls to `user` through the border, `at_once` at a time; its exit status is 0 if all went well."""
    argv = ["sipp", "-sf", str(scenario), "-i", side.client_address, "-mi", side.client_address, "-p", "5072", "-s", user,
            "-m", str(calls), "-l", str(at_once), "-r", str(at_once), "-timeout", "60", "-timeout_error", "-nostdin",
            "-trace_err", "-error_file", str(folder / "sipp-caller.err"), f"{side.sip_address}:5060"]
    return Process(undo, argv, folder / "sipp-caller.log", side.namespace, folder)
