"""weir-control killed in the middle of a browser's call: the call goes on, and the browser is followed to the connection
that it comes back by."""

from dataclasses import replace

import pytest
from conftest import assert_clean_end, assert_nothing_left
from restarts_test import assert_adopted, wait_for_media

from lab.process import wait_until
from support.ice import make_credentials, nominate
from support.scripted_call import CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import read_sdp
from support.web_lab import browser, configure_web, register


@pytest.fixture
def web_lab(quiet_lab):
    configure_web(quiet_lab)
    quiet_lab.weir.configuration["realm"][0]["ice"] = "lite"
    quiet_lab.weir.configuration["control"]["media_timeout_s"] = 10
    quiet_lab.weir.start()
    return quiet_lab


def browsers_call(lab, folder) -> ScriptedCall:
    """From a registered browser to a telephone, with ICE and DTLS-SRTP."""
    agent = browser(lab, True)
    register(agent)
    security = Security(setup="active", protocol="UDP/TLS/RTP/SAVPF", ice=make_credentials())
    return ScriptedCall(lab, folder, caller_agent=agent, caller=security)


def restart(lab, call: ScriptedCall) -> None:
    """weir-control is killed and started again; no packet is lost, and no party hears of it."""
    wait_for_media(call)
    before = len(call.callee.media.received)
    lab.weir.control.kill()
    wait_for_media(call, 100)
    lab.weir.start_control()
    assert_adopted(lab)
    wait_for_media(call, 50)
    numbers = [int.from_bytes(packet[2:4], "big") for packet in call.callee.media.received[before:]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert call.caller.media.refused == [] and call.callee.agent.silent_for(0.2)


@pytest.mark.sanitized
@pytest.mark.parametrize("who", ["the browser", "the telephone"])
def test_a_browser_that_comes_back_after_a_restart_has_its_call(web_lab, tmp_path, who):
    lab = web_lab
    with browsers_call(lab, tmp_path).establish() as call:
        restart(lab, call)
        again = browser(lab, True)
        register(again)
        if who == "the browser":
            again.bye(call.caller_dialog)
            call.callee.agent.respond(call.callee.agent.wait_request("BYE"), 200, "OK")
            assert again.wait_response("BYE").status == 200
        else:
            call.callee.agent.bye(call.callee_dialog)
            again.respond(again.wait_request("BYE"), 200, "OK")
            assert call.callee.agent.wait_response("BYE").status == 200
        assert_nothing_left(lab)
    assert_clean_end(lab)


def restart_ice(call: ScriptedCall, agent, port: int) -> None:
    """The browser's re-INVITE with other credentials; then it chooses a pair of another port of its own by them."""
    before = call.caller.remote.ice
    call.caller.security = replace(call.caller.security, ice=make_credentials())
    invite = agent.ask(call.caller_dialog, "INVITE", call.caller.sdp())
    answer = agent.wait_response()
    assert answer.status == 200, answer.start
    agent.ack(invite, answer)
    call.caller.remote = read_sdp(answer.body)
    assert call.caller.remote.ice.ufrag != before.ufrag
    wait_for_media(call, 20)  # over the pair before, until another is chosen
    nominate(call.caller.side.namespace, (call.caller.side.client_address, port),
             (call.caller.remote.address, call.caller.remote.port), call.caller.security.ice, call.caller.remote.ice)


def test_a_request_in_the_dialog_brings_the_call_back_and_ice_starts_anew(web_lab, tmp_path):
    """Nobody registers: the dialog's own request is enough. Twice, to see that what was adopted is kept."""
    lab = web_lab
    with browsers_call(lab, tmp_path).establish() as call:
        restart(lab, call)
        again = browser(lab, True)
        again.ask(call.caller_dialog, "OPTIONS")
        assert again.wait_response("OPTIONS").status == 200
        restart(lab, call)
        again = browser(lab, True)
        restart_ice(call, again, 30010)
        call.callee.agent.bye(call.callee_dialog)
        again.respond(again.wait_request("BYE"), 200, "OK")
        assert_nothing_left(lab)
    assert_clean_end(lab)


def test_a_browser_that_does_not_come_back_has_hung_up(web_lab, tmp_path):
    """Its media ends, and so does the call, as it would have without the restart; what is for it meanwhile fails."""
    lab = web_lab
    with browsers_call(lab, tmp_path).establish() as call:
        restart(lab, call)
        call.callee.agent.ask(call.callee_dialog, "INFO")
        assert call.callee.agent.wait_response("INFO").status >= 400
        call.caller.media.stop()
        heard = call.callee.media.heard(CALLER_PAYLOAD)
        call.callee.agent.respond(call.callee.agent.wait_request("BYE", 45), 200, "OK")
        assert call.callee.media.heard(CALLER_PAYLOAD) == heard
        wait_until(lambda: lab.weir.ctl("calls") == [], 10, "the call to be over", 0.1)
        assert_nothing_left(lab)
    assert_clean_end(lab)
