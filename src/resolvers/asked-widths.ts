import {
  type FieldNode,
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from "graphql";
import { checkWidth } from "../image/index.ts";

/** Fields that draw a picture, of whatever type. */
const DRAWING: ReadonlySet<string> = new Set(["url", "dataUri"]);

/**
 * Looks at the widths that are asked for anywhere below a field, before its work is done: found wrong only when a picture is
 * drawn, they would take with them what was computed.
 * @param side pixels a side of the model's pictures
 * @throws UserError BAD_OPTION
 */
export function checkAskedWidths(info: GraphQLResolveInfo, side: number): void {
  for (const field of info.fieldNodes) checkBelow(field.selectionSet, info, side);
}

function checkBelow(below: SelectionSetNode | undefined, info: GraphQLResolveInfo, side: number): void {
  for (const selection of below?.selections ?? []) {
    if (!isIncluded(selection, info)) continue;
    if (selection.kind === Kind.FIELD && DRAWING.has(selection.name.value)) checkWidth(widthOf(selection, info), side);
    const of = selection.kind === Kind.FRAGMENT_SPREAD ? info.fragments[selection.name.value] : selection;
    checkBelow(of?.selectionSet, info, side);
  }
}

function isIncluded(selection: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  if (getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.if === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.if !== false;
}

function widthOf(field: FieldNode, { variableValues }: GraphQLResolveInfo): number | null {
  const width = field.arguments?.find(({ name }) => name.value === "width");
  // Validation has seen to it that it is a number.
  return width ? ((valueFromASTUntyped(width.value, variableValues.coerced) as number | undefined) ?? null) : null;
}
