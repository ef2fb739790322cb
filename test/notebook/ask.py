"""Asks a kernel: `ask.py NAME FOLDER` starts the kernel in the folder and reads steps from stdin, a JSON list of
{"ask": request, "with": arguments of jupyter_client's method, "interrupt": seconds after which the kernel is interrupted, "together": more cells that are sent at once}.
Prints a JSON list of {"reply", "outputs": [[type, content]]} and, of a shutdown, "ended"."""

import json
import sys
import time

from jupyter_client.manager import KernelManager

patience = 60
manager = KernelManager(kernel_name=sys.argv[1])
manager.start_kernel(cwd=sys.argv[2])
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=patience)


def answer(message_id, channel):
    while True:
        reply = channel.get_msg(timeout=patience)
        if reply["parent_header"].get("msg_id") == message_id:
            break
    outputs = []
    states = []
    while states[-1:] != ["idle"]:
        message = client.get_iopub_msg(timeout=patience)
        if message["parent_header"].get("msg_id") != message_id:
            continue
        if message["msg_type"] == "status":
            states.append(message["content"]["execution_state"])
        else:
            outputs.append([message["msg_type"], message["content"]])
    return {"type": reply["msg_type"], "reply": reply["content"], "outputs": outputs, "states": states}


def raw(kind, channel):
    message = client.session.msg(kind, {})
    channel.send(message)
    return message["header"]["msg_id"]


answers = []
for step in json.load(sys.stdin):
    kind = step["ask"]
    arguments = step.get("with", {})
    channel = client.shell_channel
    if kind in ("interrupt", "shutdown"):
        channel = client.control_channel
    if kind == "interrupt":
        message_id = raw("interrupt_request", channel)
    else:
        message_id = getattr(client, kind)(**arguments)
    others = [client.execute(code) for code in step.get("together", [])]
    if "interrupt" in step:
        time.sleep(step["interrupt"])
        manager.interrupt_kernel()
    result = answer(message_id, channel)
    result["others"] = [answer(other, channel)["reply"] for other in others]
    if kind == "shutdown":
        limit = time.time() + 10
        while manager.is_alive() and time.time() < limit:
            time.sleep(0.02)
        result["ended"] = not manager.is_alive()
    answers.append(result)

json.dump(answers, sys.stdout)
client.stop_channels()
if manager.is_alive():
    manager.shutdown_kernel(now=True)
