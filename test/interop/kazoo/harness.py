"""What the kazoo checks share: the register of checks, clients, the proxy, and waiting."""
import os
import socket
import sys
import threading
import time
import traceback
import uuid

from kazoo.client import KazooClient

SERVER = sys.argv[1]
PROXY = os.environ.get("INTEROP_PROXY", SERVER)
REAP_SECONDS = int(os.environ.get("INTEROP_REAP_MS", "130000")) / 1000
CHECK_LIMIT_SECONDS = 90
checks = []


def check(name):
    """Registers a check. It is called with a fresh root path of its own."""

    def register(body):
        checks.append((name, body))
        return body

    return register


def check_with_restart(name):
    """A check that restarts the server: left out where the runner has not started it."""
    return check(name) if os.environ.get("INTEROP_CAN_RESTART") == "yes" else lambda body: body


def client(server=SERVER, **options):
    """A started client. The long connect limit is for machines that are busy."""
    zk = KazooClient(hosts=server, timeout=options.pop("timeout", 10.0), **options)
    zk.start(timeout=20)
    return zk


class Clients:
    """Clients that are all stopped at the end of a `with` block, whatever happened."""

    def __init__(self, count=1, **options):
        self.count = count
        self.options = options
        self.all = []

    def __enter__(self):
        self.all = [client(**self.options) for _ in range(self.count)]
        return self.all[0] if self.count == 1 else self.all

    def __exit__(self, *_):
        for zk in self.all:
            zk.stop()
            zk.close()


def proxy(word):
    """Sends one command to the runner's proxy, and waits until it is done."""
    host, port = os.environ["INTEROP_PROXY_CONTROL"].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as control:
        control.sendall(word.encode() + b"\n")
        answer = control.recv(16)
        assert answer == b"done\n", answer


def eventually(condition, what, seconds=20):
    """Waits until condition() is true; fails with `what` if it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("never happened within %s s: %s" % (seconds, what))


def raises(kind, call, *args, **kwargs):
    try:
        result = call(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError("%s expected, but the call returned %r" % (kind.__name__, result))


def equal(actual, expected, what=""):
    assert actual == expected, "%s is %r, should be %r" % (what or "value", actual, expected)


def in_threads(count, body):
    """Runs body(0..count-1) at once, and raises the first failure of any."""
    failures = []

    def guarded(index):
        try:
            body(index)
        except BaseException as error:  # reported below, in the caller's thread
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CHECK_LIMIT_SECONDS)
        assert not thread.is_alive(), "a thread did not end"
    if failures:
        raise failures[0]


def run_one(name, body):
    root = "/interop-kazoo-%s" % uuid.uuid4().hex[:12]
    result = []

    def guarded():
        try:
            body(root)
            result.append(None)
        except BaseException as error:
            traceback.print_exc()
            result.append("%s: %s" % (type(error).__name__, error))

    started = time.monotonic()
    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(CHECK_LIMIT_SECONDS)
    reason = result[0] if result else "not finished after %s s" % CHECK_LIMIT_SECONDS
    milliseconds = int((time.monotonic() - started) * 1000)
    if reason is None:
        print("ok %d %s" % (milliseconds, name), flush=True)
    else:
        text = " ".join(str(reason).split())
        print("not ok %d %s :: %s" % (milliseconds, name, text), flush=True)
    return reason is None


def run_all():
    wanted = [(n, b) for n, b in checks if os.environ.get("INTEROP_MATCH", "") in n]
    for name, _ in wanted:
        print("plan %s" % name, flush=True)
    results = [run_one(name, body) for name, body in wanted]
    # Threads of a check that hangs must not keep the process alive.
    sys.stdout.flush()
    os._exit(0 if all(results) else 1)
