import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { beforeAll, describe, expect, it } from "vitest";
import { issueKey } from "../access/admin.ts";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { ended, picture, submit, submitted } from "./client.ts";

interface Delivery {
  headers: Record<string, string>;
  body: string;
}

/** A webhook's receiver that answers each delivery with the next status, and at last with 200. */
async function startReceiver(
  statuses: number[],
  port = 0,
): Promise<{ url: string; port: number; deliveries: Delivery[]; server: Server }> {
  const deliveries: Delivery[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    deliveries.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(parts).toString() });
    response.writeHead(statuses.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${address.port}/hook`, port: address.port, deliveries, server };
}

const options = { model: "igpt-small", keepRows: 31, seed: 1 };

describe("webhooks", () => {
  let worker: SharedWorker;
  let headers: Record<string, string>;
  let webhookSecret: string;
  beforeAll(async () => {
    worker = await sharedWorker("development");
    const key = await issueKey(worker, { scopes: ["JOBS"] });
    headers = { authorization: `Bearer ${key.secret}` };
    webhookSecret = key.webhookSecret;
  });

  it("tell of a job's end, signed, and again under the same id until they are taken", async () => {
    const { url, deliveries, server } = await startReceiver([500, 302]);
    const id = await submitted(worker, { image: picture(), samples: 2, options, webhookUrl: url }, headers);
    await until(() => deliveries.length >= 3);
    // A fourth would come two seconds later.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(deliveries).toHaveLength(3);
    expect(new Set(deliveries.map((delivery) => delivery.headers["webhook-id"]))).toEqual(new Set([`msg_${id}`]));
    for (const { body, headers } of deliveries) {
      const event = new Webhook(webhookSecret).verify(body, headers);
      expect(event).toMatchObject({
        type: "completion.succeeded",
        data: { id, status: "SUCCEEDED", samples: 2, engine: "kernel" },
      });
      expect(() => new Webhook(webhookSecret).verify(body.replace("SUCCEEDED", "FAILED"), headers)).toThrow();
    }
    server.close();
  });

  it("wait for a receiver that is down", async () => {
    const down = await startReceiver([]);
    await new Promise((resolve) => down.server.close(resolve));
    const id = await submitted(worker, { image: picture(1), samples: 1, options, webhookUrl: down.url }, headers);
    expect((await ended(worker, id, headers)).status).toBe("SUCCEEDED");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { deliveries, server } = await startReceiver([], down.port);
    await until(() => deliveries.length === 1);
    expect(deliveries[0]?.headers["webhook-id"]).toBe(`msg_${id}`);
    server.close();
  });

  it("are refused where pictures would be, and another's job is not there", async () => {
    for (const webhookUrl of [
      "http://example.com/",
      "https://10.0.0.1/",
      "https://metadata.google.internal/",
      "ftp://x.example/",
    ]) {
      const { userErrors } = await submit(worker, { image: picture(), options, webhookUrl }, headers);
      expect(userErrors, webhookUrl).toMatchObject([{ code: "URL_REFUSED", path: ["webhookUrl"] }]);
    }
    const id = await submitted(worker, { image: picture(), samples: 1, options }, headers);
    const other = await issueKey(worker, { scopes: ["JOBS"] });
    const query = `{ completion(id: "${id}") { id } }`;
    const theirs = await worker.data(query, {}, { authorization: `Bearer ${other.secret}` });
    expect(theirs).toEqual({ completion: null });
    const cancel = await worker.ask(
      `mutation { cancelCompletion(id: "${id}") { id } }`,
      {},
      { authorization: `Bearer ${other.secret}` },
    );
    expect(cancel.errors[0]?.extensions.code).toBe("NOT_FOUND");
    expect(await worker.data(query, {}, headers)).toEqual({ completion: { id } });
  });
});

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 50));
}
