"""A grpcio server and a grpcio client: `serve PORT` and `call PORT`; messages are bytes, no code is generated."""

import sys
from concurrent import futures

import grpc


def unary(request, context):
    context.set_trailing_metadata((("x-trailer", "kept"),))
    return request + b"!"


def server_stream(request, context):
    for number in range(5):
        yield request + str(number).encode()


def client_stream(requests, context):
    return b"+".join(requests)


def failing(request, context):
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today")


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Serve": grpc.unary_stream_rpc_method_handler(server_stream),
        "Send": grpc.stream_unary_rpc_method_handler(client_stream),
        "Fail": grpc.unary_unary_rpc_method_handler(failing),
    }),))
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    print("ready", flush=True)
    sys.stdin.read()
    server.stop(0)


def call(port):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer, run = channel.unary_unary("/test.Echo/Unary").with_call(b"hi", timeout=10)
        assert answer == b"hi!", answer
        assert ("x-trailer", "kept") in [tuple(pair) for pair in run.trailing_metadata()]
        assert list(channel.unary_stream("/test.Echo/Serve")(b"n", timeout=10)) == [b"n0", b"n1", b"n2", b"n3", b"n4"]
        sent = channel.stream_unary("/test.Echo/Send")(iter([b"a", b"b", b"c"]), timeout=10)
        assert sent == b"a+b+c", sent
        try:
            channel.unary_unary("/test.Echo/Fail")(b"", timeout=10)
            raise SystemExit("no failure")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.FAILED_PRECONDITION, error
            assert error.details() == "not today", error
    print("all calls went through")


{"serve": serve, "call": call}[sys.argv[1]](int(sys.argv[2]))
