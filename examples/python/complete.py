"""Completes a picture two ways, saves the samples, and embeds it: python complete.py PICTURE [FOLDER]"""

import base64
import os
import sys
from pathlib import Path

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXTransport

ENDPOINT = os.environ.get("IGPT_ENDPOINT", "http://127.0.0.1:8787/graphql")
KEY = os.environ.get("IGPT_KEY")

QUERY = gql("""
    query ($image: ImageInput!) {
        complete(image: $image, samples: 2, options: { seed: 1 }) {
            samples { index nllPerPixel image { dataUri(width: 256) } }
        }
        embed(image: $image) { dimensions vector }
    }
""")


def main() -> None:
    picture, folder = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ".")
    headers = {"authorization": f"Bearer {KEY}"} if KEY else None
    client = Client(transport=HTTPXTransport(url=ENDPOINT, headers=headers, timeout=60))
    QUERY.variable_values = {"image": {"base64": base64.b64encode(picture.read_bytes()).decode()}}
    try:
        answer = client.execute(QUERY)
    except TransportQueryError as error:
        for each in error.errors or []:
            print(f"{each['extensions']['code']}: {each['message']}", file=sys.stderr)
        sys.exit(1)
    for sample in answer["complete"]["samples"]:
        file = folder / f"sample-{sample['index']}.png"
        file.write_bytes(base64.b64decode(sample["image"]["dataUri"].partition(",")[2]))
        print(f"{sample['nllPerPixel']:.3f} {file}")
    print(f"embedding of {answer['embed']['dimensions']} numbers")


if __name__ == "__main__":
    main()
