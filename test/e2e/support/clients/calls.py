"""Calls an origin by urllib, and prints what it answered: python3 calls.py URL"""

import sys
from urllib.request import Request, urlopen

for path, body in ("/next", None), ("/next", None), ("/echo", b"hello"):
    with urlopen(Request(sys.argv[1] + path, body)) as response:
        print(response.status, response.read().decode())
