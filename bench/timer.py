# Runs commands as ssh runs a ProxyCommand, with one end of a socketpair as stdin and stdout, and says how long each has taken. It is a
# process of its own because Node takes longer to start another program than `nc -F` takes for everything, and runs beside that.
#
# stdin: for each command a line of JSON, {"words": [...], "env": {...}}. stdout: {"ms", "status", "stderr"}, or {} if there is no such
# program.
import gc
import json
import socket
import subprocess
import sys
import tempfile
import time


def run(words, env):
    ours, theirs = socket.socketpair()
    with ours, theirs, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        try:
            child = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=errors, env=env)
        except FileNotFoundError:
            return {}
        status = child.wait()
        ms = (time.perf_counter() - start) * 1000
        errors.seek(0)
        return {"ms": ms, "status": status, "stderr": errors.read().decode(errors="replace")}


gc.disable()
for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), flush=True)
