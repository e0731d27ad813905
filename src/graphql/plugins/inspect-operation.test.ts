import { readFileSync } from "node:fs";
import { buildSchema, getIntrospectionQuery, parse } from "graphql";
import { describe, expect, it } from "vitest";
import { inspectOperation, LIMITS, type SideOf } from "./inspect-operation.ts";
import { REQUIRED_SCOPE } from "./root-fields.ts";

const inspect = (query: string, variables = {}, sideOf: SideOf = () => 32) =>
  inspectOperation(parse(query), undefined, variables, sideOf);
const refused = /^This query is too costly/;
const complete = (args: string) => `complete(image: { id: "x" }, ${args}) { seed }`;
const aliased = (count: number, field: string) =>
  `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(" ")} }`;

describe("cost", () => {
  it("grows with the arguments, wherever they stand", () => {
    const one = inspect(`{ ${complete("samples: 1")} }`).cost;
    const eight = inspect(`{ ${complete("samples: 8")} }`).cost;
    expect(eight - one).toBe(7 * 16);
    const byVariable = 'query ($n: Int!) { complete(image: { id: "x" }, samples: $n) { seed } }';
    expect(inspect(byVariable, { n: 8 }).cost).toBe(eight);
    const byDefault = byVariable.replace("$n: Int!", "$n: Int! = 8");
    expect(inspect(byDefault).cost).toBe(eight);
    expect(inspect(`{ ...f } fragment f on Query { ${complete("samples: 8")} }`).cost).toBe(eight);
    expect(inspect(`{ ${complete("samples: 1, options: { keepRows: 0 }")} }`).cost).toBe(one + 16);
    const keep = JSON.stringify(Array.from({ length: 1024 }, (_, i) => i < 992));
    expect(inspect(`{ ${complete(`options: { keep: ${keep} }`)} }`).cost).toBe(one - 15);
  });

  it("is by the pixels of the model's pictures", () => {
    const sideOf = (model: unknown) => (model === "large" ? 64 : 32);
    const cost = (query: string) => inspect(query, {}, sideOf)?.cost ?? 0;
    expect(cost(`{ ${complete('samples: 1, options: { model: "large" }')} }`)).toBe(4 + (64 * 32) / 32);
    expect(cost(`{ ${complete("samples: 1")} }`)).toBe(4 + 16);
    expect(cost('{ embed(image: { id: "x" }, model: "large") { layer } }')).toBe(4 + 4 * 8);
    expect(inspect('{ embed(image: { id: "x" }, model: "large") { layer } models { id } }')?.models).toEqual([
      "large",
      undefined,
    ]);
  });

  it("of one field alone is for the field's own limits to judge", () => {
    expect(() => inspect(`{ ${complete("samples: 100000")} }`)).not.toThrow();
  });

  it("of several is added up", () => {
    expect(() => inspect(aliased(7, complete("samples: 8")))).not.toThrow();
    expect(() => inspect(aliased(8, complete("samples: 8")))).toThrow(refused);
    expect(() => inspect(aliased(2, complete("samples: 100")))).toThrow(refused);
  });

  it("of rendering counts every sample, and every event of a subscription", () => {
    const below = "samples { image { dataUri(width: 1024) } }";
    const of = (samples: number) => inspect(`{ complete(image: { id: "x" }, samples: ${samples}) { ${below} } }`).cost;
    expect(of(8) - of(0)).toBeCloseTo(7 * 16 + 8 * 4 - 4);
    const live =
      'subscription { complete(image: { id: "x" }, samples: 16, options: { keepRows: 0 }) { samples { dataUri(width: 1024) } } }';
    expect(() => inspect(live)).toThrow(refused);
    expect(() => inspect(live.replace("1024", "128"))).not.toThrow();
  });
});

describe("shape", () => {
  it("too many aliases, fields, directives or levels are refused", () => {
    const fields = "{ models { id } }";
    const hostile = [
      aliased(LIMITS.aliases + 1, "__typename"),
      aliased(10_000, "__typename"),
      `{ ${"__typename ".repeat(LIMITS.fields + 1)} }`,
      fields.replace("id", `id ${"@skip(if: false) ".repeat(LIMITS.directives + 1)}`),
      `{ ${"models { ".repeat(LIMITS.depth + 1)} id ${"}".repeat(LIMITS.depth + 1)} }`,
    ];
    for (const query of hostile) expect(() => inspect(query)).toThrow(refused);
    expect(() => inspect(fields)).not.toThrow();
  });

  it("fragments cannot unfold without end", () => {
    const levels = Array.from({ length: 40 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`);
    const bomb = `{ ...f0 } ${levels.join(" ")} fragment f40 on Query { __typename }`;
    expect(() => inspect(bomb)).toThrow(refused);
    expect(() => inspect("{ ...f } fragment f on Query { ...f __typename }")).not.toThrow();
  });

  it("lets GraphiQL's introspection pass", () => {
    expect(() => inspect(getIntrospectionQuery())).not.toThrow();
  });
});

it("every root field of the schema says what it needs", () => {
  const schema = buildSchema(readFileSync(new URL("../../schema.graphql", import.meta.url), "utf8"));
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const names = roots.flatMap((type) => Object.keys(type?.getFields() ?? {}));
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !(name in REQUIRED_SCOPE))).toEqual([]);
});
