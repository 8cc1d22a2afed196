#!/usr/bin/env python3
"""Prints the settings of a client of the sandbox, for a shell: eval "$(python3 settings.py)"

    --url URL   the sandbox (@ORIGIN@)
    --as NAME   which initiator to be (@PEER@)
    --uin IIN   about whom to ask (@UIN@, who agrees)

The sandbox prints its address when it is ready, and tells the rest at GET /sandbox: key and certificate (files of its
data directory), sender and password. In a system of your own these are your key of НУЦ and what you were given.
"""

import argparse
import json
import shlex
import urllib.request
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="@ORIGIN@")
    parser.add_argument("--as", dest="name", default="@PEER@")
    parser.add_argument("--uin", default="@UIN@")
    arguments = parser.parse_args()
    with urllib.request.urlopen(arguments.url + "/sandbox", timeout=10) as answer:
        told = json.load(answer)
    found = [peer for peer in told["peers"] if peer["name"] == arguments.name]
    if not found:
        raise SystemExit(f"no {arguments.name} here; there are: {', '.join(peer['name'] for peer in told['peers'])}")
    peer = found[0]
    settings = {
        "KDP_URL": told["sync_url"],
        "KDP_KEY": peer["key"],
        "KDP_CERT": peer["cert"],
        # Who signs the answers: the service itself, as clients that sign for themselves meet it.
        "KDP_TRUST": str(Path(told["ca"]).with_name("service.cert.pem")),
        "KDP_SENDER": peer["sender_id"],
        "KDP_PASSWORD": peer["password"],
        "KDP_BIN": peer["bin"],
        "KDP_COMPANY": peer["organisation"],
        "KDP_SERVICES": peer["services"][0] if peer["services"] else "",
        "KDP_UIN": arguments.uin,
    }
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
