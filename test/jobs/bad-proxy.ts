import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the proxy does to an inference's answer. Everything else passes through it unharmed. */
export type Harm =
  | "nothing"
  /** Is kept back until `release` is called. */
  | "held"
  /** Answers only after twenty seconds. */
  | "slow"
  | "status 500"
  | "status 503"
  | "status 400"
  | "status 401"
  | "status 404"
  | "status 422"
  /** To the origin itself: who follows it gets a sound answer. */
  | "redirect"
  | "hangs up"
  | "truncated"
  | "garbage"
  | "wrong shape"
  | "wrong version"
  | "colour out of palette";

/** Stands between the Worker and a real origin, and breaks things. */
export class BadProxy {
  /** The next inferences' lots, one each; after them nothing is done. */
  harms: Harm[] = [];
  /** For all of them. */
  always: Harm = "nothing";
  /** Inferences so far. */
  calls = 0;
  readonly #target: string;
  readonly #server: Server;
  #held: (() => void)[] = [];

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => this.#handle(request, response));
  }

  static async start(target: string): Promise<BadProxy> {
    const proxy = new BadProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Inferences that are kept back. */
  get held(): number {
    return this.#held.length;
  }

  /** Lets the oldest `count` of them go on. */
  release(count = Number.POSITIVE_INFINITY): void {
    for (const go of this.#held.splice(0, count)) go();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const isInference = request.url?.endsWith("/infer") === true;
    if (isInference) this.calls++;
    const harm = isInference ? (this.harms.shift() ?? this.always) : "nothing";
    if (harm === "hangs up") {
      request.socket.destroy();
      return;
    }
    if (harm === "redirect") {
      request.resume();
      response.writeHead(307, { location: this.#target + request.url }).end();
      return;
    }
    if (harm.startsWith("status ")) {
      answer(request, response, Number(harm.slice(7)));
      return;
    }
    if (harm === "held") this.#held.push(() => this.#forward(request, response, harm));
    else this.#forward(request, response, harm);
  }

  #forward(request: IncomingMessage, response: ServerResponse, harm: Harm): void {
    const { headers, method, url } = request;
    const onward = forward(new URL(url ?? "/", this.#target), { method, headers }, async (answer) => {
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part as Buffer);
      if (harm === "slow") await new Promise((resolve) => setTimeout(resolve, 20_000));
      send(response, answer, harm, Buffer.concat(parts));
    });
    onward.once("error", () => response.destroy());
    request.pipe(onward);
  }
}

function answer(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume();
  response.writeHead(status, { "content-type": "application/json" }).end('{"error":"so it is"}');
}

function send(
  response: ServerResponse,
  { statusCode = 200, headers }: IncomingMessage,
  harm: Harm,
  body: Buffer,
): void {
  const length = Number(headers["inference-header-content-length"]);
  const json = (change: (text: string) => string) => {
    const header = Buffer.from(change(body.subarray(0, length).toString()));
    const whole = Buffer.concat([header, body.subarray(length)]);
    const lengths = {
      "inference-header-content-length": String(header.length),
      "content-length": String(whole.length),
    };
    response.writeHead(statusCode, { ...headers, ...lengths }).end(whole);
  };
  switch (harm) {
    case "truncated":
      response.writeHead(statusCode, headers);
      response.write(body.subarray(0, body.length / 2), () => response.destroy());
      break;
    case "garbage":
      response.writeHead(statusCode, headers).end(Buffer.alloc(body.length, "?"));
      break;
    case "wrong shape":
      json((text) => text.replace(/"shape":\[(\d+),(\d+)\]/, (_, b, r) => `"shape":[${Number(r)},${Number(b)}]`));
      break;
    case "wrong version":
      json((text) => text.replace(/"model_version":"\d+"/, '"model_version":"999999999"'));
      break;
    case "colour out of palette": {
      const changed = Buffer.from(body);
      changed.writeBigInt64LE(512n, length);
      response.writeHead(statusCode, headers).end(changed);
      break;
    }
    default:
      response.writeHead(statusCode, headers).end(body);
  }
}
