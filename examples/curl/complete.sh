#!/usr/bin/env bash
# Completes a picture two ways and prints the answer: complete.sh PICTURE
set -euo pipefail
endpoint=${IGPT_ENDPOINT:-http://127.0.0.1:8787/graphql}
picture=${1:?which picture?}

headers=(-H 'content-type: application/json')
if [ -n "${IGPT_KEY:-}" ]; then headers+=(-H "authorization: Bearer $IGPT_KEY"); fi

# The body comes from standard input: a photo is too long for a command line.
curl -sS --fail-with-body "$endpoint" "${headers[@]}" -d @- <<JSON
{
  "query": "query (\$image: ImageInput!) { complete(image: \$image, samples: 2, options: { seed: 1 }) { seed samples { nllPerPixel image { url(width: 256) } } } }",
  "variables": { "image": { "base64": "$(base64 <"$picture" | tr -d '\n')" } }
}
JSON
