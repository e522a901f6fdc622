"""Limits on what one source may ask of weir-control, at its real sockets, and what weirctl says of them."""

from conftest import assert_nothing_left

from support.sdp import write_sdp
from support.sip_agent import SipAgent


def test_invites_over_the_limit_get_503_then_silence(quiet_lab):
    lab = quiet_lab
    lab.weir.configuration["limits"]["invites_per_s_per_source_max"] = 10
    lab.weir.start()
    agent = SipAgent(lab.network.a, 5082)
    for _ in range(100):
        agent.invite("nobody", write_sdp(lab.network.a.client_address, 30000))
    while not agent.silent_for(0.4):  # before T1, when unacknowledged 404s come again
        pass
    refused = [message for message in agent.inbox if message.status == 503]
    told = {message.get("Call-ID") for message in agent.inbox}
    status = lab.weir.ctl("status")["control"]
    assert len(refused) == status["invites_refused"] >= 10
    assert all(message.get("Retry-After") == "5" for message in refused)
    assert status["invites_ignored"] == 100 - len(told) > 50
    agent.close()

    other = SipAgent(lab.network.b, 5082)  # another source has its own
    invite = other.invite("nobody", write_sdp(lab.network.b.client_address, 30000))
    response = other.wait_response()
    assert response.status == 404
    other.ack_failure(invite, response)
    other.close()
    assert_nothing_left(lab)
