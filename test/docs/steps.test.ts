/** A newcomer's way through the docs, command by command, in a copy of the project. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { commandsOf } from "./commands.ts";
import { readPages } from "./pages.ts";
import { ProjectCopy } from "./project-copy.ts";
import { openSession, type Session, STEPS } from "./steps.ts";

let session: Session;
beforeAll(() => {
  session = openSession(new ProjectCopy());
});
afterAll(() => session.project.close());

it.each(STEPS.map(({ commands, run }) => ({ command: commands[0], run })))(
  "$command",
  ({ run }) => run(session),
  // Builds, starts servers and draws pictures, on a machine that may be busy.
  300_000,
);

it("all of them are in the docs", () => {
  const documented = new Set(
    readPages()
      .flatMap(commandsOf)
      .map(({ text }) => text),
  );
  expect(STEPS.flatMap(({ commands }) => commands).filter((command) => !documented.has(command))).toEqual([]);
});
