"""A lab whose side a is browsers': WebSocket in clear and over TLS, and a registrar where alice may register."""

from support.tls import Authority
from support.web_agent import WebAgent

DOMAIN, PASSWORD = "example.com", "wonderland"
WS, WSS = 8080, 8443
PAGE = "https://phone.example.com"


def configure_web(lab) -> None:
    """Realm a listens for WebSockets, bare and over TLS as a.example; realm b's calls to alice go to whoever has
    registered there. Before the start."""
    lab.folder.chmod(0o755)
    lab.authority = Authority(lab.folder / "tls")
    users = lab.folder / "users.toml"
    users.write_text(f'[[user]]\nname = "alice"\ndomain = "{DOMAIN}"\npassword = "{PASSWORD}"\n')
    configuration = lab.weir.configuration
    configuration["registrar"] = {"users": str(users), "store": str(lab.weir.run_folder / "registrations.db")}
    realm, address = configuration["realm"][0], lab.network.a.sip_address
    realm["listen"] += [f"ws:{address}:{WS}", f"wss:{address}:{WSS}"]
    realm["tls"] = {"certificates": [lab.authority.issue("a", "DNS:a.example")]}
    realm["websocket"] = {"origins": [PAGE]}
    realm["registrar"] = {"domain": DOMAIN}
    configuration["route"].insert(0, {"realm": "b", "match": "^sip:alice@.*", "registrar": True, "to_realm": "a",
                                      "media": "rtp"})


def browser(lab, secure: bool, **more) -> WebAgent:
    """`more`: as WebAgent's."""
    if not secure:
        return WebAgent(lab.network.a, WS, **more)
    return WebAgent(lab.network.a, WSS, lab.authority.client(), "a.example", **more)


def register(agent: WebAgent, **more) -> None:
    """As alice; `more`: as WebAgent.register's."""
    answer = agent.register("alice", DOMAIN, PASSWORD, **more)
    assert answer.status == 200, answer.start
    assert answer.get("Require") == "outbound" and int(answer.get("Flow-Timer")) > 0, answer.headers
