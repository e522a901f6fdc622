"""What an operator does with a Weir that carries calls: settings changed under them, and the records they leave."""

import json
import signal
import time
from pathlib import Path

import pytest
from conftest import assert_clean_end, assert_nothing_left
from restarts_test import wait_for_media

from lab.process import wait_until
from lab.undo import LabError
from support.scripted_call import CALLEE_PAYLOAD, CALLER_PAYLOAD, ScriptedCall, Security
from support.sdp import write_sdp
from support.sip_agent import SipAgent


@pytest.fixture
def own_lab(quiet_lab):
    """A lab that is not started yet, whose configuration weir-control may read again."""
    quiet_lab.folder.chmod(0o755)
    yield quiet_lab
    assert_clean_end(quiet_lab)


def reload(lab) -> list[str]:
    """What `weirctl reload` says was changed."""
    lab.weir.write_configuration()
    return lab.weir.ctl("reload")["changed"]


def trunk(lab, weight: int) -> dict:
    return {"name": "far", "realm": "b", "check_interval_s": 0,
            "targets": [{"uri": f"sip:{lab.network.b.client_address}:5091", "weight": weight}]}


def call_the_trunk(lab) -> None:
    """A call that is refused by who is there."""
    caller, callee = SipAgent(lab.network.a), SipAgent(lab.network.b, 5091)
    invite = caller.invite("by-trunk", write_sdp(lab.network.a.client_address, 30100))
    callee.respond(callee.wait_request("INVITE"), 486, "Busy Here")
    response = caller.wait_response()
    assert response.status == 486, response.start
    caller.ack_failure(invite, response)
    callee.close()
    caller.close()


def test_settings_change_in_the_middle_of_a_call(own_lab, tmp_path):
    own_lab.weir.start()
    configuration = own_lab.weir.configuration
    with ScriptedCall(own_lab, tmp_path, caller=Security(setup="active")).establish() as call:
        wait_for_media(call)
        assert reload(own_lab) == []
        configuration["trunk"] = [trunk(own_lab, 1)]
        configuration["route"].insert(0, {"realm": "a", "match": "^sip:by-trunk@.*", "trunk": "far"})
        configuration["realm"][1]["trusted"] = True
        assert reload(own_lab) == ["[[trunk]]", "[[route]]", "realm 'b' trusted"]
        call_the_trunk(own_lab)
        configuration["trunk"] = [trunk(own_lab, 7)]
        assert reload(own_lab) == ["[[trunk]]"]
        wait_for_media(call)

        good = own_lab.weir.configuration_file.read_text()
        own_lab.weir.configuration_file.write_text(good + "[[route]]\nrealm = \"nowhere\"\nmatch = '.*'\ntarget = 'x'\n")
        with pytest.raises(LabError, match=rf"weir\.toml:\d+: .*nowhere"):
            own_lab.weir.ctl("reload")
        configuration["control"]["calls_max"] += 1
        configuration["route"].pop(0)
        with pytest.raises(LabError, match=r"need a restart: \[control\]"):
            reload(own_lab)
        call_the_trunk(own_lab)

        configuration["control"]["calls_max"] -= 1
        own_lab.weir.write_configuration()
        own_lab.weir.control.child.send_signal(signal.SIGHUP)
        wait_until(lambda: "changed=[[route]]" in own_lab.weir.control.text(), 10, "the reload")
        wait_for_media(call)
        assert call.caller.media.refused == []
        call.hang_up()
    assert_nothing_left(own_lab)


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def with_records(lab) -> Path:
    path = lab.weir.run_folder / "calls.jsonl"
    lab.weir.configuration["control"]["call_records"] = str(path)
    return path


def fall_silent(lab, call: ScriptedCall) -> None:
    """Both ends stop to send, and all they sent is counted."""
    for leg in (call.caller, call.callee):
        leg.media.sends = False
    before = None
    while before != (now := [(flow["rtp_in"], flow["rtp_out"]) for flow in lab.weir.ctl("flows")]):
        before = now
        time.sleep(0.2)


def test_a_calls_record_counts_what_was_heard(own_lab, tmp_path):
    path = with_records(own_lab)
    own_lab.weir.start()
    with ScriptedCall(own_lab, tmp_path, caller=Security(setup="active")).establish() as call:
        wait_for_media(call)
        fall_silent(own_lab, call)
        call.hang_up()
        wait_until(lambda: len(records(path)) == 1, 10, "the record")
        record = records(path)[0]
        heard = {"caller": call.callee.media.heard(CALLER_PAYLOAD), "callee": call.caller.media.heard(CALLEE_PAYLOAD)}
        for side, leg in (("caller", call.caller), ("callee", call.callee)):
            media = record[side]["media"]
            assert media["packets_passed_on"] == heard[side] > 50, (side, media)
            assert heard[side] <= media["packets_received"] <= len(leg.media.sent)
            assert media["replayed"] == media["auth_failed"] == media["lost"] == 0
        security = record["caller"]["security"]
        assert security["keying"] == "dtls" and security["version"] == "DTLSv1.2", security
        assert security["fingerprint"].upper().endswith(call.caller.certificate.fingerprint.split()[-1].upper())
        assert record["callee"]["security"] is None
        assert record["released_by"] == "caller" and record["status"] == 200
        assert record["start"] <= record["answer"] <= record["end"] and record["start"].endswith("Z")
        line = path.read_text()
        material = call.caller.secured.keying_material
        assert material.hex() not in line.lower() and "inline:" not in line
    assert_nothing_left(own_lab)


def test_a_record_comes_after_a_restart_in_the_middle_of_its_call(own_lab, tmp_path):
    path = with_records(own_lab)
    own_lab.weir.start()
    with ScriptedCall(own_lab, tmp_path, caller=Security(setup="active")).establish() as call:
        wait_for_media(call)
        own_lab.weir.control.kill()
        own_lab.weir.start_control()
        wait_for_media(call)
        call.hang_up()
        wait_until(lambda: len(records(path)) == 1, 10, "the record")
        record = records(path)[0]
        assert record["caller"]["media"]["packets_passed_on"] >= 100
        assert record["request_uri"].startswith(f"sip:{call.user}@")
        assert record["answer"] is not None
    assert_nothing_left(own_lab)


def test_records_that_are_rotated_go_on_in_a_new_file(own_lab):
    path = with_records(own_lab)
    own_lab.weir.start()
    caller = SipAgent(own_lab.network.a)

    def call_nobody() -> None:
        invite = caller.invite("nobody", write_sdp(own_lab.network.a.client_address, 30100))
        response = caller.wait_response()
        assert response.status == 404, response.start
        caller.ack_failure(invite, response)

    call_nobody()
    wait_until(lambda: len(records(path)) == 1, 10, "the first record")
    rotated = path.rename(path.with_suffix(".1"))
    own_lab.weir.ctl("reload")
    call_nobody()
    wait_until(lambda: len(records(path)) == 1, 10, "the second record")
    assert len(records(rotated)) == 1
    assert records(path)[0]["status"] == 404
    assert own_lab.weir.ctl("status")["control"]["call_records_written"] == 2
    caller.close()
