"""Commands for the Makefile: reset, status, and the supervisor itself (run)."""

import argparse
import logging
import os
import sys
from pathlib import Path

from config.embedded import supervisor
from config.embedded.holding import drop, is_running
from config.embedded.processes import EmbeddedServerError
from config.embedded.urls import DATABASE, PORT, socket_folder
from config.services import embedded_folder


def main() -> None:
    """Do what the first argument says, on the folder that settings use by default."""
    arguments = _parser().parse_args()
    try:
        _do(arguments.command, arguments.folder, arguments.descriptor)
    except EmbeddedServerError as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m config.embedded")
    parser.add_argument("command", choices=("reset", "status", "run"))
    parser.add_argument("folder", type=Path, nargs="?", default=embedded_folder())
    parser.add_argument("descriptor", type=int, nargs="?", help=argparse.SUPPRESS)
    return parser


def _do(command: str, folder: Path, descriptor: int | None) -> None:
    if command == "run" and descriptor is not None:
        _detach()
        logging.basicConfig(format="%(asctime)s %(message)s")
        supervisor.run(folder, descriptor)
    elif command == "reset":
        drop(folder)
        print(f"Deleted the data in {folder}.")
    else:
        state = "running" if is_running(folder) else "stopped"
        reach = f"psql -h {socket_folder(folder)} -p {PORT} -U postgres {DATABASE}"
        print(f"{state}: {folder}\n{reach}")


def _detach() -> None:
    """Leave the parent, which must neither wait for the supervisor nor bury it."""
    if os.fork():
        os._exit(0)


if __name__ == "__main__":
    main()
