/** GraphiQL alone teaches the API: everything in the schema is described, and root fields say who may, and what can go wrong. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, type GraphQLNamedType, isSpecifiedScalarType } from "graphql";
import { expect, it } from "vitest";
import { ROOT } from "../../lib/root.ts";
import { CURRENT_SCHEMA } from "../../lib/schema-changes.ts";
import { REQUIRED_SCOPE } from "../../src/graphql/plugins/root-fields.ts";

interface Described {
  place: string;
  description: string;
}

const source = readFileSync(join(ROOT, CURRENT_SCHEMA), "utf8");
const schema = buildSchema(source);
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !type.name.startsWith("__") && !isSpecifiedScalarType(type),
);
const everything = types.flatMap(partsOf);
const codes = [...readFileSync(join(ROOT, "src/errors.ts"), "utf8").matchAll(/\| "([A-Z_]+)"/g)].map(
  ([, code = ""]) => code,
);

/** A type, its fields and values, their arguments. */
function partsOf(type: GraphQLNamedType): Described[] {
  const parts: Described[] = [{ place: type.name, description: type.description ?? "" }];
  const add = (place: string, { description }: { description?: string | null | undefined }) =>
    parts.push({ place, description: description ?? "" });
  if ("getValues" in type) for (const value of type.getValues()) add(`${type.name}.${value.name}`, value);
  if ("getFields" in type) {
    for (const field of Object.values(type.getFields())) {
      add(`${type.name}.${field.name}`, field);
      for (const argument of "args" in field ? field.args : [])
        add(`${type.name}.${field.name}(${argument.name})`, argument);
    }
  }
  return parts;
}

it("describes every type, field, argument and value", () => {
  expect(everything.length).toBeGreaterThan(150);
  expect(everything.filter(({ description }) => description.trim() === "").map(({ place }) => place)).toEqual([]);
});

it("says of every optional argument and input what it is without it", () => {
  const silent = types.flatMap((type) => {
    if (!("getFields" in type)) return [];
    const inputs = Object.values(type.getFields()).flatMap((field) => ("args" in field ? field.args : [field]));
    // `ImageInput` takes exactly one; where the schema itself has a default, GraphiQL shows it.
    return type.name === "ImageInput"
      ? []
      : inputs
          .filter(
            (input) => "defaultValue" in input && input.defaultValue === undefined && !/!$/.test(String(input.type)),
          )
          .filter(
            ({ description }) => !/[Dd]efault|\(default\)|As of `embed`|A secret key has none/.test(description ?? ""),
          )
          .map(({ name }) => `${type.name}: ${name}`);
  });
  expect(silent).toEqual([]);
});

const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) =>
  Object.values(type?.getFields() ?? {}).map((field) => ({ name: `${type?.name}.${field.name}`, field })),
);

it.each(roots)("$name says which scope it needs and which errors it may be", ({ field }) => {
  const description = (field.description ?? "").replace(/\s+/g, " ");
  const needed = REQUIRED_SCOPE[field.name];
  expect(description).toContain(`Scope: ${needed === "ANY" ? "any key" : needed}.`);
  expect(description).toContain("Errors: ");
});

/** Of requests that reach no field, which could describe it: docs/graphql.md does. */
const OF_REQUESTS = ["BAD_REQUEST"];

it("names codes that there are, and all of them", () => {
  const described = everything.map(({ description }) => description).join("\n");
  const named = new Set([...described.matchAll(/`([A-Z_]+)`/g)].map(([, code = ""]) => code));
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !named.has(code) && !OF_REQUESTS.includes(code))).toEqual([]);
  const known = [
    ...codes,
    ...types.flatMap((type) => ("getValues" in type ? type.getValues().map(({ name }) => name) : [])),
  ];
  expect([...named].filter((name) => !known.includes(name))).toEqual([]);
});
