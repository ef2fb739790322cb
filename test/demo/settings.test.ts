import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Stroke } from "../../datasets/drawn.js";
import { decode, defaults, encode, format, parse, type Settings } from "../../demo/settings.js";

const stroke: Stroke = Array.from(
  { length: 200 },
  (_, i) => [i / 199, 0.5 + 0.4 * Math.sin(i / 20)] as const,
);

test("settings survive the way through a link", () => {
  const settings: Settings = {
    shape: "drawn",
    strokes: [
      decode(encode(stroke)),
      decode(
        encode([
          [0, 1],
          [1, 0],
        ]),
      ),
    ],
    batchSize: 64,
    learningRate: 5e-3,
    t: 1.6,
    speed: Number.POSITIVE_INFINITY,
    seed: 12,
    engine: "webgpu",
    show: ["samples"],
  };
  assert.equal(parse(format(settings)), settings);
  assert.equal(parse(format({ ...settings, show: [] })).show, []);
});

test("a link carries only what is not as by default", () => {
  assert.is(format(defaults), "");
  assert.equal(parse(""), defaults);
  assert.is(format({ ...defaults, shape: "spiral", t: 0.8 }), "?shape=spiral&t=0.8");
});

test("what is unknown or out of range in a link is as by default", () => {
  assert.equal(
    parse("?shape=cube&batch=1e9&rate=-1&t=nan&speed=&seed=-3&engine=abacus&x=<script>"),
    defaults,
  );
  assert.equal(parse("?shape=drawn"), defaults);
  assert.equal(parse("?shape=drawn&path=%00%ff.AA.AAAAAAAA"), defaults);
});

test("a stroke in a link is the same to 1 in 4095, and has at most 40 of its points, with both ends", () => {
  const short = decode(encode(stroke.slice(0, 40)));
  assert.is(short.length, 40);
  for (const [i, [x, y]] of short.entries())
    assert.ok(Math.hypot(x - stroke[i]![0], y - stroke[i]![1]) < 1 / 4095);
  const long = decode(encode(stroke));
  assert.is(long.length, 40);
  assert.is(long[39]![0], 1);
  assert.is(decode(encode(stroke.slice(0, 41))).length, 40);
});

test.run();
