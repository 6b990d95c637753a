"""A network link on which every packet travels so many milliseconds, by a TUN device: NETWORK.2 is this machine at the other end.

What goes to NETWORK.2 is what comes from it: with its two addresses exchanged, a packet to the far end is one from it, and the
sums in its headers stay right. So handshakes of TCP take as long as they do on a real link, unlike through a proxy that waits.

usage: delayed-link.py DEVICE NETWORK MILLISECONDS, e.g. delayed-link.py delay0 10.99.0 10
"""

import collections, fcntl, os, select, struct, subprocess, sys, time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000

device, network, delay = sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000
tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
subprocess.run(["ip", "addr", "add", network + ".1/24", "dev", device], check=True)
subprocess.run(["ip", "link", "set", device, "up"], check=True)
print("ready", flush=True)

travelling = collections.deque()
while True:
    wait = None if not travelling else max(0.0, travelling[0][0] - time.monotonic())
    readable, _, _ = select.select([tun, 0], [], [], wait)
    if 0 in readable:
        break  # whoever started this has ended
    if tun in readable:
        packet = os.read(tun, 65536)
        if packet[0] >> 4 == 4:
            travelling.append((time.monotonic() + delay, packet[:12] + packet[16:20] + packet[12:16] + packet[20:]))
    while travelling and travelling[0][0] <= time.monotonic():
        os.write(tun, travelling.popleft()[1])
