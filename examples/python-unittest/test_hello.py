"""python3 -m unittest discover -s examples/python-unittest

A client in any language: the control API is JSON over HTTP. Only Python's standard library is used; `softprobe`
may be named by the environment variable SOFTPROBE, and is else the one of this repository.
"""

import json
import os
import shlex
import socket
import subprocess
import unittest
import urllib.error
import urllib.request
from pathlib import Path

HELLO = Path(__file__).resolve().parent.parent / "hello"
SOFTPROBE = shlex.split(os.environ.get("SOFTPROBE", f"node {HELLO.parent.parent}/bin/softprobe-proxy.js"))
NODE = os.environ.get("NODE", "node")

# Calls of the tests must not go through the proxy that they control, whatever the environment says.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Session:
    """A session of the runtime: what a test arranges for the requests that carry its id."""

    def __init__(self, control, mode, policy=None):
        self.control = control
        self.id = self._call("/v1/sessions", {"mode": mode, "policy": policy or {}})["sessionId"]
        self.headers = {"x-softprobe-session-id": self.id}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._call(f"/v1/sessions/{self.id}/close", {})

    def rules(self, *rules):
        """All rules of the session; of those that match a request, the last one answers it."""
        self._call(f"/v1/sessions/{self.id}/rules", {"version": 1, "rules": rules})

    def misses(self):
        return self._call(f"/v1/sessions/{self.id}/misses")["misses"]

    def _call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data, {"content-type": "application/json"})
        with DIRECT.open(request) as answer:
            return json.load(answer)


def mock(path, body, **more):
    response = {"status": 200, "body": body}
    return {"when": {"direction": "outbound", "path": path}, "then": {"action": "mock", "response": response}, **more}


class HelloTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        listeners = ["ingress", "egress", "control", "admin"]
        cls.proxy = subprocess.Popen(
            [
                *[*SOFTPROBE, "start", "--json", "--log-level=warn", f"--app-url=http://127.0.0.1:{port}"],
                *(f"--{name}-port=0" for name in listeners),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        cls.addClassCleanup(stop, cls.proxy)
        ready = json.loads(cls.proxy.stdout.readline())
        cls.ingress, cls.egress, cls.control = (ready[name]["url"] for name in listeners[:3])
        cls.service = subprocess.Popen(
            [NODE, str(HELLO / "app.js")],
            env={
                **os.environ,
                "PORT": str(port),
                "UPSTREAM_URL": "http://greetings.test",
                "HTTP_PROXY": cls.egress,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        cls.addClassCleanup(stop, cls.service)
        cls.service.stdout.readline()

    def hello(self, session):
        request = urllib.request.Request(self.ingress + "/hello", headers=session.headers)
        try:
            with DIRECT.open(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_greets_with_what_the_dependency_says(self):
        with Session(self.control, "replay") as session:
            session.rules(mock("/greeting", {"greeting": "world"}))
            self.assertEqual(self.hello(session), (200, "hello, world\n"))

    def test_answers_in_turn(self):
        with Session(self.control, "replay") as session:
            session.rules(
                mock("/greeting", {"greeting": "from then on"}),
                mock("/greeting", {"greeting": "once"}, consume="once"),
            )
            self.assertEqual(self.hello(session), (200, "hello, once\n"))
            self.assertEqual(self.hello(session), (200, "hello, from then on\n"))

    def test_a_call_that_nobody_answers_is_told(self):
        with Session(self.control, "replay", policy={"offline": True}) as session:
            self.assertEqual(self.hello(session), (502, "the upstream said 599\n"))
            self.assertEqual(session.misses()[0]["request"]["url"], "http://greetings.test/greeting")


def stop(process):
    process.terminate()
    process.wait(timeout=20)
    process.stdout.close()


if __name__ == "__main__":
    unittest.main()
