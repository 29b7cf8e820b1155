"""Places at which a test may end the process, as a power cut would.

Every one of them does nothing, unless `TOLLGATE_FAILPOINT` names it when the process
starts: `refund-withdrawn:kill` or `refund-withdrawn:raise`. Tests set it for processes
of their own, to see that what is cut off there is finished later, once.
"""

import os
import signal

_NAME, _, _ACTION = os.environ.get("TOLLGATE_FAILPOINT", "").partition(":")


class FailpointError(Exception):
    """A test wanted something to go wrong here."""


def failpoint(name: str) -> None:
    """Die here, or raise, if a test named this place; else do nothing.

    :raises FailpointError: if it was armed to.
    """
    if name != _NAME:
        return
    if _ACTION == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise FailpointError(name)
