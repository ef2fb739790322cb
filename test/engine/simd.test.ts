import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as random from "../../src/engine/random.js";
import { hit, kernels, memoryOf } from "../../src/engine/simd/kernels.js";
import { addProduct } from "../../src/engine/simd/product.js";

const dot = (a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, width: number): number => {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += a[i * width + k]! * b[j * width + k]!;
  return sum;
};

test("products of any shape, one by one", () => {
  const sizes = fc.integer({ min: 1, max: 140 });
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: 1, max: 300 }), (n, m, width) => {
      const [a, b] = [n, m].map((rows, i) => Float64Array.from(random.normal(random.key(i), rows * width)));
      const out = new Float64Array(n * m).fill(2);
      addProduct(a!, b!, width, out);
      for (let i = 0; i < n; i++)
        for (let j = 0; j < m; j++)
          assert.ok(Math.abs(out[i * m + j]! - 2 - dot(a!, i, b!, j, width)) < 1e-10, `${n} ${m} ${width}`);
    }),
    { numRuns: 15 },
  );
});

test("float32 products of panels, and where they are below a row's or a column's limit", () => {
  const [depth, rows, columns] = [5, 16, 24];
  const memory = memoryOf(1 << 16);
  const { multiply32, below } = kernels(memory);
  const floats = new Float32Array(memory.buffer);
  const [a, b] = [rows, columns].map((count, i) => random.normal(random.key(i), count * depth));
  const pack = (values: Float32Array, at: number): void =>
    values.forEach((value, i) => {
      const [row, k] = [Math.floor(i / depth), i % depth];
      floats[at + (row - (row % 8)) * depth + 8 * k + (row % 8)] = value;
    });
  const [atB, atC, atRows, atColumns, atHits] = [200, 400, 1000, 1100, 1200];
  pack(a!, 0);
  pack(b!, atB);
  multiply32(0, 4 * atB, 4 * atC, depth, rows, columns);
  floats.fill(-1, atRows, atRows + rows);
  floats.fill(-2, atColumns, atColumns + columns);
  floats[atColumns + 7] = 0.5;
  const end = below(4 * atC, 4 * atRows, 4 * atColumns, 4 * atHits, rows, columns);
  const entries = new Int32Array(memory.buffer, 4 * atHits, (end - 4 * atHits) / 4);
  const found = new Set<string>();
  for (const entry of entries)
    for (let lane = 0; lane < 4; lane++)
      if ((hit.lanes(entry) >> lane) & 1) found.add(`${hit.row(entry)} ${hit.column(entry) + lane}`);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const product = floats[atC + i * columns + j]!;
      assert.ok(Math.abs(product - dot(a!, i, b!, j, depth)) < 1e-5);
      assert.is(found.has(`${i} ${j}`), product < (j === 7 ? 0.5 : -1), `${i} ${j}`);
    }
});

test.run();
