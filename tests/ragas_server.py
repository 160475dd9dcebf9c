"""A server on loopback that answers the prompts of ragas: supported is what stands in the context."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def ragas_server(said=lambda reply: json.dumps(reply)):
    """Its address without the model; ``said`` makes the message's text of a proper reply."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = said(reply(body["messages"][0]["content"]))
            content = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/v1"
        finally:
            running.shutdown()


def reply(prompt):
    given = json.loads(prompt.rpartition("\ninput: ")[2].rpartition("\nOutput:")[0])
    match sorted(given):
        case ["answer", "question"]:
            return {"statements": sentences(given["answer"])}
        case ["answer", "context", "question"]:
            found = [(one, int(one in given["context"])) for one in sentences(given["answer"])]
            return {
                "classifications": [
                    {"statement": one, "reason": "", "attributed": verdict} for one, verdict in found
                ]
            }
        case ["context", "statements"]:
            found = [(one, int(one in given["context"])) for one in given["statements"]]
            return {
                "statements": [{"statement": one, "reason": "", "verdict": verdict} for one, verdict in found]
            }
        case ["context", "response"]:
            return {"rating": 2 * (given["response"] in given["context"])}
        case ["atomicity", "coverage", "response"]:
            return {"claims": sentences(given["response"])}
    raise ValueError(sorted(given))


def sentences(text):
    return [part.strip() + "." for part in text.split(".") if part.strip()]
