import { afterAll, describe, expect, it } from "vitest";
import { startWorker, type TestWorker } from "../harness.ts";
import { bearer } from "./admin.ts";

const workers: TestWorker[] = [];
async function start(vars: Record<string, string>): Promise<TestWorker> {
  const worker = await startWorker({ vars, models: null });
  workers.push(worker);
  return worker;
}
afterAll(() => Promise.all(workers.map((worker) => worker.close())));

const VIEWER = "{ viewer { key { id } usage { requestsPerMinute } } }";

describe("a request without a key", () => {
  it("in development may do all but administer, and has no limits", async () => {
    const worker = await start({});
    expect(await worker.data<object>(VIEWER)).toEqual({ viewer: { key: null, usage: { requestsPerMinute: null } } });
    const { errors } = await worker.ask("{ apiKeys { id } }");
    expect(errors[0]?.extensions.code).toBe("UNAUTHENTICATED");
    // A bad key is refused even where none is needed.
    for (const header of [bearer("igpt_sk_nonsense"), { authorization: "Basic dTpw" }]) {
      const answer = await worker.ask(VIEWER, {}, header);
      expect([answer.status, answer.errors[0]?.extensions.code]).toEqual([401, "UNAUTHENTICATED"]);
    }
  });

  it("is never an admin, and is limited where variables say so", async () => {
    const worker = await start({ ANONYMOUS_SCOPES: "EMBED,ADMIN", ANONYMOUS_REQUESTS_PER_MINUTE: "3" });
    expect((await worker.ask("{ apiKeys { id } }")).errors[0]?.extensions.code).toBe("UNAUTHENTICATED");
    const field = 'embed(image: { base64: "x" }) { dimensions }';
    const answers = await Promise.all(Array.from({ length: 8 }, () => worker.ask(`{ ${field} }`)));
    const limited = answers.filter(({ errors }) => errors[0]?.extensions.code === "RATE_LIMITED");
    expect(limited.length).toBe(5);
    expect(
      (await worker.ask(`{ ${field.replace("embed", "complete").replace("dimensions", "seed")} }`)).errors[0],
    ).toMatchObject({
      extensions: { code: "UNAUTHENTICATED" },
    });
  });

  it("is held off by the flood guard where that is on", async () => {
    const worker = await start({ FLOOD_GUARD: "on" });
    // Its windows of 10 s begin by the clock, so that two of them may share the first requests.
    const responses: Response[] = [];
    const refused = () => responses.filter(({ status }) => status === 429);
    while (refused().length === 0 && responses.length < 3000) {
      responses.push(...(await Promise.all(Array.from({ length: 50 }, () => worker.request("/graphql?query=x")))));
    }
    expect(refused().length).toBeGreaterThan(0);
    expect(responses.length - refused().length).toBeGreaterThanOrEqual(300);
    expect(refused()[0]?.headers.get("retry-after")).toBe("10");
    expect(await refused()[0]?.json()).toMatchObject({ errors: [{ extensions: { code: "RATE_LIMITED" } }] });
  });
});
