"""Serve a page to drop recordings on, and predictions by HTTP. Research software only.

Only this machine can reach it, unless --host names another address; then ECG12_TOKEN must be set.
"""

import argparse

from ecg12.cli.arguments import host_name, input_folder, whole
from ecg12.runtime.settings import RUNTIMES, Settings


def add(command: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    command.add_argument("--host", default="127.0.0.1", help="address (default %(default)s)")
    command.add_argument(
        "--port", type=whole(0, 65535), default=8000, help="(default %(default)s; 0: any)"
    )
    command.add_argument(
        "--root-path", default="", metavar="PATH", help="path at which a proxy offers the service"
    )
    command.add_argument(
        "--allow-host", type=host_name, action="append", default=[], metavar="NAME",
        help="a name, without port, by which the service may be called; may be repeated",
    )  # fmt: skip
    command.add_argument(
        "--model", type=input_folder, help="model folder (default: the package's own model)"
    )
    command.add_argument(
        "--decide", choices=("challenge", "balanced"), default="challenge",
        help="thresholds, as for predict (default %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--runtime", choices=RUNTIMES, help="what runs the networks (default: ECG12_RUNTIME)"
    )


def run(options: argparse.Namespace) -> None:
    """Load the model and serve until interrupted."""
    from ecg12.runtime.interrupts import own_handlers
    from ecg12.web.server import check_access, log_json, model_name, serve

    token = Settings.from_env().token or ""
    check_access(options.host, token)
    from ecg12.inference.model import load_model

    log_json()
    model = load_model(options.model, decide=options.decide, runtime=options.runtime)
    with own_handlers():
        serve(
            model,
            name=model_name(options.model),
            host=options.host,
            port=options.port,
            root_path=options.root_path,
            token=token,
            allow_hosts=tuple(options.allow_host),
        )
