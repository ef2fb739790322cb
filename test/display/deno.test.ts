import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";

const vegaLite = "application/vnd.vegalite.v5+json";

interface Message {
  type: string;
  content: {
    data: Record<string, unknown>;
    metadata: Record<string, { width: number } | undefined>;
    transient: { display_id?: string };
  };
}

/** Runs code on the built package (pictures are drawn by a worker that a TypeScript loader cannot start) with the parts of Deno's kernel that it uses. */
async function inKernel<Result>(code: string): Promise<Result> {
  const script = `(async () => {
    const sent = [];
    globalThis.Deno = { jupyter: { async broadcast(type, content) { sent.push(structuredClone({ type, content })); } } };
    const { figure, live, metricCurves, show } = await import("tangent-lab/viz");
    const chart = metricCurves({ metric: "loss", curves: [{ name: "pixel", steps: [1, 2, 3], values: [3, 2, 1] }] });
    ${code}
  })().then((result) => console.log(JSON.stringify(result)));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--eval", script], {
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout) as Result;
}

const pixels = (data: Record<string, unknown>): number =>
  Buffer.from(String(data["image/png"]), "base64").readUInt32BE(16);

test("a chart is sent while its cell still runs: Vega-Lite, a PNG with its size and text", async () => {
  const [message, ...more] = await inKernel<Message[]>("show(chart); return [...sent];");
  assert.equal(more, []);
  assert.is(message!.type, "display_data");
  const { data, metadata, transient } = message!.content;
  assert.equal(Object.keys(data), [vegaLite, "image/png", "text/plain"]);
  assert.is(metadata["image/png"]!.width * 2, pixels(data));
  assert.equal(transient, {});
});

test("a figure gives its bundle to the kernel, with a picture of the chart's own size", async () => {
  const [bundle, width] = await inKernel<[Record<string, unknown>, number]>(
    `const bundle = await figure(chart)[Symbol.for("Jupyter.display")]();
     show(chart);
     return [bundle, sent[0].content.metadata["image/png"].width];`,
  );
  assert.equal(Object.keys(bundle), [vegaLite, "image/png", "text/plain"]);
  assert.ok(Math.abs(pixels(bundle) - width) <= 1, `${pixels(bundle)} pixels, ${width} wide`);
});

test("live adds progress and a chart, and replaces each in place", async () => {
  const messages = await inKernel<Message[]>(
    `async function* run() {
       for (let step = 1; step <= 300; step++) {
         await new Promise((resolve) => setTimeout(resolve, 1));
         yield { step, total: 300, metrics: { loss: 1 / step } };
       }
     }
     await live({ pixel: run() });
     return sent;`,
  );
  const added = messages.filter(({ type }) => type === "display_data");
  const replaced = messages.filter(({ type }) => type === "update_display_data");
  const ids = added.map(({ content }) => content.transient.display_id);
  assert.is(ids.length, 2);
  assert.ok(ids.every((id) => id !== undefined) && ids[0] !== ids[1]);
  assert.equal(new Set(replaced.map(({ content }) => content.transient.display_id)), new Set(ids));
  const [progress, chart] = ids.map((id) =>
    replaced.filter(({ content }) => content.transient.display_id === id).at(-1),
  );
  assert.match(String(progress!.content.data["text/plain"]), /pixel {2}300\/300 .*\ndone/);
  assert.equal(Object.keys(chart!.content.data), [vegaLite, "image/png", "text/plain"]);
});

test("where Deno runs a plain script, asking for its kernel throws and a chart is text", async () => {
  const printed = await inKernel<string[]>(
    `Object.defineProperty(Deno, "jupyter", { get() { throw new Error("no kernel"); } });
     const { log } = console;
     const lines = [];
     console.log = (line) => lines.push(line);
     show(chart);
     console.log = log;
     return lines;`,
  );
  assert.is(printed.length, 1);
  assert.match(printed[0]!, /^Chart: Loss: 3 at the start/);
});

test.run();
