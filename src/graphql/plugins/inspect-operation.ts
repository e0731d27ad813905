import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from "graphql";
import { refusal } from "../refusal.ts";
import { type Arguments, fieldCost, modelOf, rootCost } from "./cost-table.ts";

export const LIMITS = {
  /** Of fields in fields. The schema itself needs 6. */
  depth: 10,
  /** Of introspection: what GraphiQL asks needs 15. */
  introspectionDepth: 16,
  aliases: 30,
  directives: 8,
  /** Fields, fragments unfolded. */
  fields: 500,
  /** Points, see cost-table.ts: 64 pictures embedded, or 7 half pictures completed eight ways. */
  cost: 1024,
};

/** What an operation is about, before anything of it has run. */
export interface OperationSummary {
  type: OperationDefinitionNode["operation"];
  /** Names of the root fields (not their aliases), each once. */
  rootFields: string[];
  /** Models that are named, each once; undefined: the default one. */
  models: unknown[];
  cost: number;
}

/** Pixels a side of the pictures of a model, by the id that an argument gives; undefined: the default model. */
export type SideOf = (model: unknown) => number;

/**
 * Looks over an operation and refuses what is too costly. It works on the bare document, before validation: that itself
 * takes longer than linear time on hostile documents.
 * @param sideOf The smallest there is, where models are not known yet.
 * @throws GraphQLError QUERY_TOO_COSTLY, OPERATION_RESOLUTION_FAILURE
 */
export function inspectOperation(
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Record<string, unknown>,
  sideOf: SideOf,
): OperationSummary {
  const operation = getOperationAST(document, operationName);
  if (!operation) throw refusal("OPERATION_RESOLUTION_FAILURE", whyNone(document, operationName), 400);
  return new Inspector(document, operation, variables, sideOf).inspect();
}

/** @param name as it came: of any type, whatever the types promise */
function whyNone({ definitions }: DocumentNode, name: unknown): string {
  if (typeof name === "string")
    return `The query has no operation with the name ${JSON.stringify(name.slice(0, 100))}.`;
  if (name !== undefined && name !== null) return "`operationName` is no text.";
  const some = definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION);
  return some
    ? "The query has several operations: say by `operationName` which one is meant."
    : "The query has no operation.";
}

class Inspector {
  private readonly fragments = new Map<string, FragmentDefinitionNode>();
  private readonly variables: Record<string, unknown>;
  private readonly rootFields = new Set<string>();
  private readonly models = new Set<unknown>();
  private fields = 0;
  private aliases = 0;
  private directives = 0;
  /** Costs of the root fields' own work. */
  private readonly work: number[] = [];
  /** Cost of all below them. */
  private rendering = 0;

  constructor(
    document: DocumentNode,
    private readonly operation: OperationDefinitionNode,
    variables: Record<string, unknown>,
    private readonly sideOf: SideOf,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
    const defaults = (operation.variableDefinitions ?? []).flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)] as const] : [],
    );
    this.variables = { ...Object.fromEntries(defaults), ...variables };
  }

  inspect(): OperationSummary {
    this.count("directives", this.operation.directives?.length ?? 0);
    for (const field of this.flatten(this.operation.selectionSet, [])) this.visitRoot(field);
    const costly = this.work.filter((cost) => cost > 1);
    const cost = this.work.reduce((sum, each) => sum + each, 0) + this.rendering;
    // One field alone is judged by its own limits, whose errors say more.
    const judged = costly.length > 1 ? cost : cost - (costly[0] ?? 0);
    if (judged > LIMITS.cost) {
      tooCostly(
        `it costs ${Math.ceil(judged)} points of ${LIMITS.cost}; ask for fewer fields, samples or smaller widths`,
      );
    }
    return {
      ...{ type: this.operation.operation, rootFields: [...this.rootFields] },
      ...{ models: [...this.models], cost },
    };
  }

  private visitRoot(field: FieldNode): void {
    const name = field.name.value;
    this.rootFields.add(name);
    const args = this.argumentsOf(field);
    const model = modelOf(args);
    this.models.add(model);
    const side = this.sideOf(model);
    const { work, samples, events } = rootCost(name);
    this.work.push(work(args, side));
    if (!field.selectionSet) return;
    const times = this.operation.operation === "subscription" ? events(args, side) : 1;
    const deepest = name.startsWith("__") ? LIMITS.introspectionDepth : LIMITS.depth;
    this.visit(field.selectionSet, { depth: 2, deepest, times, samples: samples(args), path: [] });
  }

  private visit(
    selections: SelectionSetNode,
    at: { depth: number; deepest: number; times: number; samples: number; path: string[] },
  ): void {
    if (at.depth > at.deepest) tooCostly(`its fields are nested more than ${at.deepest} deep`);
    for (const field of this.flatten(selections, at.path)) {
      const name = field.name.value;
      this.rendering += at.times * fieldCost(name, this.argumentsOf(field));
      if (!field.selectionSet) continue;
      // The completion comes once, with a subscription's last event.
      const events = name === "completion" ? 1 : at.times;
      const times = name === "samples" ? events * at.samples : events;
      this.visit(field.selectionSet, { ...at, depth: at.depth + 1, times });
    }
  }

  /** The fields of a selection, those of fragments in their place. */
  private *flatten(selections: SelectionSetNode, path: string[]): Generator<FieldNode> {
    for (const selection of selections.selections) {
      this.count("directives", selection.directives?.length ?? 0);
      if (selection.kind === Kind.FIELD) {
        this.count("fields", 1);
        this.count("aliases", selection.alias ? 1 : 0);
        yield selection;
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.count("fields", 1);
        yield* this.flatten(selection.selectionSet, path);
      } else {
        // Counted too, so that fragments of fragments cannot unfold without end.
        this.count("fields", 1);
        const name = selection.name.value;
        const fragment = this.fragments.get(name);
        // A fragment that is missing or within itself is for validation to refuse.
        if (fragment && !path.includes(name)) yield* this.flatten(fragment.selectionSet, [...path, name]);
      }
    }
  }

  private argumentsOf(field: FieldNode): Arguments {
    const args = field.arguments ?? [];
    return Object.fromEntries(args.map(({ name, value }) => [name.value, valueFromASTUntyped(value, this.variables)]));
  }

  private count(what: "fields" | "aliases" | "directives", more: number): void {
    this[what] += more;
    if (this[what] > LIMITS[what]) tooCostly(`it has more than ${LIMITS[what]} ${what}`);
  }
}

function tooCostly(why: string): never {
  throw refusal("QUERY_TOO_COSTLY", `This query is too costly: ${why}.`, 400);
}
