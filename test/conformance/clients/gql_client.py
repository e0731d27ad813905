"""What Python's gql is answered, as JSON: gql_client.py ENDPOINT AUTHORIZATION PICTURE < operations"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from pathlib import Path

from gql import Client, FileVar, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport

TRANSPORTS = {"httpx": HTTPXTransport, "httpx, async": HTTPXAsyncTransport, "aiohttp": AIOHTTPTransport}


async def main(endpoint: str, authorization: str, picture: Path) -> None:
    operations = json.load(sys.stdin)
    image = {"base64": base64.b64encode(picture.read_bytes()).decode()}
    print(json.dumps({name: await answers(name, endpoint, authorization, picture, image, operations) for name in TRANSPORTS}))


async def answers(name: str, endpoint: str, authorization: str, picture: Path, image: dict, operations: dict) -> dict:
    def client(key: str) -> Client:
        return Client(transport=TRANSPORTS[name](url=endpoint, headers={"authorization": key}, timeout=120))

    async def ask(query: str, variables: dict, key: str = authorization, **options: bool) -> dict:
        request = gql(query)
        request.variable_values = variables
        try:
            if TRANSPORTS[name] is HTTPXTransport:
                return {"data": await asyncio.to_thread(client(key).execute, request, **options), "codes": []}
            async with client(key) as session:
                return {"data": await session.execute(request, **options), "codes": []}
        except TransportQueryError as error:
            return {"data": error.data, "codes": [each["extensions"]["code"] for each in error.errors or []]}

    return {
        "completed": await ask(operations["complete"], {"image": image}),
        "uploaded": await ask(operations["upload"], {"file": FileVar(str(picture))}, upload_files=True),
        "broken": await ask(operations["complete"], {"image": {"base64": "bm8gcGljdHVyZQ=="}}),
        "unknown": await ask(operations["unknown"], {}),
        "stranger": await ask(operations["complete"], {"image": image}, key="Bearer igpt_sk_wrong"),
    }


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
