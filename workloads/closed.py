"""No network for a script that was not given it: opening a connection elsewhere is an error that says so.

Only what goes through Python's sockets is seen; a container has no network anyway.
"""
import socket


class Closed(object):
    """`wanted` is the first host that the script asked for, "" while there is none. `script`: its name, for people."""

    def __init__(self, script):
        self.wanted = ""
        self._script = script
        self._find, self._connect = socket.getaddrinfo, socket.socket.connect

    def message(self):
        return "%s wants the network (%s): `--network` allows it" % (self._script, self.wanted)

    def close(self):
        """From here on only this host can be reached."""
        closed, connect, connect_ex = self, self._connect, socket.socket.connect_ex

        def find(host, *args, **named):
            closed.check(host)
            return closed._find(host, *args, **named)

        def by_name(host, resolve=socket.gethostbyname):
            closed.check(host)
            return resolve(host)

        def connected(sock, address, connect=connect):
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                closed.check(address[0])
            return connect(sock, address)

        socket.getaddrinfo, socket.gethostbyname = find, by_name
        socket.socket.connect = connected
        socket.socket.connect_ex = lambda sock, address: connected(sock, address, connect_ex)

    def check(self, host):
        """Raises OSError for a host that is not this one."""
        host = host.decode("ascii", "replace") if isinstance(host, bytes) and bytes is not str else host
        if not self._here(host):
            self.wanted = self.wanted or str(host)
            raise OSError("%s wants the network (%s): `--network` allows it" % (self._script, host))

    def _here(self, host):
        if host in (None, "", "localhost", "localhost.localdomain", socket.gethostname()):
            return True
        try:
            found = self._find(host, 0, 0, socket.SOCK_DGRAM, 0, socket.AI_NUMERICHOST)[0]
            probe = socket.socket(found[0], socket.SOCK_DGRAM)
        except (socket.error, UnicodeError):  # a name
            return False
        try:
            probe.bind(found[4])  # possible for addresses of this host alone
            return True
        except socket.error:
            return False
        finally:
            probe.close()

    def caused(self, error):
        """Whether an exception comes from here, by what it holds, its causes, or its words."""
        seen, open_ = set(), [error]
        while open_:
            one = open_.pop()
            if id(one) in seen or not isinstance(one, BaseException):
                continue
            seen.add(id(one))
            if "wants the network (" in str(one):
                return True
            open_ += [getattr(one, name, None) for name in ("__cause__", "__context__", "reason")] + list(one.args)
        return False
