"""Calls an origin by aiohttp, and prints what it answered: python3 calls-by-aiohttp.py URL"""

import asyncio
import sys

import aiohttp


async def main():
    # Without trust_env aiohttp reads no HTTP_PROXY.
    async with aiohttp.ClientSession(trust_env=True) as session:
        for path, body in ("/next", None), ("/next", None), ("/echo", "hello"):
            method = "GET" if body is None else "POST"
            async with session.request(method, sys.argv[1] + path, data=body) as response:
                print(response.status, await response.text())


asyncio.run(main())
