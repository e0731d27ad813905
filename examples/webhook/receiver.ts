/** Receives webhooks and believes only those that are signed with the key's webhook secret: npx tsx examples/webhook/receiver.ts */
import { createServer, type IncomingMessage } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

interface CompletionEvent {
  type: "completion.succeeded" | "completion.failed" | "completion.cancelled";
  data: { id: string; status: string; error: { code: string; message: string } | null };
}

const { PORT = "9100", IGPT_WEBHOOK_SECRET = "" } = process.env;
const webhook = new Webhook(IGPT_WEBHOOK_SECRET);
/** A delivery may come twice: its id stays the same. A real receiver keeps them in its database. */
const seen = new Set<string>();

const server = createServer(async (request, response) => {
  try {
    const id = String(request.headers["webhook-id"]);
    // The signature is over the bytes as they came: parse nothing before it is checked.
    const event = webhook.verify(await bodyOf(request), headersOf(request)) as CompletionEvent;
    response.writeHead(204).end();
    if (seen.has(id)) return;
    seen.add(id);
    console.log(`${event.type} ${event.data.id}`);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.log(`refused: ${error.message}`);
    response.writeHead(401).end();
  }
});
server.listen(Number(PORT), "127.0.0.1", () => console.log("listening"));

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
