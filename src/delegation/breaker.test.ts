import { describe, expect, it } from "vitest";
import { Breaker } from "./breaker.ts";

function breaker() {
  let now = 0;
  const made = new Breaker(() => now);
  return {
    made,
    pass: (ms: number) => (now += ms),
    fail: (times: number) => Array.from({ length: times }, () => made.failed()),
  };
}

describe("the breaker", () => {
  it("opens after three faults one after another, not before", () => {
    const { made, fail } = breaker();
    fail(2);
    made.succeeded();
    fail(2);
    expect(made.state).toBe("closed");
    fail(1);
    expect(made.state).toBe("open");
  });

  it("lets one try when the pause is over, and turns the others away meanwhile", () => {
    const { made, pass, fail } = breaker();
    fail(3);
    pass(2_000);
    expect(made.state).toBe("trial");
    made.beginTrial(1_000);
    expect(made.state).toBe("open");
    made.endTrial(true);
    expect(made.state).toBe("closed");
    fail(1);
    expect(made.state).toBe("open");
  });

  it("doubles the pause after a failed trial, up to half a minute, and forgets that after a success", () => {
    const { made, pass, fail } = breaker();
    fail(3);
    for (const pause of [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      pass(pause - 1);
      expect(made.state).toBe("open");
      pass(1);
      expect(made.state).toBe("trial");
      made.endTrial(false);
    }
    made.succeeded();
    fail(3);
    pass(2_000);
    expect(made.state).toBe("trial");
  });

  it("is not kept open longer by calls that were under way", () => {
    const { made, pass, fail } = breaker();
    fail(40);
    pass(2_000);
    expect(made.state).toBe("trial");
  });
});
