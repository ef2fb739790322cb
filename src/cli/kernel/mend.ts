import type ts from "typescript";

/**
 * A cell as tslab understands it. Lines stay where they are, so that errors name the right ones.
 * - `{ name }` of a name from an earlier cell: tslab makes an invalid program of it. Written as `{ name: name }`.
 * - `for await`, `await (...)` or `await [...]` as the cell's only `await`: tslab does not see that the cell waits. A plain `await` is put before it.
 */
export function mended(typescript: typeof ts, source: string): string {
  const file = typescript.createSourceFile("cell.ts", source, typescript.ScriptTarget.Latest, true);
  const edits: { at: number; text: string }[] = [];
  let waits = false;
  const visit = (node: ts.Node): void => {
    if (typescript.isShorthandPropertyAssignment(node))
      edits.push({ at: node.name.end, text: `: ${node.name.text}` });
    waits ||= isHidden(typescript, node) && !isInFunction(typescript, node);
    typescript.forEachChild(node, visit);
  };
  for (const statement of file.statements) {
    const before = waits;
    visit(statement);
    if (waits && !before) edits.push({ at: statement.getStart(file), text: "await null; " });
  }
  return edits
    .sort((a, b) => b.at - a.at)
    .reduce((text, { at, text: added }) => text.slice(0, at) + added + text.slice(at), source);
}

/** Whether a node waits in a way that tslab does not see. */
function isHidden(typescript: typeof ts, node: ts.Node): boolean {
  if (typescript.isForOfStatement(node)) return node.awaitModifier !== undefined;
  // In a cell without imports `await (...)` reads as a call.
  if (typescript.isIdentifier(node)) return node.text === "await";
  if (!typescript.isAwaitExpression(node)) return false;
  return /^await\s*[([]/.test(node.getText());
}

function isInFunction(typescript: typeof ts, node: ts.Node): boolean {
  for (let above = node.parent; above !== undefined; above = above.parent)
    if (typescript.isFunctionLike(above) || typescript.isClassLike(above)) return true;
  return false;
}
