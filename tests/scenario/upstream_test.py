"""A realm whose registrar is upstream (RFC 3327, RFC 5626): REGISTERs go on with a Path, and what comes back by its token
reaches the browser over its own connection, or hears why not."""

import re

import pytest
from conftest import assert_clean_end, assert_nothing_left

from lab.process import wait_until
from support.sdp import write_sdp
from support.sip_agent import Message, SipAgent
from support.web_lab import DOMAIN, browser, configure_web

_PORT = 5090
_INSTANCE = '+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'
_CHALLENGE = f'Digest realm="{DOMAIN}", nonce="upstream-nonce", algorithm=MD5, qop="auth"'
_CREDENTIALS = f'Digest username="alice", realm="{DOMAIN}", nonce="upstream-nonce", response="00", uri="sip:{DOMAIN}"'


@pytest.fixture
def upstream_lab(quiet_lab):
    """Realm a's registrar is a scripted one, by UDP on side b."""
    lab = quiet_lab
    configure_web(lab)
    configuration = lab.weir.configuration
    configuration["realm"][0]["registrar"] = {"domain": DOMAIN, "upstream": "home", "flow_timer_s": 90}
    configuration["trunk"] = [{"name": "home", "realm": "b", "check_interval_s": 0,
                               "targets": [{"uri": f"sip:{lab.network.b.client_address}:{_PORT}"}]}]
    lab.weir.start()
    lab.registrar = SipAgent(lab.network.b, _PORT)
    return lab


def ask(lab, agent, number: int, **more: str) -> Message:
    """A REGISTER of alice's, as the registrar gets it."""
    agent.send(agent.request("REGISTER", f"sip:{DOMAIN}", From=f"<sip:alice@{DOMAIN}>;tag=r", To=f"<sip:alice@{DOMAIN}>",
                             Contact=f"{agent.contact};reg-id=1;{_INSTANCE}", Call_ID=f"register-{agent.host}",
                             CSeq=f"{number} REGISTER", Supported="outbound, path", Expires="600", **more))
    return lab.registrar.wait_request("REGISTER")


def register(lab, agent, first: int = 1) -> str:
    """Challenged, with credentials and granted, all by the registrar; the Path that it was told."""
    seen = ask(lab, agent, first)
    lab.registrar.respond(seen, 401, "Unauthorized", WWW_Authenticate=_CHALLENGE)
    challenged = agent.wait_response("REGISTER")
    assert (challenged.status, challenged.all("WWW-Authenticate")) == (401, [_CHALLENGE])
    seen = ask(lab, agent, first + 1, Authorization=_CREDENTIALS)
    assert seen.get("Authorization") == _CREDENTIALS and seen.start == f"REGISTER sip:{DOMAIN} SIP/2.0"
    assert agent.contact in seen.get("Contact") and len(seen.all("Via")) == 1, seen.headers
    path = seen.get("Path")
    assert re.fullmatch(rf"<sip:[0-9a-f]+@{lab.network.b.sip_address}(:5060)?;lr;ob>", path), path
    lab.registrar.respond(seen, 200, "OK", Path=path, Require="outbound", Service_Route="<sip:home.example.com;lr>",
                          Contact=f"{agent.contact};reg-id=1;{_INSTANCE};expires=300")
    granted = agent.wait_response("REGISTER")
    assert granted.status == 200 and granted.get("Service-Route") == "<sip:home.example.com;lr>", granted.headers
    assert granted.get("Flow-Timer") == "90" and ";expires=300" in granted.get("Contact"), granted.headers
    return path


def invite(lab, agent, route: str, caller: SipAgent | None = None) -> Message:
    caller = caller or lab.registrar
    message = caller.request("INVITE", agent.contact.strip("<>"), write_sdp(lab.network.b.client_address, 32000), Route=route)
    caller.send(message)
    return message


def refused(lab, agent, route: str, status: int, caller: SipAgent | None = None) -> None:
    caller = caller or lab.registrar
    message = invite(lab, agent, route, caller)
    answer = caller.wait_response()
    assert answer.status == status, answer.start
    caller.ack_failure(message, answer)


def test_a_party_registers_upstream_and_is_called_over_its_flow(upstream_lab):
    lab = upstream_lab
    agent, other = browser(lab, True), browser(lab, True)
    path = register(lab, agent)
    assert register(lab, other) != path
    rows = lab.weir.ctl("registrations")
    assert [(row["user"], row["expires_s"] > 290) for row in rows] == [("alice", True)], rows
    path = register(lab, agent, 3)
    message = invite(lab, agent, path)
    asked = agent.wait_request("INVITE")
    assert asked.start == f"INVITE {agent.contact.strip('<>')} SIP/2.0" and not asked.all("Route"), asked.headers
    agent.respond(asked, 200, "OK", write_sdp(lab.network.a.client_address, 30000))
    agent.wait_request("ACK")
    dialog = lab.registrar.ack(message, lab.registrar.wait_response())
    lab.registrar.bye(dialog)
    agent.respond(agent.wait_request("BYE"), 200, "OK")
    assert lab.registrar.wait_response("BYE").status == 200
    assert other.silent_for(0.3)
    assert_nothing_left(lab)
    assert_clean_end(lab)


def test_a_flow_that_is_gone_is_430_and_a_token_that_is_none_403(upstream_lab):
    lab = upstream_lab
    agent = browser(lab, True)
    path = register(lab, agent)
    token = re.search("sip:([0-9a-f]+)@", path).group(1)
    for place in (0, 31, 34, len(token) - 1):
        forged = token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1:]
        refused(lab, agent, path.replace(token, forged), 403)
    stranger = lab.network.add_client_address(lab.network.b, 100)
    elsewhere = SipAgent(type(lab.network.b)(**{**vars(lab.network.b), "client_address": stranger}))
    refused(lab, agent, path, 403, elsewhere)
    assert agent.silent_for(0.3)
    agent.messages.cut()
    wait_until(lambda: lab.weir.ctl("registrations") == [], 10, "alice to be gone", 0.1)
    refused(lab, agent, path, 430)
    assert_clean_end(lab)


def test_a_token_of_before_a_restart_says_that_its_flow_is_gone(upstream_lab):
    lab = upstream_lab
    agent = browser(lab, True)
    path = register(lab, agent)
    lab.weir.control.kill()
    lab.weir.start_control()
    refused(lab, agent, path, 430)
    again = browser(lab, True)
    assert register(lab, again) != path
    assert_clean_end(lab)


def test_a_registrar_that_says_no_or_nothing_is_heard(upstream_lab):
    lab = upstream_lab
    agent = browser(lab, True)
    lab.registrar.respond(ask(lab, agent, 1), 423, "Interval Too Brief", Min_Expires="1800")
    answer = agent.wait_response("REGISTER")
    assert (answer.status, answer.get("Min-Expires")) == (423, "1800")
    lab.registrar.respond(ask(lab, agent, 2, Authorization=_CREDENTIALS), 403, "Forbidden")
    assert agent.wait_response("REGISTER").status == 403
    ask(lab, agent, 3)
    assert agent.wait_response("REGISTER", timeout_s=40).status == 504
    assert lab.weir.ctl("registrations") == []
    assert_clean_end(lab)
