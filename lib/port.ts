import { createServer } from "node:net";

/** A port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error("No free port.");
  return port;
}

/** Whether nobody listens on a port of this machine. */
export async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

/** A port as it was given on a command line. @returns undefined: it is none */
export function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

async function listenOnce(port: number): Promise<number | undefined> {
  const server = createServer();
  const address = await new Promise<ReturnType<typeof server.address>>((resolve) => {
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => resolve(server.address()));
  });
  await new Promise((resolve) => server.close(resolve));
  return address === null || typeof address === "string" ? undefined : address.port;
}
