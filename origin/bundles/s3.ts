import { AwsClient } from "aws4fetch";
import type { Read } from "../../bundles/bundle.ts";

export interface S3Options {
  /** Of the bucket, path style: `https://ACCOUNT.r2.cloudflarestorage.com/BUCKET`, or any S3-compatible store's. */
  url: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** R2's is "auto". */
  region: string;
}

/** Objects of an S3-compatible bucket. Retries what S3 says may be retried (aws4fetch does: 5xx and 429). */
export function s3Read({ url, region, ...keys }: S3Options): Read {
  const client = new AwsClient({ ...keys, region, service: "s3", retries: 4 });
  const base = url.replace(/\/+$/, "");
  return async (key) => {
    const path = key.split("/").map(encodeURIComponent).join("/");
    const response = await client.fetch(`${base}/${path}`);
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`the bucket answered ${response.status} for ${key}`);
    return Buffer.from(await response.arrayBuffer());
  };
}
