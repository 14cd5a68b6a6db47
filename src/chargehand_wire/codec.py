"""How messages become bytes: with msgspec where it is installed, else with the same in Python.

Where no compiled packages can be installed, `plain_codec` stands in for msgspec: it has what is
used of it here, under the same names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msgspec import DecodeError, Struct, ValidationError, convert
    from msgspec.msgpack import Decoder, Encoder, Ext, encode
    from msgspec.structs import replace
else:
    try:
        from msgspec import DecodeError, Struct, ValidationError, convert
        from msgspec.msgpack import Decoder, Encoder, Ext, encode
        from msgspec.structs import replace
    except ImportError:
        from chargehand_wire.plain_codec import (
            DecodeError,
            Decoder,
            Encoder,
            Ext,
            Struct,
            ValidationError,
            convert,
            encode,
            replace,
        )

__all__ = [
    "DecodeError",
    "Decoder",
    "Encoder",
    "Ext",
    "Struct",
    "ValidationError",
    "convert",
    "encode",
    "replace",
]
