"""How gRPC calls end that the proxy ends: `STAND`. Prints the status of each, as grpcio and as @grpc/grpc-js saw it.

deadline: the client's own deadline passes in the middle of a stream. patience: the proxy's does. The rest are answers of the
proxy before it has chosen a route: a head that is too large, a target that is too long, a name that no route has.
"""

import json
import os
import subprocess
import sys

import grpc

import honest


def status(run):
    """The name of the status, and how many messages came before it."""
    messages = 0
    try:
        for _ in run():
            messages += 1
    except grpc.RpcError as error:
        return [error.code().name, messages, error.details()]
    return ["OK", messages, ""]


def main(stand):
    port = stand["ports"]["plain"]
    honest.child(sys.executable, f"{honest.HERE}/grpc_server.py", str(stand["ports"]["rpc"]))
    figures = {}
    with grpc.insecure_channel(f"127.0.0.1:{port}", (("grpc.max_metadata_size", 1 << 20),)) as channel:
        grpc.channel_ready_future(channel).result(timeout=10)

        def stream(path, timeout, *metadata):
            return lambda: channel.unary_stream(path)(b"1", timeout=timeout, metadata=metadata)

        figures["deadline"] = status(stream("/test.Echo/Trickle", 1))
        figures["patience"] = status(stream("/test.Impatient/Trickle", 15))
        figures["no route"] = status(stream("/none.Such/Trickle", 10, ("x-none", "1")))
        figures["target too long"] = status(stream("/test.Echo/" + "x" * 20_000, 10))
        figures["head too large"] = status(stream("/test.Echo/Trickle", 10, ("x-large", "x" * 70_000)))
        figures["too many fields"] = status(stream("/test.Echo/Trickle", 10, *((f"x-{number}", "1") for number in range(150))))
        figures["a name with an underscore"] = status(stream("/test.Echo/Count", 10, ("request_id", "1")))
    if "WEFT_NODE_MODULES" in os.environ:
        out = subprocess.run(["node", f"{honest.HERE}/grpc_ends.mjs", str(port)], capture_output=True, text=True, timeout=40)
        figures["grpc-js"] = json.loads(out.stdout or "{}") or out.stderr
    honest.report(**figures)


main(honest.stand())
