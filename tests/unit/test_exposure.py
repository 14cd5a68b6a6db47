"""A configuration that wants people to log in is not served to everybody by accident."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chargehand.app.failure import CommandFailed
from chargehand.cli.exposure import refusing_exposure
from chargehand.config.model import MasterConfig, WebConfig
from chargehand.kit.values import replace
from chargehand.web.own_addresses import own_addresses, site_urls

_KEYS = ("c['www']['auth']",)


def _config(*listen: tuple[str, int] | str, keys: tuple[str, ...] = _KEYS) -> MasterConfig:
    return MasterConfig(web=WebConfig(listen=listen, login_keys=keys))


@pytest.mark.parametrize(
    "listen",
    [
        (),
        (("127.0.0.1", 8010),),
        (("127.7.7.7", 8010), ("::1", 8010), ("localhost", 8010)),
        ("web.sock",),
    ],
)
def test_what_only_this_machine_reaches_is_served(listen: tuple[tuple[str, int] | str, ...]):
    config = _config(*listen)

    assert refusing_exposure(allow_anonymous=False)(config) is config


@pytest.mark.parametrize(
    ("listen", "where", "instead"),
    [
        ((("", 8011),), "port 8011 of any address", "tcp:8011:interface=127.0.0.1"),
        ((("127.0.0.1", 8010), ("10.0.0.7", 80)), "port 80 of 10.0.0.7", "tcp:80:interface="),
        ((("::", 8010),), "port 8010 of ::", "tcp:8010:interface="),
        ((("ci.example.org", 8010),), "port 8010 of ci.example.org", "tcp:8010:interface="),
    ],
)
def test_what_others_reach_is_refused_unless_it_is_allowed(
    listen: tuple[tuple[str, int], ...], where: str, instead: str
):
    config = _config(*listen)

    with pytest.raises(CommandFailed) as refused:
        refusing_exposure(allow_anonymous=False)(config)

    for text in (_KEYS[0], where, instead, "--allow-anonymous"):
        assert text in str(refused.value)
    assert refusing_exposure(allow_anonymous=True)(config) is config


def test_who_wants_nobody_to_log_in_may_listen_anywhere():
    config = _config(("", 8010), keys=())

    assert refusing_exposure(allow_anonymous=False)(config) is config


@given(st.ip_addresses())
def test_only_loopback_addresses_are_local(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
):
    config = replace(_config((str(address), 80)))
    try:
        refusing_exposure(allow_anonymous=False)(config)
    except CommandFailed:
        assert not address.is_loopback
    else:
        assert address.is_loopback


def test_the_addresses_of_this_machine_can_be_typed():
    addresses = own_addresses()

    assert "127.0.0.1" in addresses
    assert all(ipaddress.ip_address(one) for one in addresses)
    assert "http://127.0.0.1:80/" in site_urls("", 80)
    assert site_urls("::1", 80) == ["http://[::1]:80/"]
    assert site_urls("10.1.1.1", 80) == ["http://10.1.1.1:80/"]
    assert not any("[" in one for one in site_urls("0.0.0.0", 80))
