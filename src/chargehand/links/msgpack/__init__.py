"""Stock workers over websockets and MessagePack (``msgpack_experimental_v7``)."""
