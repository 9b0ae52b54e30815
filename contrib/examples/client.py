#!/usr/bin/env python3
"""client.py: a client with nothing but Python's library: requests, errors, and retries that do nothing twice.

usage: client.py URL NAME     makes a pool NAME with two servers, and shows it
"""
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Refused(Exception):
    """A response with a status from 400 on: .status, and .message, what the server says."""

    def __init__(self, status, message):
        super().__init__("%d %s" % (status, message))
        self.status, self.message = status, message


class Muster:
    def __init__(self, url, token=None, tries=5):
        self.url, self.token, self.tries = url.rstrip("/"), token, tries

    def request(self, method, path, parameters=(), **headers):
        """The status and what the JSON says. Parameters: pairs, or a dict whose values may be lists."""
        text = urllib.parse.urlencode(parameters, doseq=True)
        url, body = self.url + urllib.parse.quote(path, safe="/%"), None
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "GET":
            url += "?" + text if text else ""
        else:
            body = text.encode()
            # With its key, a write that comes again is not done again: it gets the response of the first.
            headers["Idempotency-Key"] = str(uuid.uuid4())
        for left in reversed(range(self.tries)):
            try:
                request = urllib.request.Request(url, body, headers, method=method)
                if self.token:
                    # Not for the server that a redirect may name.
                    request.add_unredirected_header("Authorization", "Bearer " + self.token)
                with urllib.request.urlopen(request, timeout=60) as response:
                    text = response.read()
                    return response.status, json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                if error.code not in (429, 502, 503, 504) or not left:
                    text = error.read().decode()
                    try:
                        text = json.loads(text)
                    except ValueError:
                        pass
                    raise Refused(error.code, text) from None
                time.sleep(float(error.headers.get("Retry-After") or 1))
            except OSError:
                if not left:
                    raise
                time.sleep(1)


def main(url, name):
    muster = Muster(url)
    servers = [name + "-1", name + "-2"]
    status, made = muster.request("POST", "/entity/pool", {"name": name})
    print(made[0], status)
    muster.request("POST", "/entity/basicserver", {"name": servers})
    muster.request("POST", "/entity/pool/" + name, {"action": "insert", "device": servers})
    muster.request("PUT", "/attribute/%s/owner" % servers[0], {"value": "Zoë & co"}, Clusto_Description="an example")
    _, found = muster.request("GET", "/query", {"q": 'within "%s"' % name, "fields": "name,attr owner"})
    for row in found:
        print(row["name"], ", ".join(row["attr owner"]) or "nobody's")
    try:
        muster.request("GET", "/by-name/%s-3" % name)
    except Refused as refused:
        print(refused)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
