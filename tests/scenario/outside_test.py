"""Outside calls: messages and presence between two phones that know nothing of each other's network."""

import re

from conftest import assert_clean_end

from lab.baresip import Baresip, Phone
from lab.process import wait_until
from support.sip_agent import SipAgent

_CALLEE_PORT = 5080


def start(lab, **policy) -> None:
    """Weir whose realm a may send what `policy` says."""
    lab.weir.configuration["realm"][0] |= policy
    lab.weir.start()


def bob(lab) -> Baresip:
    return Baresip(lab.undo, lab.network.b, lab.folder / "bob", Phone(f"rtp-{_CALLEE_PORT}", _CALLEE_PORT, presence=True))


def alice(lab) -> Baresip:
    return Baresip(lab.undo, lab.network.a, lab.folder / "alice",
                   Phone("alice", 5070, contact=f"sip:rtp-{_CALLEE_PORT}@{lab.network.a.sip_address}"))


def realm_a(lab) -> dict:
    return next(row for row in lab.weir.ctl("status")["realms"] if row["realm"] == "a")


def test_a_phone_sends_messages_to_one_of_another_realm(quiet_lab):
    lab = quiet_lab
    start(lab, messages="pass")
    callee, caller = bob(lab), alice(lab)
    caller.command("contact_next")  # its only one is whom it writes to
    for text in ("Watson", "come here"):
        caller.command("message", text)
        wait_until(lambda: text in callee.process.text(), 15, f"the message {text!r}", 0.2)
    assert realm_a(lab)["messages"] == 2, realm_a(lab)
    assert lab.network.a.client_address not in callee.process.text(), "the sender's address has crossed"
    caller.stop()
    callee.stop()
    assert_clean_end(lab)


def test_a_phone_hears_of_another_ones_presence_until_it_leaves(quiet_lab):
    lab = quiet_lab
    start(lab, subscriptions="pass")
    callee, caller = bob(lab), alice(lab)
    wait_until(lambda: realm_a(lab)["subscriptions_now"] == 1, 20, "a subscription", 0.2)
    wait_until(lambda: "</presence>" in caller.process.text(), 20, "the callee's presence at the caller", 0.2)
    said = re.sub(r"<\?xml.*?</presence>", "", caller.process.text(), flags=re.S)  # what it says of itself is its own
    assert lab.network.b.client_address not in said, "the notifier's address has crossed"
    caller.stop()  # it unsubscribes
    wait_until(lambda: realm_a(lab)["subscriptions_now"] == 0, 45, "the subscription to end", 0.5)
    callee.stop()
    assert_clean_end(lab)


def test_a_realm_that_does_not_say_so_passes_neither_and_a_reload_changes_it(quiet_lab):
    lab = quiet_lab
    lab.weir.start()
    receiver, sender = SipAgent(lab.network.b, _CALLEE_PORT), SipAgent(lab.network.a)
    uri = f"sip:rtp-{_CALLEE_PORT}@{lab.network.a.sip_address}"
    for method, headers in (("MESSAGE", {}), ("SUBSCRIBE", {"Event": "presence"})):
        sender.send(sender.request(method, uri, **headers))
        assert sender.wait_response(method).status == 405
    assert receiver.silent_for(0.5)
    lab.weir.configuration["realm"][0] |= {"messages": "pass"}
    lab.weir.write_configuration()
    assert "realm 'a' messages and subscriptions" in lab.weir.ctl("reload")["changed"]
    sender.send(sender.request("MESSAGE", uri, "hello", Content_Type="text/plain"))
    assert receiver.wait_request("MESSAGE").body == "hello"
    sender.close()
    receiver.close()
    assert_clean_end(lab)
