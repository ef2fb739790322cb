import { inspect } from "node:util";
import * as fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { table } from "../../viz/index.js";

const lines = (text: string): string[] => text.split("\n");

test("text is left, numbers are right, with as many decimals in each row; the best has a star", () => {
  const made = table(
    [
      { run: "pixel", manifoldDistance: 0.11324, steps: 12000 },
      { run: "MFD", manifoldDistance: 0.0465, steps: 800 },
    ],
    { best: { manifoldDistance: "lowest", steps: "highest" } },
  );
  assert.equal(lines(made.text), [
    "run    distance to the manifold     steps",
    "-----------------------------------------",
    "pixel                   0.113    12,000 *",
    "MFD                     0.047 *     800",
  ]);
});

test("an interval is written with the digits that it leaves certain", () => {
  const rows = [
    { frechet: { mean: 0.2413, low: 0.2102, high: 0.2731 } },
    { frechet: { mean: 1.5, low: null, high: null } },
  ];
  assert.equal(lines(table(rows).text).slice(2), ["0.24 (0.21 to 0.27)", "               1.50"]);
  const narrow = [{ a: { mean: 0.2413, low: 0.2273, high: 0.2553 } }];
  assert.is(lines(table(narrow).text).at(-1), "0.241 (0.227 to 0.255)");
});

test("numbers of very different sizes have three digits each; small ones keep theirs", () => {
  const text = (...values: number[]) =>
    lines(table(values.map((a) => ({ a }))).text)
      .slice(2)
      .map((line) => line.trim());
  assert.equal(text(0.00012, 523.4), ["1.2e-4", "523"]);
  assert.equal(text(0.001, 0.0025), ["0.0010", "0.0025"]);
  assert.equal(text(0.5, 0.25), ["0.50", "0.25"]);
  assert.equal(text(12345.6, 1000.25), ["12,346", "1,000"]);
  assert.equal(text(3e-8, 5e-9), ["3.0e-8", "5.0e-9"]);
  assert.equal(text(Number.NaN, 1, Number.POSITIVE_INFINITY), ["NaN", "1", "Infinity"]);
});

test("what a row does not have stays empty; true and false are yes and no; columns are chosen, ordered and renamed", () => {
  const rows = [
    { a: true, b: "x" },
    { a: false, c: null },
    { b: undefined, a: true },
  ];
  const made = table(rows, { columns: ["b", "a"], titles: { a: "is it" }, title: "Three" });
  assert.equal(lines(made.text), ["Three", "b  is it", "--------", "x  yes", "   no", "   yes"]);
});

test("equal numbers are all best, and numbers that are not finite never", () => {
  const made = table([{ a: 1 }, { a: 2 }, { a: 2 }, { a: Number.NaN }], { best: { a: "highest" } });
  assert.equal(
    lines(made.text)
      .slice(2)
      .map((line) => line.includes("*")),
    [false, true, true, false],
  );
  assert.is(made.html.split("<b>").length - 1, 2);
});

test("a format writes a column's numbers, also those of intervals", () => {
  const percent = (share: number) => `${Math.round(100 * share)}%`;
  const made = table([{ share: { mean: 0.5, low: 0.4, high: 0.6 } }, { share: 0.07 }], {
    format: { share: percent },
  });
  assert.equal(lines(made.text).slice(2), ["50% (40% to 60%)", "              7%"]);
});

test("HTML has no tags but the table's own, whatever names and values are", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ "<i>a": fc.string(), b: fc.string() }), { minLength: 1 }), (rows) => {
      const tags = table(rows, { title: "<script>" }).html.match(/<\/?[a-z]+/g) ?? [];
      assert.equal([...new Set(tags.map((tag) => tag.replace(/[</]/g, "")))].sort(), [
        "caption",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
      ]);
    }),
  );
});

test("every number can be read back to three digits of the column's largest", () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), (values) => {
      const texts = lines(table(values.map((a) => ({ a }))).text).slice(2);
      const largest = Math.max(...values.map(Math.abs));
      for (const [i, text] of texts.entries()) {
        const error = Math.abs(Number(text.replaceAll(",", "")) - values[i]!);
        assert.ok(
          error <= 0.0051 * largest + 1e-300 || error <= 0.06 * Math.abs(values[i]!),
          `${values[i]} as ${text}`,
        );
      }
    }),
  );
});

test("columns may have names that every object has", () => {
  const made = table([{ constructor: 2, toString: 1 } as unknown as { [name: string]: number }]);
  assert.equal(lines(made.text).at(-1)!.trim().split(/\s+/), ["2", "1"]);
});

test("printed outside of a notebook it is its text; longer tables say how much more there is", () => {
  const made = table(Array.from({ length: 130 }, (_, i) => ({ i })));
  assert.is(inspect(made), made.text);
  assert.is(lines(made.text).length, 103);
  assert.match(made.text, /\.\.\. 30 more rows$/);
  assert.match(made.html, /… 30 more rows/);
});

test.run();
