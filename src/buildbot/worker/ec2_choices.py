"""Which image an instance of EC2 gets, what is bid for it, and what is asked of AWS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from buildbot._border.kinds import Given

_VOLUME_KINDS = ("instance", "volume")
_PERMISSION = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")
_CREDENTIALS = ("AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_HELP = {
    "InsufficientInstanceCapacity": "AWS has no such instance free now; another instance_type, "
    "placement or subnet_id may have",
    "InsufficientAddressCapacity": "the region has no free address now",
    "VcpuLimitExceeded": "ask AWS for a larger quota, or give this kind of worker fewer builds",
    "InstanceLimitExceeded": "ask AWS for a larger quota, or configure fewer such workers",
    "MaxSpotInstanceCountExceeded": "ask AWS for a larger quota of spot instances",
    "SpotMaxPriceTooLow": "raise max_spot_price or price_multiplier, or wait",
    "RequestLimitExceeded": "AWS was asked too often; the build is retried later",
    "InvalidAMIID.NotFound": "correct ami; images belong to one region",
    "InvalidKeyPair.NotFound": "correct keypair_name; key pairs belong to one region",
    "Unsupported": "another placement or instance_type may be supported",
}
"""What helps, by the code of what AWS refuses."""


def newest_image(images: Iterable[Mapping[str, Any]], pattern: str | None) -> Any:
    """Return the image that comes last, None if no location matches *pattern*.

    They are sorted by the groups of the pattern: as numbers where all of them are, else as text;
    and by their locations.
    """
    compiled = re.compile(pattern or "")
    matches = [
        (match.groups(""), image)
        for image in images
        if (match := compiled.match(image.get("ImageLocation") or ""))
    ]
    columns = zip(*(groups for groups, _ in matches), strict=True)
    are_numbers = [all(text.isdecimal() for text in column) for column in columns]

    def key(one: tuple[Sequence[str], Mapping[str, Any]]) -> tuple[list[int | str], str]:
        groups, image = one
        parts = [
            int(text) if is_number else text
            for text, is_number in zip(groups, are_numbers, strict=True)
        ]
        return parts, image.get("ImageLocation") or ""

    return max(matches, key=key)[1] if matches else None


def bid(prices: Iterable[str], multiplier: float | None, most: float | None) -> float | None:
    """Return what to bid for a spot instance; None: up to the usual price.

    *prices* are those of the last 24 hours: their average times *multiplier* is bid, but never
    more than *most*.
    """
    history = [float(price) for price in prices]
    if multiplier is None or not history:
        return most
    wanted = sum(history) / len(history) * multiplier
    return wanted if most is None else min(wanted, most)


def tags_of(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return tags for an instance and its volumes, as AWS takes them."""
    listed = [{"Key": key, "Value": str(value)} for key, value in tags.items()]
    return [{"ResourceType": kind, "Tags": listed} for kind in _VOLUME_KINDS]


def market(price: float | None) -> dict[str, Any]:
    """Return what makes an instance a spot instance, which ends when it is outbid."""
    options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    if price is not None:
        options["MaxPrice"] = f"{price:.6f}"
    return {"MarketType": "spot", "SpotOptions": options}


def devices(mapping: Any) -> list[Any]:
    """Return block devices as AWS takes them: of its own list, or of a dictionary by device.

    A new volume is deleted with its instance, unless they say otherwise.
    """
    if isinstance(mapping, Mapping):
        mapping = [{"DeviceName": name, **given} for name, given in mapping.items()]
    return [_deleted_with_instance(one) for one in mapping or ()]


def _deleted_with_instance(device: Any) -> Any:
    volume = device.get("Ebs") if isinstance(device, Mapping) else None
    if not isinstance(volume, Mapping):
        return device
    return {**device, "Ebs": {"DeleteOnTermination": True, **volume}}


def explained(code: str, operation: str, message: str) -> str:
    """Return what a refused request means, and what helps."""
    if code in _PERMISSION:
        return f"AWS does not allow ec2:{operation}: give the user or role that permission"
    if code in _CREDENTIALS:
        return f"AWS does not accept the credentials: {message}"
    if code in _EXPIRED:
        return (
            f"AWS does not accept the credentials any longer: {message}. Renew them, "
            "or set this host's clock"
        )
    words = f"{operation}: {message.rstrip('. ')} ({code})"
    return f"{words}: {_HELP[code]}" if code in _HELP else words


def device_map(given: Given, value: Any) -> Any:
    """Return block devices in either of their forms."""
    by_name = isinstance(value, Mapping)
    found = value if by_name else given.items("block_device_map", value)
    for one in found.values() if by_name else found or ():
        if given.mapping("block_device_map", one) is None:
            return None
    return found
