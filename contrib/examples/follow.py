#!/usr/bin/env python3
"""Keeps a file up to date with the inventory: a JSON object, /driver/name to its attributes.

usage: follow.py URL FILE [--once]

The cursor is kept in the file with the copy. --once: until there are no more changes.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def get(url, wait=0, **params):
    """JSON and headers. `wait`: for so many seconds, where there are no changes yet."""
    query = urllib.parse.urlencode(params)
    headers = {"Clusto-Mode": "expanded", "Clusto-Minify": "true", "Clusto-Wait": str(wait)}
    request = urllib.request.Request(f"{url}?{query}", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response), response.headers


def save(path, state):
    with open(path + ".new", "w", encoding="utf-8") as out:
        json.dump(state, out)
        out.flush()
        os.fsync(out.fileno())
    os.replace(path + ".new", path)


def read_all(url, cursor):
    """Everything, page by page; the cursor was taken before."""
    objects, after = {}, 0
    while after is not None:
        page, headers = get(f"{url}/entity/", clusto_after=after, clusto_per_page=500)
        for item in page:
            objects[f"/{item['driver']}/{item['name']}"] = item["attrs"]
        after = headers["Clusto-Next"]
    return {"cursor": cursor, "objects": objects}


def begin(url):
    return read_all(url, get(f"{url}/changes", since="now")[1]["Clusto-Next"])


def apply(url, state, event):
    """Reads a changed object again: that is right however often a change is told."""
    for path in (event["object"], event.get("was")):
        if path is None:
            continue
        try:
            driver, name = path[1:].split("/", 1)
            item, _ = get(f"{url}/entity/{driver}/{urllib.parse.quote(name, safe='')}")
            state["objects"][path] = item["attrs"]
        except urllib.error.HTTPError as error:
            if error.code not in (404, 409):
                raise
            state["objects"].pop(path, None)


def follow(url, state, wait):
    """One page of changes; True: there are more."""
    try:
        events, headers = get(f"{url}/changes", wait, since=state["cursor"], attrs="false")
    except urllib.error.HTTPError as error:
        if error.code != 410:
            raise
        state.update(read_all(url, error.headers["Clusto-Next"]))
        return True
    for event in events:
        apply(url, state, event)
    state["cursor"] = headers["Clusto-Next"]
    return headers["Clusto-More"] == "true"


def main(url, path, once):
    if os.path.exists(path):
        with open(path, encoding="utf-8") as kept:
            state = json.load(kept)
    else:
        state = begin(url)
    while True:
        try:
            began = time.monotonic()
            more = follow(url, state, 0 if once else 30)
            save(path, state)
        except (urllib.error.HTTPError, OSError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code not in (429, 502, 503):
                raise
            more = False
            print(f"follow.py: {error}, trying again", file=sys.stderr)
        else:
            if once and not more:
                return
        # Not in a hurry where nobody can wait: changes or not, one request a second.
        if not more:
            time.sleep(max(0, began + 1 - time.monotonic()))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], ["--once"]):
        sys.exit(__doc__)
    main(sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3:] == ["--once"])
