"""Who may ask the service: hosts, origins, tokens, and a proxy before it."""

import http.client
import json

import pytest

from ecg12.cli.arguments import host_name
from ecg12.cli.main import main


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "", "[::1", "10.0.0.5", "evil.example@localhost"],
)
def test_another_host_is_refused(client, host):
    for path in ("/", "/v1/model", "/health"):
        assert client.get(path, {"Host": host})[0] in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_this_machine_is_answered(client, host):
    assert client.get("/v1/model", {"Host": host})[0] == 200


def test_every_address_of_this_machine_is_answered_by_its_own_name(serve):
    with serve(host="127.0.0.2") as one:
        connection = http.client.HTTPConnection("127.0.0.2", one.port, timeout=60)
        connection.request("GET", "/health")
        assert connection.getresponse().status == 200
        connection.close()


@pytest.mark.parametrize(
    "name", ["ecg.example.org:8443", "http://ecg.example.org", "a/b", "", "a b"]
)
def test_a_further_host_is_a_name_without_port(name, capsys):
    """The Host header is compared without its port, so a name with one would match nothing."""
    with pytest.raises(SystemExit) as end:
        main(["serve", "--allow-host", name])
    assert end.value.code == 2
    assert f"--allow-host: {name!r}: a name without port" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ECG.example.org", "ecg_1", "10.0.0.5", "[2001:db8::1]"])
def test_names_and_addresses_are_hosts(name):
    assert host_name(name) == name.lower().strip("[]")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_page_of_another_origin_is_refused(client, pair, headers):
    assert client.predict(pair, headers=headers)[0] == 403


def test_its_own_page_may_ask(client, pair):
    assert client.predict(pair, headers={"Origin": client.address.rstrip("/")})[0] == 200


def test_no_answer_allows_other_origins_or_stores_anything(client):
    for path in ("/", "/docs", "/openapi.json", "/health", "/v1/model", "/static/page.js", "/none"):
        _, headers, _ = client.get(path)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert headers["Set-Cookie"] is None
    assert (
        client.request("OPTIONS", "/v1/predict", headers={"Origin": client.address[:-1]})[0] == 405
    )


def test_a_token_is_asked_for(serve, pair):
    token = "0123456789abcdef"  # noqa: S105
    with serve(token=token) as one:
        assert one.predict(pair)[0] == 401
        assert one.predict(pair, headers={"Authorization": "Bearer 0123456789abcdeF"})[0] == 401
        assert one.predict(pair, headers={"Authorization": f"Bearer {token}"})[0] == 200
        for path in ("/v1/model", "/v1/model/", "/%761/model", "/v1%2fmodel"):
            assert one.get(path)[0] == 401
            assert one.get(path, {"Authorization": f"Basic {token}"})[0] == 401
        for path in ("/", "/health", "/docs"):
            assert one.get(path)[0] == 200


@pytest.mark.parametrize("token", [None, "short"])
def test_others_are_not_served_without_a_secret(token, monkeypatch):
    monkeypatch.delenv("ECG12_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("ECG12_TOKEN", token)
    with pytest.raises(SystemExit, match="ECG12_TOKEN"):
        main(["serve", "--host", "0.0.0.0", "--port", "0"])  # noqa: S104


def test_a_proxy_may_offer_it_below_a_path(serve, pair):
    with serve(root_path="/ecg/") as one:
        assert one.get("/v1/model")[0] == 200
        described = json.loads(one.get("/openapi.json")[2])
        assert described["servers"] == [{"url": "/ecg"}]
