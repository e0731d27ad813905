#!/usr/bin/env bash
# Embeds a picture that is sent as a file, without base64 (GraphQL multipart request specification): upload.sh PICTURE
set -euo pipefail
endpoint=${IGPT_ENDPOINT:-http://127.0.0.1:8787/graphql}
picture=${1:?which picture?}

# A form could come from any web page, so the API asks for a header that a page cannot add unasked.
headers=(-H 'x-graphql-yoga-csrf: 1')
if [ -n "${IGPT_KEY:-}" ]; then headers+=(-H "authorization: Bearer $IGPT_KEY"); fi

curl -sS --fail-with-body "$endpoint" "${headers[@]}" \
  -F 'operations={"query": "query ($file: File!) { embed(image: { file: $file }) { layer dimensions vector } }", "variables": { "file": null }}' \
  -F 'map={"0": ["variables.file"]}' \
  -F "0=@$picture"
