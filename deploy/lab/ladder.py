"""SIP messages as a ladder between three columns: caller, Weir, callee."""

import re

from lab.sniffer import Datagram

_HOP_COLUMNS = 60


def heading(caller: str, border: str, callee: str) -> str:
    first = f"caller {caller}"
    return f"{'':9}{first}{border:^{2 * _HOP_COLUMNS - len(first) - len('callee ') - len(callee)}}callee {callee}"


def rung(start_s: float, datagram: Datagram, towards_right: bool, on_left: bool) -> str:
    """One message as a line. `on_left`: on the caller's link; `towards_right`: from caller to callee."""
    label = summary(datagram.payload)
    line = (f"── {label} " + "─" * _HOP_COLUMNS)[:_HOP_COLUMNS - 2] + "▶"
    if not towards_right:
        line = "◀" + ("─" * _HOP_COLUMNS + f" {label} ──")[-(_HOP_COLUMNS - 2):]
    hops = (line, " " * (_HOP_COLUMNS - 1)) if on_left else (" " * (_HOP_COLUMNS - 1), line)
    return f"{datagram.at_s - start_s:7.3f}  │{hops[0]}│{hops[1]}│"


def summary(message: bytes) -> str:
    """The start line's gist, and what the SDP says of the media: at most a hop's width."""
    text = message.decode(errors="replace")
    start = text.split("\r\n", 1)[0]
    found = re.match(r"SIP/2\.0 (\d+ .*)", start)
    gist = found.group(1) if found else start.split(" ")[0]
    method = re.search(r"^CSeq:\s*\d+\s+(\w+)", text, re.M | re.I)
    if found and method and method.group(1) != "INVITE":
        gist += f" ({method.group(1)})"
    media = re.search(r"^m=audio \d+ (\S+)", text, re.M)
    if not media:
        return gist
    words = [media.group(1)]
    setup = re.search(r"^a=setup:(\w+)", text, re.M)
    words += [setup.group(1)] if setup else []
    words += [name for name in ("fingerprint", "rtcp-mux") if f"a={name}" in text]
    return f"{gist}: {' '.join(words)}"
