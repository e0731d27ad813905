import { beforeAll, describe, expect, it } from "vitest";
import { type SharedWorker, sharedWorker } from "../shared-worker.ts";
import { photo } from "./pictures.ts";

let worker: SharedWorker;
beforeAll(async () => {
  worker = await sharedWorker("open");
});

interface Event {
  status: string;
  rowsDone: number;
  rowsTotal: number;
  samples: { index: number; tokens: number[]; dataUri: string }[];
  completion: { seed: number; input: { tokens: number[] }; samples: { image: { tokens: number[] } }[] } | null;
}

const QUERY = `subscription ($image: ImageInput!, $samples: Int! = 1, $options: CompleteOptions) {
  complete(image: $image, samples: $samples, options: $options) {
    status rowsDone rowsTotal
    samples { index tokens dataUri(width: 64) }
    completion { seed input { tokens } samples { image { tokens } } }
  }
}`;

function subscribe(variables: Record<string, unknown>, signal?: AbortSignal): Promise<Response> {
  return worker.request("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query: QUERY, variables: { image: photo, ...variables } }),
    signal: signal ?? null,
  });
}

/** The `next` events of a server-sent event stream (GraphQL over SSE, distinct connections mode). */
async function* eventsOf(response: Response): AsyncGenerator<Event> {
  let text = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = /^data: (.+)$/m.exec(block)?.[1];
      if (block.includes("event: next") && data) yield JSON.parse(data).data.complete;
    }
  }
}

describe("Subscription.complete", () => {
  it("sends the pictures so far after each row, then the result, the same as the query's", async () => {
    const response = await subscribe({ samples: 2, options: { keepRows: 28, seed: 5 } });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const events: Event[] = [];
    for await (const event of eventsOf(response)) events.push(event);

    expect(events.map((event) => event.rowsDone)).toEqual([0, 1, 2, 3, 4, 4]);
    const last = events[events.length - 1];
    expect(last).toMatchObject({ status: "SUCCEEDED", rowsDone: 4, rowsTotal: 4 });
    for (const { status, rowsDone, samples } of events.slice(0, -1)) {
      expect(status).toBe("RUNNING");
      for (const { tokens, dataUri } of samples) {
        expect(tokens.indexOf(-1)).toBe(rowsDone === 4 ? -1 : (28 + rowsDone) * 32);
        expect(dataUri).toMatch(/^data:image\/png;base64,/);
      }
    }
    const query = await worker.data<{ complete: Event["completion"] }>(
      `query ($image: ImageInput!) { complete(image: $image, samples: 2, options: { keepRows: 28, seed: 5 }) {
        seed input { tokens } samples { image { tokens } } } }`,
      { image: photo },
    );
    expect(last?.completion).toEqual(query.complete);
  });

  it("answers wrong options in the stream", async () => {
    const text = await (await subscribe({ options: { keepRows: 99 } })).text();
    expect(text).toContain("BAD_OPTION");
  });

  it.each([
    ["samples", { samples: "many" }, "BAD_OPTION"],
    ["an image", { image: {} }, "BAD_IMAGE"],
  ])("answers %s of another type with the query's code", async (_, variables, code) => {
    expect(await (await subscribe(variables)).text()).toContain(`"code":"${code}"`);
  });

  it("ends its work when the client goes away, and others go on", async () => {
    const memory = async () => (await worker.request("/healthz")).status;
    for (let i = 0; i < 4; i++) {
      const controller = new AbortController();
      const response = await subscribe({ samples: 4, options: { keepRows: 0 } }, controller.signal);
      const events = eventsOf(response);
      await events.next();
      controller.abort();
      await events.next().catch(() => undefined);
    }
    expect(await memory()).toBe(200);
    const after = await worker.data<{ complete: { status: string } }>(
      "query ($image: ImageInput!) { complete(image: $image, options: { keepRows: 31 }) { status } }",
      { image: photo },
    );
    expect(after.complete.status).toBe("SUCCEEDED");
  });
});
