"""What the tests of transfers share: a third party, the progress that a referrer is told of, and the name of a dialog."""

import re
from pathlib import Path

from lab.network import Side
from support.scripted_call import ScriptedLeg, Security
from support.sdp import read_sdp
from support.sip_agent import Dialog, Message, SipAgent

TARGET_PORT = 5096
TARGET_PAYLOAD = b"\x44" * 160


def third_party(side: Side, folder: Path, security: Security | None) -> ScriptedLeg:
    """Someone who is not in the call yet."""
    return ScriptedLeg((side, side), folder, "target", TARGET_PORT, 34000, TARGET_PAYLOAD, 0x0C0C0C0C, security)


def told(referrer: SipAgent, refer: Message, status: int, state: str) -> None:
    """The next NOTIFY of a REFER's progress (RFC 3515 section 2.4.4), which is answered."""
    notify = referrer.wait_request("NOTIFY")
    referrer.respond(notify, 200, "OK")
    assert notify.get("Content-Type").startswith("message/sipfrag"), notify.headers
    assert notify.body.startswith(f"SIP/2.0 {status} "), notify.body
    assert notify.get("Subscription-State").startswith(state), notify.headers
    event, _, identifier = notify.get("Event").partition(";id=")
    assert event == "refer" and identifier in ("", refer.get("CSeq").split()[0]), notify.headers


def take_call(target: ScriptedLeg, received: Message) -> None:
    """The target answers, and its media begins."""
    target.remote = read_sdp(received.body)
    target.listen()
    target.agent.respond(received, 200, "OK", target.sdp(), tag="target")
    target.agent.wait_request("ACK")
    target.connect(target.remote)
    target.start_media()


def replaces(dialog: Dialog) -> str:
    """The header that names a dialog to the other end of it (RFC 3891 section 6.1)."""
    tags = [re.search(r";tag=([^;>\s]+)", value).group(1) for value in (dialog.remote, dialog.local)]
    return f"{dialog.call_id};to-tag={tags[0]};from-tag={tags[1]}"
