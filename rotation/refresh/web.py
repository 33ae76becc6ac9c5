"""Fetching over HTTP: retries, and the time and size of an answer, are bounded."""

from __future__ import annotations

import re
import time

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Retry

from helpers.errors import Exit, InputError

# Seconds to connect and for the next bytes, tries after the first, longest wait a server may ask
# for. With them a machine without a network is told so within 20 s.
CONNECT, READ, RETRIES, PATIENCE = 5.0, 10.0, 2, 20.0
# What one answer may take in all.
SLOWEST, LARGEST = 60.0, 20_000_000


class SourceError(InputError):
    """A source that cannot be reached, or that says what cannot be used."""

    code = Exit.SOURCE_FAILED


class _Patience(Retry):
    """Wait as long as a server asks, up to a bound; beyond it give up at once."""

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        if seconds is not None and seconds > PATIENCE:
            raise SourceError(
                f"the server asks to wait {seconds:.0f} s; expected at most {PATIENCE:.0f}"
            )
        return seconds


def get(what: str, address: str, asked: dict[str, str] | None = None) -> bytes:
    """Return what is at an address; retries, and the time and size of an answer, are bounded."""
    patience = _Patience(
        RETRIES,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
    )
    where = host(address)
    late = time.monotonic() + SLOWEST
    try:
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=patience))
            session.headers["User-Agent"] = "rotation-claims"
            with session.get(address, params=asked, timeout=(CONNECT, READ), stream=True) as answer:
                if answer.status_code != 200:
                    raise SourceError(
                        f"{what}: {where} answers {answer.status_code} {answer.reason}; "
                        "expected 200"
                    )
                return _body(what, answer, late)
    except SourceError as error:
        told = str(error)
        raise SourceError(told if told.startswith(what) else f"{what}: {told}") from None
    except requests.exceptions.ChunkedEncodingError:
        raise SourceError(f"{what}: the answer of {where} broke off") from None
    except (requests.RequestException, ValueError) as error:
        # Once the tries are used up the client tells a late answer by its reason alone.
        reason = getattr(error.args[0] if error.args else error, "reason", error)
        late_answer = isinstance(reason, ReadTimeoutError | requests.ReadTimeout)
        told = "does not answer in time" if late_answer else "cannot be reached"
        raise SourceError(f"{what}: {where} {told}; is there a network?") from None


def _body(what: str, answer: requests.Response, late: float) -> bytes:
    content = bytearray()
    for part in answer.iter_content(65536):
        content += part
        if time.monotonic() > late or len(content) > LARGEST:
            raise SourceError(f"{what}: the answer takes too long or is too large")
    return bytes(content)


def host(address: str) -> str:
    """Return the host of an address, without a user's name or the path."""
    return re.sub(r"^https?://([^/@]*@)?([^/]+).*", r"\2", address)
