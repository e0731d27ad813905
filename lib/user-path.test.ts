import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT } from "./root.ts";
import { shownPath, userPath } from "./user-path.ts";

const STOOD = process.cwd();
const { INIT_CWD } = process.env;
/** As npm does: scripts run in the project's root. */
beforeEach(() => process.chdir(ROOT));
afterEach(() => {
  process.chdir(STOOD);
  if (INIT_CWD === undefined) delete process.env.INIT_CWD;
  else process.env.INIT_CWD = INIT_CWD;
});

describe("a path from a command line", () => {
  it("is below where npm was called", () => {
    process.env.INIT_CWD = "/somewhere/else";
    expect(userPath("out.png")).toBe("/somewhere/else/out.png");
    expect(userPath("../out.png")).toBe("/somewhere/out.png");
    expect(userPath("./a/b.png")).toBe("/somewhere/else/a/b.png");
    expect(userPath(".")).toBe("/somewhere/else");
  });

  it("is taken as it is where it is absolute", () => {
    process.env.INIT_CWD = "/somewhere/else";
    expect(userPath("/tmp/out.png")).toBe("/tmp/out.png");
  });

  it("may begin with the home folder", () => {
    process.env.INIT_CWD = "/somewhere/else";
    expect(userPath("~")).toBe(homedir());
    expect(userPath("~/pictures/out.png")).toBe(join(homedir(), "pictures/out.png"));
  });

  it("may have ~ within a name, and another user's home is a name", () => {
    process.env.INIT_CWD = "/somewhere/else";
    expect(userPath("a~/b")).toBe("/somewhere/else/a~/b");
    expect(userPath("~other/b")).toBe("/somewhere/else/~other/b");
  });

  it("is below the current folder where npm did not start the script", () => {
    delete process.env.INIT_CWD;
    expect(userPath("out.png")).toBe(join(ROOT, "out.png"));
    process.env.INIT_CWD = "/somewhere/else";
    process.chdir(join(ROOT, "docs"));
    expect(userPath("out.png")).toBe(join(ROOT, "docs/out.png"));
  });
});

it("is told from where the user stands, or absolute", () => {
  process.env.INIT_CWD = resolve("/somewhere/else");
  expect(shownPath("/somewhere/else/a/out.png")).toBe("a/out.png");
  expect(shownPath("/somewhere/out.png")).toBe("/somewhere/out.png");
});
