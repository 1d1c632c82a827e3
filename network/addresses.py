"""Where bytes may go: over TLS, or in the open to this very machine."""

from ipaddress import ip_address

from yarl import URL


def checked_url(text: str, schemes: tuple[str, str], *, allow_plain: bool = False) -> URL:
    """Return the address, or raise ValueError when it would send what we sign in the open.

    `schemes` are the plain and the secure one, such as `("http", "https")`. Plain is for loopback,
    or for anywhere with `allow_plain`.
    """
    url = URL(text)
    plain, secure = schemes
    if url.scheme not in schemes or not url.host:
        raise ValueError(f"expected an address with {plain} or {secure}, found {url.scheme}://{url.host}")
    if url.user or url.password or url.fragment:
        raise ValueError(f"expected an address without user, password and fragment for {url.host}")
    if url.scheme == plain and not allow_plain and not _is_loopback(url.host):
        raise ValueError(f"expected {secure} for {url.host}, found {plain}, which is for loopback only")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name, and a name can point anywhere
        return False
