"""What kept a request from being answered, in words that name the cause: certificate, clock, proxy, network.

Knows httpx2's errors, OpenSSL's and the environment's proxies; nothing of operations.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.request import getproxies, proxy_bypass

import httpx2

PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy")
AGAIN = "Try again in a minute; `doctor` checks the way there."


@dataclass(frozen=True)
class Failure:
    """How a connection failed: words that follow the name of whom it was to (`cannot be reached`), and a cure."""

    words: str
    hint: str = AGAIN
    lasting: bool = False  # trying again at once would end the same


def explain(error: BaseException, *, named: bool = False) -> Failure:
    """The failure of a connection, from an error of httpx2, OpenSSL or the operating system, or a timeout.

    `named`: the sentence names the host already.
    """
    certificate = next((e for e in _chain(error) if isinstance(e, ssl.SSLCertVerificationError)), None)
    if certificate is not None:
        return _certificate(certificate)
    if isinstance(error, httpx2.ProxyError):
        return _proxy_refusal(error)
    proxy = _proxy_of(error)
    if isinstance(error, (httpx2.ConnectTimeout, httpx2.ConnectError, ConnectionRefusedError)):
        if proxy:
            return Failure(
                f"cannot be reached: the proxy {proxy} does not answer",
                "Is the address in HTTPS_PROXY right? Where none is needed, unset it, or list the host in NO_PROXY.",
            )
        broken = next((e for e in _chain(error) if isinstance(e, ssl.SSLError)), None)
        if broken is not None:
            reason = (broken.reason or "").replace("_", " ").lower()
            return Failure(
                f"cannot be reached: no TLS connection could be made ({reason or 'it was broken off'})",
                "Is the URL's port one that speaks TLS, and is nothing in between that takes TLS apart?",
            )
        return Failure("cannot be reached" + ("" if named else _host_of(error)))
    if isinstance(error, (httpx2.TimeoutException, TimeoutError)):
        return Failure("did not answer in time" + (f" (by the proxy {proxy})" if proxy else ""))
    if isinstance(error, httpx2.DecodingError):
        return Failure("sent an answer that cannot be decompressed")
    return Failure("broke the connection off")


def page_of_a_proxy(status: int) -> str:
    """What an answer in HTML is, with its status: not the service's word, whatever the status says."""
    return f"a page in HTML came (HTTP {status}), which the service never sends: a proxy or gateway in between answered"


PROXY_HINT = (
    "Ask whoever runs that proxy to let this host through, or name the right one in HTTPS_PROXY (NO_PROXY: hosts that "
    "need none)."
)


_CERTIFICATES = (  # OpenSSL's codes (X509_V_ERR_…), words of its messages, what is wrong, what helps
    ((9,), "not yet valid", "is not valid yet", "Is this machine's clock right? It seems to be behind."),
    ((10,), "expired", "has expired", "Whoever runs that host must renew it; or this machine's clock is ahead."),
    ((62, 64), "mismatch|not valid for", "is for another name",
     "Is the URL the right one, and does a proxy answer in the host's place?"),
    ((2, 18, 19, 20, 21, 27), "issuer|self.signed|unable to get|trusted",
     "is of an authority that this machine does not trust",
     ("A proxy that reads TLS has an authority of its own: put its certificate (PEM), with the public ones, into a "
      "file and name that in SSL_CERT_FILE.")),
)  # fmt: skip


def _certificate(error: ssl.SSLCertVerificationError) -> Failure:
    """What is wrong with a certificate, and what helps."""
    detail = (error.verify_message or str(error)).lower()
    rows = (
        (why, hint)
        for codes, words, why, hint in _CERTIFICATES
        if error.verify_code in codes or re.search(words, detail)
    )
    other = (f"does not hold ({re.sub(r'[^a-z0-9 .-]', '', detail)[:100]})", "See SSL_CERT_FILE, and the clock.")
    why, hint = next(rows, other)
    return Failure(f"cannot be reached safely: its certificate {why}", hint, lasting=True)


def _proxy_refusal(error: BaseException) -> Failure:
    """What a proxy says instead of letting a connection through."""
    proxy = _proxy_of(error)
    status = re.match(r"\s*(\d{3})", str(error))
    where = f"the proxy {proxy}" if proxy else "the proxy"
    if status is None:
        return Failure(f"cannot be reached: {where} failed", PROXY_HINT)
    if status[1] == "407":
        hint = "Put a name and password into HTTPS_PROXY: http://NAME:PASSWORD@HOST:PORT."
        return Failure(f"cannot be reached: {where} asks for a login (HTTP 407)", hint, lasting=True)
    return Failure(f"cannot be reached: {where} refuses it (HTTP {status[1]})", PROXY_HINT, lasting=True)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from."""
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _url_of(error: BaseException) -> httpx2.URL | None:
    try:
        return error.request.url if isinstance(error, httpx2.RequestError) else None
    except RuntimeError:  # raised apart from any request
        return None


def _proxy_of(error: BaseException) -> str:
    """HOST:PORT of the proxy over which the request of an error went; "" where none is set for its host."""
    url = _url_of(error)
    if url is None or proxy_bypass(url.host):
        return ""
    proxies = getproxies()  # usable ones: the client could not have been made with others
    proxy = httpx2.URL(proxies.get(url.scheme) or proxies.get("all") or "")
    return f"{proxy.host}:{proxy.port}" if proxy.host and proxy.port else proxy.host


def _host_of(error: BaseException) -> str:
    url = _url_of(error)
    return f" ({url.host})" if url is not None and url.host else ""
