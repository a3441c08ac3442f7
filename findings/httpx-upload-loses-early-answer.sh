#!/usr/bin/env bash
# httpx 0.28.1 with httpcore 1.0.9 and h2 4.4.1 (PyPI), HTTP/2 over plaintext, loopback.
#
# Believed: a client that uploads sees an answer that comes before the end of its upload. A server may answer early, with END_STREAM, without
#           reading the body (RFC 9113, 8.1); 413 is the usual case, and curl and Node show it.
# Seen:     an upload of up to 65,535 bytes, the initial window of a stream, gets the answer. One byte more and the client waits for a
#           window that nobody will open, although the whole answer has arrived: it raises ReadTimeout after its own time limit, and the
#           413 is lost. A server that wants to be heard has to read the rest of the upload, as if it wanted it.
#
# Ends with 0 while this is so, with 1 when it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check httpx==0.28.1 httpcore==1.0.9 h2==4.4.1
cat > "$folder/early.py" <<'PYTHON'
import socket
import threading

import h2.config
import h2.connection
import h2.events
import httpx

WINDOW = 65_535


def serve(listener):
    """Answers every request at once with a whole 413, and opens no window."""
    while True:
        client, _ = listener.accept()
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        client.sendall(connection.data_to_send())
        while data := client.recv(65_536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    connection.send_headers(event.stream_id, [(":status", "413")])
                    connection.send_data(event.stream_id, b"too large", end_stream=True)
            client.sendall(connection.data_to_send())
        client.close()


def upload(port, size):
    with httpx.Client(http1=False, http2=True, timeout=4) as client:
        try:
            return client.post(f"http://127.0.0.1:{port}/", content=b"x" * size).status_code
        except httpx.HTTPError as error:
            return type(error).__name__


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
port = listener.getsockname()[1]
seen = [upload(port, size) for size in (1_000, WINDOW, WINDOW + 1, 1_000_000)]
print("1,000 bytes, the window, one more, 1 MB:", *seen)
raise SystemExit(0 if seen == [413, 413, "ReadTimeout", "ReadTimeout"] else 1)
PYTHON
timeout 90 "$folder/venv/bin/python" "$folder/early.py"
