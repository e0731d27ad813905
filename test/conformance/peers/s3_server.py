"""An S3 server (moto) that checks signatures and permissions, each bucket with a folder's files. Prints where it is and a
key that may read, as JSON; ends with its standard input. Usage: s3_server.py BUCKET=FOLDER ..."""

import json
import os
import sys
from pathlib import Path

os.environ.update(AWS_ACCESS_KEY_ID="-", AWS_SECRET_ACCESS_KEY="-", AWS_DEFAULT_REGION="us-east-1")

import boto3
from moto.core.authorization import enable_iam_authentication
from moto.server import ThreadedMotoServer

READER = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}


def fill(url: str, bucket: str, folder: Path) -> None:
    s3 = boto3.client("s3", endpoint_url=url)
    s3.create_bucket(Bucket=bucket)
    for file in folder.rglob("*"):
        if file.is_file():
            s3.put_object(Bucket=bucket, Key=str(file.relative_to(folder)), Body=file.read_bytes())


def reader(url: str) -> dict[str, str]:
    iam = boto3.client("iam", endpoint_url=url)
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(READER))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    return {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]}


def main() -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    for argument in sys.argv[1:]:
        bucket, folder = argument.split("=", 1)
        fill(url, bucket, Path(folder))
    key = reader(url)
    with enable_iam_authentication():
        print(json.dumps({"url": url, **key}), flush=True)
        sys.stdin.read()
    server.stop()


main()
