"""What a book says about a venue, read for whoever needs a part of it. Loads no Nautilus."""

from collections.abc import Sequence

from msgspec import Struct, ValidationError, convert

from system.book import BadBook, Raw


def read_venue_settings[C: Struct](
    raw: Raw, venue: str, kind: type[C], others: Sequence[type[Struct]] = ()
) -> C:
    """Return what `raw` says for one client; it speaks of the `others` too, and BadBook names what is of none."""
    known = {*kind.__struct_fields__, *(name for one in others for name in one.__struct_fields__)}
    place = f"`$.live.settings.{venue}`"
    for name in raw:
        if name not in known:
            raise BadBook(f"expected one of {', '.join(sorted(known))}, found {name!r} - at {place}")
    mine = {name: value for name, value in raw.items() if name in kind.__struct_fields__}
    try:
        return convert(mine, kind, strict=False)
    except ValidationError as error:
        raise BadBook(f"{error} below {place}") from error
