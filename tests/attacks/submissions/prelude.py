# What attacks on the wire share: the host, its socket, and frames made by hand.
import gc
import os
import select
import struct
import sys
import threading
import time


def host():
    return next(o for o in gc.get_objects() if type(o).__name__ == "Host")


def everywhere(data):
    sock = host().channel.sock
    view = memoryview(data)
    while view:
        view = view[os.write(sock.fileno(), view) :]


def frame(kind, number, payload, length=None):
    return struct.pack("<IBI", len(payload) if length is None else length, kind, number) + payload


def frames():
    found = sys._getframe()
    while found is not None:
        yield found
        found = found.f_back


def swallow():
    """Keep the host's own answer to this call from being sent."""
    channel = host().channel

    def nothing(*args):
        del channel.send

    channel.send = nothing


def peek():
    """The frames that wait behind the one that is being answered."""
    channel = host().channel
    time.sleep(0.05)
    data = bytes(channel.view[channel.used : channel.have])
    if select.select([channel.sock], [], [], 0)[0]:
        data += channel.sock.recv(10**6)
    found = []
    while len(data) >= 9:
        length, kind, number = struct.unpack_from("<IBI", data)
        found.append((kind, number, data[9 : 9 + length]))
        data = data[9 + length :]
    return found
