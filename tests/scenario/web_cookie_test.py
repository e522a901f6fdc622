"""A cookie at the upgrade to WebSocket (RFC 7118 appendix A): who it vouches for registers without a password, nobody else
opens a connection at all."""

import time

import pytest
import websocket
from conftest import assert_clean_end

from lab.process import wait_until
from support.web_agent import WebAgent, open_websocket
from support.web_lab import DOMAIN, PAGE, PASSWORD, WSS, configure_web
from support.web_token import make_token

_SECRET = b"a secret of the site that is long enough"
_NAME = "__Host-weir"


@pytest.fixture
def web_lab(quiet_lab):
    """Whoever connects over WSS needs the site's cookie."""
    lab = quiet_lab
    configure_web(lab)
    key = lab.folder / "cookie.key"
    key.write_bytes(_SECRET + b"\n")
    key.chmod(0o644)
    realm = lab.weir.configuration["realm"][0]
    realm["listen"] = [place for place in realm["listen"] if not place.startswith("ws:")]
    realm["websocket"]["cookie"] = {"name": _NAME, "key": str(key), "audience": "phone"}
    lab.weir.start()
    return lab


def token(seconds: float = 600, secret: bytes = _SECRET, **claims) -> str:
    return make_token(secret, **({"sub": "alice", "aud": "phone", "exp": int(time.time() + seconds)} | claims))


def browser(lab, cookie: str) -> WebAgent:
    return WebAgent(lab.network.a, WSS, lab.authority.client(), "a.example", origin=PAGE, cookie=cookie)


def ask_to_register(agent: WebAgent, user: str = "alice"):
    """The first answer to a REGISTER without credentials."""
    agent.send(agent.request("REGISTER", f"sip:{DOMAIN}", From=f"<sip:{user}@{DOMAIN}>;tag=r", To=f"<sip:{user}@{DOMAIN}>",
                             Supported="outbound", Expires="3600"))
    return agent.wait_response("REGISTER")


def test_whom_the_cookie_names_registers_without_a_password_and_nobody_else(web_lab):
    lab = web_lab
    agent = browser(lab, f'theme=dark; {_NAME}="{token(300)}"; other=1')
    answer = ask_to_register(agent)
    assert answer.status == 200, answer.start
    (row,) = lab.weir.ctl("registrations")
    assert row["user"] == "alice" and 290 <= row["expires_s"] <= 300, "no longer than the token"
    assert ask_to_register(agent, "bob").status == 403
    agent.close()
    assert_clean_end(lab)


def test_when_its_time_is_over_it_vouches_for_nobody(web_lab):
    lab = web_lab
    agent = browser(lab, f"{_NAME}={token(3)}")
    assert ask_to_register(agent).status == 200
    wait_until(lambda: lab.weir.ctl("registrations") == [], 10, "the registration to end with the token", 0.1)
    assert ask_to_register(agent).status == 401, "the connection is there, and has to prove a password"
    assert agent.register("alice", DOMAIN, PASSWORD).status == 200
    assert_clean_end(lab)


REFUSED = {
    "none": lambda: None,
    "another name": lambda: f"weir={token()}",
    "no value": lambda: f"{_NAME}=",
    "two of one name": lambda: f"{_NAME}={token()}; {_NAME}={token(sub='mallory')}",
    "the same twice": lambda: f"{_NAME}={token()};{_NAME}={token()}",
    "another's signature": lambda: f"{_NAME}={token(secret=b'x' * 40)}",
    "another audience": lambda: f"{_NAME}={token(aud='shop')}",
    "expired": lambda: f"{_NAME}={token(-5)}",
    "never expires": lambda: f"{_NAME}={make_token(_SECRET, sub='alice', aud='phone')}",
    "nobody": lambda: f"{_NAME}={token(sub='')}",
    "alg none": lambda: f"{_NAME}=eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
}


@pytest.mark.parametrize("name", REFUSED)
def test_without_a_good_one_there_is_no_connection(web_lab, name):
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        browser(web_lab, REFUSED[name]())
    assert refusal.value.status_code == 403
    wait_until(lambda: "WebSocket refused" in web_lab.weir.control.text(), 5, "a line in the log")
    assert web_lab.weir.ctl("status")["control"]["websockets_refused"] == 1


def test_a_cookie_that_is_too_long_is_refused_and_others_go_on(web_lab):
    lab = web_lab
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        browser(lab, "x=" + "y" * 12_000 + f"; {_NAME}=" + "z" * 9_000)
    assert refusal.value.status_code == 431
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        open_websocket(lab.network.a, WSS, lab.authority.client(), "a.example", origin="https://evil.example",
                       cookie=f"{_NAME}={token()}")
    assert refusal.value.status_code == 403, "a foreign page with the right cookie"
    assert ask_to_register(browser(lab, f"{_NAME}={token()}")).status == 200
    assert_clean_end(lab)
