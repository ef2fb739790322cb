import * as fc from "fast-check";
import ts from "typescript";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { History } from "../../src/cli/kernel/history.js";
import { mended } from "../../src/cli/kernel/mend.js";
import { placesOf, toCharacters, toIndex } from "../../src/cli/kernel/positions.js";
import { about, decode, encode } from "../../src/cli/kernel/wire.js";

// The parts of the notebook kernel; as a whole it is tested in test/notebook/own-kernel.test.ts.

test("a message comes through as it was sent, with and without a key", () => {
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (key, content) => {
      const sent = about(null, "execute_request", JSON.parse(JSON.stringify(content)), [Buffer.from("to")]);
      assert.equal(decode(key, encode(key, sent)), sent);
      const reply = about(sent, "execute_reply", {}, sent.identities);
      assert.equal(decode(key, encode(key, reply)).parent, sent.header);
    }),
  );
});

test("what is no message, or was changed, or signed with another key, is refused", () => {
  const frames = encode("key", about(null, "execute_request", { code: "1" }, []));
  for (const wrong of [[], frames.slice(1), frames.slice(0, 4), [Buffer.from("x")]])
    assert.throws(() => decode("key", wrong), /no message/);
  assert.throws(() => decode("other", frames), /wrong signature/);
  assert.throws(
    () => decode("key", [...frames.slice(0, -1), Buffer.from('{"code":"2"}')]),
    /wrong signature/,
  );
  assert.throws(() => decode("key", [frames[0]!, Buffer.from(""), ...frames.slice(2)]), /wrong signature/);
});

test("history: the last, a range, a search with wildcards, and of equal ones the last", () => {
  const history = new History();
  for (const [i, source] of ["a = 1", "b = (2)", "a = 1", "c"].entries()) history.add(i + 1, source);
  const lines = (request: Parameters<History["find"]>[0]): unknown[] =>
    history.find(request).map(([, line]) => line);
  assert.equal(lines({}), [1, 2, 3, 4]);
  assert.equal(lines({ hist_access_type: "tail", n: 2 }), [3, 4]);
  assert.equal(lines({ hist_access_type: "tail", n: 0 }), []);
  assert.equal(lines({ hist_access_type: "range", start: 2, stop: 4 }), [2, 3]);
  assert.equal(lines({ hist_access_type: "search", pattern: "a*" }), [1, 3]);
  assert.equal(lines({ hist_access_type: "search", pattern: "a*", unique: true }), [3]);
  assert.equal(lines({ hist_access_type: "search", pattern: "? = (2)" }), [2]);
  assert.equal(lines({ hist_access_type: "search", pattern: "*", n: 1 }), [4]);
  assert.equal(history.find({ n: 1, output: true }), [[0, 4, ["c", null]]]);
});

test("positions: characters, of which some are two in JavaScript, there and back", () => {
  assert.equal([toIndex("a😀b", 2), toCharacters("a😀b", 3), toIndex("ab", 9)], [3, 2, 2]);
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(20), (text, count) => {
      const most = [...text].length;
      assert.is(toCharacters(text, toIndex(text, count)), Math.min(count, most));
    }),
  );
});

test("places that are looked at: the name, the name before, and functions whose calls are being written, inner ones first", () => {
  const names = (text: string): (string | undefined)[] =>
    [...placesOf(text, text.length)].slice(2).map((at) => /[\w.]+$/.exec(text.slice(0, at + 1))?.[0]);
  assert.equal(names("outer(1, inner ({ a: f(2), "), ["inner", "outer"]);
  assert.equal(names("f(1); (2"), []);
  assert.equal(names("1"), []);
});

const cells: [what: string, cell: string, expected: string][] = [
  ["what is fine", "const a = { b: 1 };\nawait f();", "const a = { b: 1 };\nawait f();"],
  ["shorthand", "f({ a, b: 1, c });", "f({ a: a, b: 1, c: c });"],
  ["shorthand in an assignment", "({ a, b = 2 } = x);", "({ a: a, b: b = 2 } = x);"],
  ["a declaration's pattern", "const { a, b } = x;", "const { a, b } = x;"],
  ["for await", "f();\nfor await (const a of b) f(a);", "f();\nawait null; for await (const a of b) f(a);"],
  [
    "for await within",
    "if (c)\n  for await (const a of b) f(a);",
    "await null; if (c)\n  for await (const a of b) f(a);",
  ],
  ["await (...)", "const a = await (async () => 5)();", "await null; const a = await (async () => 5)();"],
  ["the same beside an import", 'import "x";\nawait (y);', 'import "x";\nawait null; await (y);'],
  ["await [...]", "await [a][0];", "await null; await [a][0];"],
  [
    "in a function",
    "async () => { for await (const a of b) await (a); };",
    "async () => { for await (const a of b) await (a); };",
  ],
  ["a comment and a text", "// for await (\n'await (x)'", "// for await (\n'await (x)'"],
  ["nothing", "", ""],
];
for (const [what, cell, expected] of cells)
  test(`a cell as tslab understands it: ${what}`, () => assert.is(mended(ts, cell), expected));

test.run();
