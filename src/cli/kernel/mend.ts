import type ts from "typescript";

/**
 * A cell as tslab understands it. Lines stay where they are, so that errors name the right ones.
 * - `{ name }` of a name from an earlier cell: tslab makes an invalid program of it. Written as `{ name: name }`.
 * - `for await` as the cell's only `await`: tslab does not see that the cell waits. An `await` is put before it.
 */
export function mended(typescript: typeof ts, source: string): string {
  const file = typescript.createSourceFile("cell.ts", source, typescript.ScriptTarget.Latest, true);
  const names: ts.Identifier[] = [];
  let loop: ts.ForOfStatement | undefined;
  const visit = (node: ts.Node, inFunction: boolean): void => {
    if (typescript.isShorthandPropertyAssignment(node)) names.push(node.name);
    if (typescript.isForOfStatement(node) && node.awaitModifier && !inFunction) loop ??= node;
    const within = inFunction || typescript.isFunctionLike(node) || typescript.isClassLike(node);
    typescript.forEachChild(node, (child) => visit(child, within));
  };
  visit(file, false);
  const edits = names.map((name) => ({ at: name.end, text: `: ${name.text}` }));
  if (loop) {
    // Before the statement of the cell that it is in: within an `if` without braces another statement has no place.
    let statement: ts.Node = loop;
    while (statement.parent !== file) statement = statement.parent;
    edits.push({ at: statement.getStart(file), text: "await null; " });
  }
  return edits
    .sort((a, b) => b.at - a.at)
    .reduce((text, { at, text: added }) => text.slice(0, at) + added + text.slice(at), source);
}
