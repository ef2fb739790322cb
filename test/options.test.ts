// `check.only` refuses options that are unknown. What an interface documents must not be among them, and what is accepted must be documented.
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { test } from "uvu";
import * as assert from "uvu/assert";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Accepted beyond its type: a configuration with its defaults, which a network has, may be given again. */
const more: Record<string, readonly string[]> = { jointTransformer: ["width"] };

const config = ts.readConfigFile(join(root, "tsconfig.build.json"), ts.sys.readFile);
const { fileNames, options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
const program = ts.createProgram(fileNames, options);
const checker = program.getTypeChecker();

interface Call {
  where: string;
  of: string;
  options: ts.Expression;
  known: ts.Expression;
}

function calls(): Call[] {
  const found: Call[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === "check.only") {
      const [of, options, known] = node.arguments as unknown as [ts.Expression, ts.Expression, ts.Expression];
      const where = relative(root, node.getSourceFile().fileName);
      found.push({ where, of: ts.isStringLiteral(of) ? of.text : of.getText(), options, known });
    }
    ts.forEachChild(node, visit);
  };
  for (const file of program.getSourceFiles()) if (!file.fileName.includes("node_modules")) visit(file);
  return found;
}

/** The texts of a list, also of one that has a name, or has other lists in it. @throws Error for what is put together in another way. */
function texts(list: ts.Expression): string[] {
  if (ts.isAsExpression(list) || ts.isSatisfiesExpression(list) || ts.isParenthesizedExpression(list))
    return texts(list.expression);
  if (ts.isArrayLiteralExpression(list))
    return list.elements.flatMap((each) => {
      if (ts.isSpreadElement(each)) return texts(each.expression);
      if (ts.isStringLiteral(each)) return [each.text];
      throw new Error(`${each.getText()} is no text`);
    });
  if (ts.isCallExpression(list) && list.expression.getText() === "Object.keys")
    return propertiesOf(list.arguments[0]!);
  const declared = declarationOf(list);
  if (declared && ts.isVariableDeclaration(declared) && declared.initializer)
    return texts(declared.initializer);
  throw new Error(`${list.getText()} cannot be followed`);
}

function declarationOf(name: ts.Expression): ts.Declaration | undefined {
  const symbol = checker.getSymbolAtLocation(name);
  const target = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return target?.valueDeclaration;
}

/** The names that a value may have, of whichever type it is. */
function propertiesOf(value: ts.Expression): string[] {
  const type = checker.getTypeAtLocation(value);
  const each = type.isUnion() ? type.types : [type];
  const names = each.flatMap((one) => checker.getPropertiesOfType(checker.getNonNullableType(one)));
  return [...new Set(names.map(({ name }) => name))];
}

test("every documented option is accepted, and every accepted one documented", () => {
  const found = calls();
  assert.ok(found.length > 70, "the calls are found");
  for (const { where, of, options, known } of found) {
    const [documented, accepted] = [propertiesOf(options), texts(known)];
    const what = `${where}: ${of}`;
    assert.ok(documented.length > 0, `${what}: no options known of`);
    assert.equal([...accepted].sort(), [...documented, ...(more[of] ?? [])].sort(), what);
  }
});

test.run();
