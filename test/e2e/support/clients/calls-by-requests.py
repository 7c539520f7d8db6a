"""Calls an origin by requests, and prints what it answered: python3 calls-by-requests.py URL"""

import sys

import requests

for path, body in ("/next", None), ("/next", None), ("/echo", "hello"):
    response = requests.request("GET" if body is None else "POST", sys.argv[1] + path, data=body)
    print(response.status_code, response.text)
