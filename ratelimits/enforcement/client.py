"""Ask Tollgate from within a process, over connections that are kept."""

import logging
import os
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from threading import Lock
from typing import Any, Literal
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ProtocolError
from urllib3.util import Timeout

from ratelimits.enforcement.admissions import (
    Admission,
    Call,
    read_admission,
    read_time,
    unavailable,
)
from ratelimits.enforcement.breaker import Breaker

logger = logging.getLogger(__name__)

WhenUnreachable = Literal["admit", "refuse"]
# Of a call that says whose it is by its customer's key, these are about that key.
_ABOUT_KEYS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class TollgateClient:
    """Asks whether calls may run; one for a process, whose threads share it.

    Nothing here raises for a refusal or for a Tollgate that does not answer. `timeout`
    is in seconds, for connecting and answering together. After `failures` time-outs or
    lost connections in a row, Tollgate is tried once each `pause` seconds; meanwhile
    calls are admitted or refused at once, as `when_unreachable` says.

    `verify` is as in requests: false, or the file of the certificates to trust.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 0.25,
        when_unreachable: WhenUnreachable = "refuse",
        failures: int = 1,
        pause: float = 1.0,
        connections: int = 32,
        verify: bool | str = True,
    ) -> None:
        if when_unreachable not in ("admit", "refuse"):
            message = f"when_unreachable is admit or refuse, not {when_unreachable}"
            raise ValueError(message)
        self._url = url.rstrip("/") + "/v1/admissions"
        self._admits_unknown = when_unreachable == "admit"
        self._breaker = Breaker(failures=failures, pause=pause)
        self._timeout = timeout
        self._session = _Sessions(key, connections=connections, verify=verify)

    def admit(
        self,
        *,
        request_id: str,
        model: str,
        input_tokens: int,
        max_output_tokens: int,
        customer_id: str | None = None,
        api_key: str | None = None,
        properties: Mapping[str, object] | None = None,
    ) -> Admission:
        """Ask whether a call may run, and hold what it may cost if it may.

        Asking again with the same request id holds nothing more.
        """
        call = Call(
            request_id=request_id,
            model=model,
            input_tokens=input_tokens,
            max_output_tokens=max_output_tokens,
            customer_id=customer_id,
            api_key=api_key,
            properties=properties,
        )
        return self.admit_call(call)

    def admit_call(self, call: Call) -> Admission:
        """Ask as `admit` does."""
        response = self._send("POST", "", json=call.as_json())
        if response is None:
            return unavailable(call, is_admitted=self._admits_unknown)
        if response.status_code in _ABOUT_KEYS and call.api_key is None:
            # Whoever called the service has done nothing wrong.
            logger.error("Tollgate refuses the service's key: %s", response.status_code)
            return unavailable(call)
        return self._read(call, response)

    def release(self, request_id: str, customer_id: str | None = None) -> bool:
        """Give back what is held for a call that failed; tells whether it was.

        What could not be released is given back when its hold expires.
        """
        path = "/" + quote(request_id, safe="")
        response = self._send("DELETE", path, params={"customer_id": customer_id})
        return response is not None and response.ok

    def extend(
        self, request_id: str, customer_id: str | None = None
    ) -> datetime | None:
        """Hold for longer, for a call that streams; returns until when it is held."""
        path = "/" + quote(request_id, safe="") + "/extend"
        response = self._send("POST", path, params={"customer_id": customer_id})
        body = _read_json(response) if response is not None and response.ok else None
        return read_time(body.get("expires_at")) if isinstance(body, dict) else None

    def close(self) -> None:
        """Close the connections; the next question opens others."""
        self._session.close()

    def _read(self, call: Call, response: requests.Response) -> Admission:
        status = response.status_code
        told = read_admission(call, status, response.headers, _read_json(response))
        if told and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return told
        logger.error("Tollgate cannot say whether a call may run: %s", status)
        wait = told.retry_after if told else None
        return unavailable(
            call, is_admitted=self._admits_unknown, retry_after=wait or 1
        )

    def _send(self, method: str, path: str, **more: Any) -> requests.Response | None:
        """Return the answer, or nothing if there is none in time."""
        if not self._breaker.lets_through():
            return None
        try:
            response = self._send_again_if_closed(method, self._url + path, **more)
        except requests.RequestException as error:
            if self._breaker.note_failure():
                logger.warning("Tollgate does not answer: %s", error)
            return None
        self._breaker.note_success()
        return response

    def _send_again_if_closed(
        self, method: str, url: str, **more: Any
    ) -> requests.Response:
        timeout: Any = Timeout(total=self._timeout)
        more |= {"timeout": timeout, "allow_redirects": False}
        try:
            return self._session.get().request(method, url, **more)
        except requests.ConnectionError as error:
            if not (error.args and isinstance(error.args[0], ProtocolError)):
                raise
            # A server may close a kept connection just as it is used. What is asked
            # twice counts once.
            return self._session.get().request(method, url, **more)


class _Sessions:
    """A pool of connections for each process: a fork must not share its parent's."""

    def __init__(self, key: str, *, connections: int, verify: bool | str) -> None:
        self._key = key
        self._connections = connections
        self._verify = verify
        self._lock = Lock()
        self._process = 0
        self._session: requests.Session | None = None

    def get(self) -> requests.Session:
        with self._lock:
            if self._session is None or self._process != os.getpid():
                self._session, self._process = self._open(), os.getpid()
            return self._session

    def close(self) -> None:
        with self._lock:
            if self._session:
                self._session.close()
            self._session = None

    def _open(self) -> requests.Session:
        session = requests.Session()
        # Else a .netrc replaces the key, and is read for every call.
        session.trust_env = False
        session.verify = self._verify
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["Authorization"] = f"Bearer {self._key}"
        size = self._connections
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=size)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        return session


def _read_json(response: requests.Response) -> object:
    try:
        return response.json()
    except requests.JSONDecodeError:
        return None
