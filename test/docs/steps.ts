/** The commands of the docs that a newcomer runs on one machine, in an order in which they work, and what then holds. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import { expect } from "vitest";
import { freePort } from "../../lib/port.ts";
import type { ProjectCopy } from "./project-copy.ts";

/** What the steps share. */
export interface Session {
  project: ProjectCopy;
  /** Free ports in place of the ones that the docs name. */
  ports: Record<"8787" | "9000", number>;
  key: { id: string; secret: string };
}

interface Step {
  /** As the docs have it, or what is written there differently but is the same command. */
  commands: string[];
  run: (session: Session) => Promise<void>;
}

export function openSession(project: ProjectCopy): Session {
  return { project, ports: { 8787: 0, 9000: 0 }, key: { id: "", secret: "" } };
}

/** `.ci/run` itself begins with it, on a fresh clone. */
const INSTALL = "npm ci";

export const STEPS: Step[] = [
  step("npm run demo", async ({ project }, command) => {
    expect(await project.run(command)).toMatch(/the lower half drawn 4 ways[\s\S]*embedded: layer \d+, \d+ numbers/);
    expectSheet(project, "demo-out/samples.png");
  }),
  step("npm run demo -- --picture path/to/photo.jpg --temperature 0.9 --seed 7", async ({ project }, command) => {
    mkdirSync(join(project.directory, "path/to"), { recursive: true });
    cpSync(join(project.directory, "test/fixtures/phone.jpg"), join(project.directory, "path/to/photo.jpg"));
    expect(await project.run(command)).toContain("path/to/photo.jpg: the lower half drawn 4 ways");
  }),
  step("npm run origin -- --port 9000", async (session, command) => {
    session.ports[9000] = await freePort();
    await session.project.serve(withPorts(command, session), '"event":"listening"');
  }),
  {
    commands: ["npm run dev -- --port 8787 --origin http://127.0.0.1:9000", "npm run dev"],
    async run(session) {
      session.ports[8787] = await freePort();
      const command = withPorts("npm run dev -- --port 8787 --origin http://127.0.0.1:9000", session);
      await session.project.serve(command, "igpt-edge is ready at");
      for (const path of ["/", "/graphql", "/healthz", "/readyz"]) {
        const headers = { accept: "text/html" };
        expect((await fetch(`http://127.0.0.1:${session.ports[8787]}${path}`, { headers })).status, path).toBe(200);
      }
    },
  },
  step("npx tsx examples/job-contact-sheet/run.ts web/pictures/chelsea.jpg sheet.png", async (session, command) => {
    const { project, ports } = session;
    const printed = await project.run(command, { IGPT_ENDPOINT: `http://127.0.0.1:${ports[8787]}/graphql` });
    expect(printed).toContain("64 samples by kernel (ORIGIN)");
    const { width, height } = expectSheet(project, "sheet.png");
    // Eight columns and rows of 96 pixels, 8 between them.
    expect([width, height]).toEqual([8 * 104 + 8, 8 * 104 + 8]);
  }),
  step(
    "npm run keys -- create --name shop --scopes COMPLETE,EMBED --requests-per-minute 60 --pixels-per-month 5000000",
    makeKey,
  ),
  step("npm run keys -- list", async ({ project, key }, command) => {
    expect(await project.run(command)).toContain(key.id);
  }),
  step("npm run keys -- rotate key_... --grace-seconds 86400", async (session, command) => {
    const printed = await session.project.run(command.replace("key_...", session.key.id));
    const old = session.key.secret;
    session.key.secret = printed.trim().split("\n").at(-1) ?? "";
    expect(session.key.secret).not.toBe(old);
    for (const secret of [old, session.key.secret]) expect(await nameOfKey(session, secret)).toBe("shop");
  }),
  step("npm run keys -- revoke key_...", async (session, command) => {
    expect(await session.project.run(command.replace("key_...", session.key.id))).toContain("is revoked");
    expect(await nameOfKey(session, session.key.secret)).toBeUndefined();
  }),
  step("npm run models -- push", async ({ project }, command) => {
    addVersion(project);
    expect(await project.run(command)).toContain(`version ${ADDED}: published`);
  }),
  step("npm run models -- list", async ({ project }, command) => {
    expect(await project.run(command)).toContain(`igpt-base (default): version ${ADDED}`);
  }),
  step("npm run models -- verify", async ({ project }, command) => {
    expect(await project.run(command)).toMatch(/igpt-base version \d+: \d files as they should be/);
  }),
  step("npm run models -- rollback --model igpt-base", async ({ project }, command) => {
    expect(await project.run(command)).toMatch(/igpt-base is at version \d+ now/);
    expect(await project.run("npm run models -- list")).not.toContain(`(default): version ${ADDED}`);
  }),
  step("npm run models -- export-triton --dir FOLDER", async ({ project }, command) => {
    const printed = await project.run(command.replace("FOLDER", "triton-models"));
    expect(printed).toContain("config.pbtxt");
    expect(readFileSync(join(project.directory, "triton-models/triton/igpt-base/config.pbtxt"), "utf8")).toContain(
      "igpt",
    );
  }),
  step(
    "ORIGIN_TOKEN=a-long-random-secret npm run origin -- --port 9000 --models r2-assets",
    async ({ project }, command) => {
      const port = await freePort();
      const end = await project.serve(command.replace("9000", String(port)), '"event":"listening"');
      const status = async (token: string) =>
        (await fetch(`http://127.0.0.1:${port}/v2`, { headers: { authorization: `Bearer ${token}` } })).status;
      expect([await status("a-guess"), await status("a-long-random-secret")]).toEqual([401, 200]);
      await end();
    },
  ),
];

export function isStep(text: string): boolean {
  return text === INSTALL || STEPS.some(({ commands }) => commands.includes(text));
}

function step(command: string, run: (session: Session, command: string) => Promise<void>): Step {
  return { commands: [command], run: (session) => run(session, command) };
}

function withPorts(command: string, { ports }: Session): string {
  return command.replace(/\b(?:8787|9000)\b/g, (port) => String(port === "8787" ? ports[8787] : ports[9000]));
}

/** A picture of several samples: not of one colour, and larger than one of them. */
function expectSheet({ directory }: ProjectCopy, path: string): { width: number; height: number } {
  const { width, height, data } = PNG.sync.read(readFileSync(join(directory, path)));
  expect(width * height).toBeGreaterThan(4 * 32 * 32);
  expect(new Set(data).size).toBeGreaterThan(16);
  return { width, height };
}

/** Also while `npm run dev` runs, and known to its next request. */
async function makeKey(session: Session, command: string): Promise<void> {
  const lines = (await session.project.run(command)).trim().split("\n");
  session.key = { id: /key_\w+/.exec(lines.at(-3) ?? "")?.[0] ?? "", secret: lines.at(-1) ?? "" };
  expect(lines.at(-2)).toMatch(/^webhook secret: whsec_/);
  expect(await nameOfKey(session, session.key.secret)).toBe("shop");
}

async function nameOfKey({ ports }: Session, secret: string): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${ports[8787]}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${secret}` },
    body: JSON.stringify({ query: "{ viewer { key { name } } }" }),
  });
  const { data } = (await response.json()) as { data?: { viewer: { key: { name: string } } } | null };
  return data?.viewer.key.name;
}

/** A version after all others of the shipped model, with the same weights. */
const ADDED = "1000";

function addVersion({ directory }: ProjectCopy): void {
  const folder = join(directory, "r2-assets/models");
  const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as {
    models: Record<string, { version: string; versions: string[] }>;
  };
  const model = index.models["igpt-base"];
  if (!model) throw new Error("r2-assets has no igpt-base");
  const from = join(folder, "igpt-base", model.version);
  const to = join(folder, "igpt-base", ADDED);
  cpSync(from, to, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(from, "manifest.json"), "utf8")) as object;
  writeFileSync(join(to, "manifest.json"), JSON.stringify({ ...manifest, version: ADDED }));
  Object.assign(model, { version: ADDED, versions: [...model.versions, ADDED] });
  writeFileSync(join(folder, "index.json"), JSON.stringify(index));
}
