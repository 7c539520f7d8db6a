"""Calls an origin by httpx, and prints what it answered: python3 calls-by-httpx.py URL"""

import sys

import httpx

for path, body in ("/next", None), ("/next", None), ("/echo", "hello"):
    response = httpx.request("GET" if body is None else "POST", sys.argv[1] + path, content=body)
    print(response.status_code, response.text)
