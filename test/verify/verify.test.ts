import { spawnSync } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import type { TangentLabError } from "../../src/errors.js";
import { decodeSafetensors, encodeSafetensors, type Safetensors } from "../../src/io/safetensors.js";
import { relativeError } from "../../src/verify/case.js";
import { type CaseResult, verify, verifyFile } from "../../src/verify/verify.js";

// The files are made by test/fixtures/networks/generate.py.
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const unet = fixture("networks/edm_unet_ncsnpp.safetensors");

let folder: string;
test.before(async () => {
  await useDevice("cpu");
});
test.before.each(async () => {
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-verify-"));
});
test.after.each(() => rm(folder, { recursive: true }));

/** A copy of a file, changed. */
async function changed(path: string, change: (file: Safetensors) => void): Promise<string> {
  const file = decodeSafetensors(await readFile(path));
  change(file);
  const copy = join(folder, path.split("/").at(-1)!);
  await writeFile(copy, encodeSafetensors(file.tensors, file.metadata));
  return copy;
}

const failures = (result: CaseResult): string[] =>
  result.status === "failed" ? result.quantities.filter((q) => !q.passed).map((q) => q.quantity) : [];

const message = (result: CaseResult): string => (result.status === "error" ? result.message : result.status);

test("the relative error of the largest difference; not a number is never small", () => {
  assert.ok(Math.abs(relativeError([1, 2.5], [1, -2]) - 4.5 / 2) < 1e-7);
  assert.is(relativeError([0], [0]), 0);
  assert.ok(Number.isNaN(relativeError([1, Number.NaN, 1], [1, 1, 1])));
  assert.ok(Number.isNaN(relativeError([1, 1], [Number.NaN, 1])));
});

for (const [tensor, caught] of [
  ["weights.model.enc.4x4_block0.conv0.weight", ["denoised", "grad_x", "grad"]],
  ["cotangent", ["grad_x", "grad"]],
  ["denoised", ["denoised"]],
  ["grad.model.dec.2x2_in0.qkv.bias", ["grad"]],
] as const) {
  test(`one changed number in ${tensor} fails`, async () => {
    const copy = await changed(unet, ({ tensors }) => {
      const { data } = tensors[tensor]!;
      data[3] = (data[3] as number) + 0.1;
    });
    assert.equal(failures(await verifyFile(copy)), caught);
  });
}

test("a value that is not a number fails", async () => {
  const withNaN = (name: string): Promise<string> =>
    changed(unet, ({ tensors }) => {
      tensors[name]!.data[0] = Number.NaN;
    });
  assert.equal(failures(await verifyFile(await withNaN("sigma"))), ["denoised", "grad_x", "grad"]);
  const weight = await verifyFile(await withNaN("weights.model.map_layer0.bias"));
  assert.match(message(weight), /map_layer0.bias is not finite at 0; given: NaN/);
});

const damages: [string, (file: Safetensors) => void, RegExp][] = [
  [
    "a missing weight",
    ({ tensors }) => delete tensors["weights.model.enc.4x4_conv.bias"],
    /ncsnpp.safetensors: weights\.: .*there is no model\.enc\.4x4_conv\.bias/,
  ],
  ["a missing input", ({ tensors }) => delete tensors.sigma, /ncsnpp.safetensors: it has no tensor sigma/],
  ["a missing result", ({ tensors }) => delete tensors.denoised, /it has no tensor denoised/],
  [
    "a weight of another shape",
    ({ tensors }) => {
      tensors["weights.model.map_layer0.bias"] = { shape: [2], data: new Float32Array(2) };
    },
    /model\.map_layer0\.bias has another shape; given: "\[2\]"; allowed: \[16\]/,
  ],
  [
    "a weight too many",
    ({ tensors }) => {
      tensors["weights.model.enc.1x1_conv.bias"] = { shape: [2], data: new Float32Array(2) };
    },
    /the network has no model\.enc\.1x1_conv\.bias/,
  ],
  [
    "a filter of another configuration",
    ({ tensors }) => {
      tensors["weights.model.enc.2x2_down.conv0.resample_filter"]!.data[0] = 0.5;
    },
    /resample_filter is of another configuration/,
  ],
  [
    "a result of another shape",
    ({ tensors }) => {
      tensors.grad_x = { shape: [2, 2, 4, 2], data: new Float32Array(32) };
    },
    /grad_x is of shape \[2,4,2,2\], where the rest of the file gives \[2,4,4,2\]/,
  ],
  [
    "an input of another batch size",
    ({ tensors }) => {
      tensors.sigma = { shape: [3], data: new Float32Array(3).fill(1) };
    },
    /ncsnpp.safetensors: /,
  ],
  ["no configuration", ({ metadata }) => delete metadata.config, /its metadata has no config/],
  [
    "a configuration that is not JSON",
    ({ metadata }) => {
      metadata.config = "{";
    },
    /its metadata's config is not JSON/,
  ],
  [
    "a setting that no network has",
    ({ metadata }) => {
      metadata.config = metadata.config!.replace("model_channels", "modle_channels");
    },
    /config: invalid config; given: "modle_channels"; allowed: img_resolution/,
  ],
  [
    "another depth",
    ({ metadata }) => {
      metadata.config = metadata.config!.replace('"num_blocks": 1', '"num_blocks": 2');
    },
    /there is no model\.enc\.4x4_block1/,
  ],
];

for (const [what, damage, expected] of damages) {
  test(`${what} is said`, async () => {
    assert.match(message(await verifyFile(await changed(unet, damage))), expected);
  });
}

test("a truncated file and one that is not safetensors are said", async () => {
  const bytes = await readFile(unet);
  const copy = join(folder, "edm_unet_short.safetensors");
  await writeFile(copy, bytes.subarray(0, bytes.length - 1000));
  assert.match(message(await verifyFile(copy)), /edm_unet_short.safetensors is not a valid safetensors file/);
  await writeFile(copy, "hello");
  assert.match(message(await verifyFile(copy)), /is not a valid safetensors file: 5 bytes/);
});

test("a file with nothing to compare does not pass", async () => {
  const file = join(folder, "schedules.json");
  await writeFile(file, '{"t": [1], "t_to_r": {}}');
  assert.match(message(await verifyFile(file)), /schedules\.json: it has nothing to compare with/);
  await writeFile(file, '{"t": [1]');
  assert.match(message(await verifyFile(file)), /schedules\.json: it is not JSON/);
});

test("the kind is the metadata's, else the file name's longest known beginning", async () => {
  const renamed = join(folder, "anything.safetensors");
  await copyFile(fixture("reference/losses.safetensors"), renamed);
  assert.is((await verifyFile(renamed)).status, "unknown");
  const copy = await changed(renamed, ({ metadata }) => {
    metadata.kind = "losses";
  });
  assert.is((await verifyFile(copy)).status, "passed");
  const one = { quantity: "one", ours: [1], reference: [1], kind: "value" as const };
  const [short, long] = ["a", "a_b"].map((kind) => ({ kind, verify: async () => [one] })) as [never, never];
  const file = join(folder, "a_b_c.json");
  await writeFile(file, "{}");
  const result = (await verifyFile(file, [short, long])) as { kind: string };
  assert.is(result.kind, "a_b");
});

const wrongTypes: [string, (file: Safetensors) => void, RegExp][] = [
  ["networks/edm_unet_ncsnpp", set("config", "null"), /its metadata's config is wrong: .*Expected Object/],
  ["networks/edm_unet_ncsnpp", set("config", '{"img_resolution": "4"}'), /config: .*(size|inChannels)/],
  ["networks/edm_unet_ncsnpp", set("config", "[".repeat(20_000)), /its metadata's config is not JSON/],
  [
    "networks/edm_unet_ncsnpp",
    replace("config", '"num_blocks": 1', '"num_blocks": 1000000000'),
    /num_blocks is more than the file has weights for; given: 1000000000/,
  ],
  [
    "networks/edm_unet_ncsnpp",
    replace("config", '"model_channels": 4', '"model_channels": 4000'),
    /the network has more parameters than the file/,
  ],
  ["networks/feature_net_vgg", set("blocks", "{}"), /its metadata's blocks is wrong/],
  ["networks/feature_net_vgg", set("blocks", '[4, "N"]'), /1 of its metadata's blocks is wrong/],
  ["reference/flow_edit", set("captions", '"a cat"'), /its metadata's captions is wrong/],
  ["reference/flow_edit", set("runs", "null"), /its metadata's runs is wrong/],
  ["reference/flow_edit", set("runs", '{"a": null}'), /a of its metadata's runs is wrong/],
  ["reference/flow_edit", set("shift", '"3"'), /its metadata's shift is wrong/],
  ["reference/contrastive", set("temperature", "[]"), /its metadata's temperature is wrong/],
  ["reference/transforms", set("groups", '{"scale": 3}'), /scale of its metadata's groups is wrong/],
  ["reference/transforms", set("parameters", "null"), /its metadata's parameters is wrong/],
  ["reference/optimizer_adam", set("betas", '{"length": 2}'), /its metadata's betas is wrong/],
];

function set(name: string, text: string): (file: Safetensors) => void {
  return ({ metadata }) => {
    metadata[name] = text;
  };
}

function replace(name: string, before: string, after: string): (file: Safetensors) => void {
  return ({ metadata }) => {
    assert.ok(metadata[name]!.includes(before));
    metadata[name] = metadata[name]!.replace(before, after);
  };
}

test("metadata of wrong types or sizes is said by name, as what is corrupt in the file", async () => {
  for (const [name, damage, expected] of wrongTypes) {
    const result = await verifyFile(await changed(fixture(`${name}.safetensors`), damage));
    assert.match(message(result), expected, name);
    assert.is(result.status === "error" && (result.cause as TangentLabError).code, "corrupt-file", name);
  }
});

test("schedules of wrong types or sizes are said by name", async () => {
  const file = join(folder, "schedules.json");
  for (const [content, expected] of [
    ["null", /it is wrong: .*Expected Object/],
    ['{"t": [1], "t_to_r": null}', /t_to_r of it is wrong/],
    ['{"t": [1], "t_to_r": {"q=2": {"0": 3}}}', /t_to_r.q=2.0 of it is wrong/],
    ['{"karras": {"3,80": "high"}}', /karras.3,80 of it is wrong/],
    ['{"karras": {"1e9,80": [0, 80]}}', /karras: "1e9,80" has 2 levels/],
    ['{"t": [1], "toString": {}}', /toString is none of t_to_r/],
  ] as const) {
    await writeFile(file, content);
    const result = await verifyFile(file);
    assert.match(message(result), expected);
    assert.is(result.status === "error" && (result.cause as TangentLabError).code, "corrupt-file", content);
  }
});

test("a folder's files in all folders below, or a single file", async () => {
  const statuses = async (path: string): Promise<string[]> => {
    const list: string[] = [];
    for await (const { path: file, status } of verify(path)) list.push(`${file.split("/").at(-1)} ${status}`);
    return list;
  };
  await mkdir(join(folder, "deep/er"), { recursive: true });
  const copy = join(folder, "deep/er/optimizer_adam.safetensors");
  await copyFile(fixture("reference/optimizer_adam.safetensors"), copy);
  await writeFile(join(folder, "other.json"), "{}");
  assert.equal(await statuses(folder), ["optimizer_adam.safetensors passed", "other.json unknown"]);
  assert.equal(await statuses(copy), ["optimizer_adam.safetensors passed"]);
});

test("tensors that a case does not look at are named", async () => {
  const copy = await changed(unet, ({ tensors }) => {
    tensors.stray = { shape: [1], data: new Float32Array(1) };
  });
  const result = await verifyFile(copy);
  assert.equal(result.status === "passed" && result.unused, ["stray"]);
});

test("a folder without cases, or none at all, is refused", async () => {
  await writeFile(join(folder, "notes.txt"), "");
  const all = async (path: string): Promise<void> => {
    for await (const _ of verify(path));
  };
  for (const [path, expected] of [
    [folder, /invalid folder.*allowed: a folder with reference cases: /],
    [join(folder, "missing"), /cannot read .*missing: it does not exist/],
  ] as const) {
    try {
      await all(path);
      assert.unreachable();
    } catch (error) {
      assert.match((error as Error).message, expected);
    }
  }
});

test("command line: a table, other files reported; exits 0 if all is well and 1 if a number is off", async () => {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const run = (...args: string[]): { status: number | null; out: string; errors: string } => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...process.execArgv, main, "verify", ...args],
      {
        encoding: "utf8",
      },
    );
    return { status, out: stdout, errors: stderr };
  };
  await copyFile(fixture("reference/losses.safetensors"), join(folder, "losses.safetensors"));
  await writeFile(join(folder, "notes.txt"), "");
  const good = run(folder, "--engine", "cpu");
  assert.match(good.errors, /engine: cpu/);
  assert.match(good.out, /passed {3}losses\.safetensors/);
  assert.match(good.out, /ok {6}l1\.grad_x +\S+ <= 1e-3 gradient/);
  assert.match(good.out, /skipped {2}notes\.txt: no known kind/);
  assert.match(good.out, /1 passed, 0 failed, 1 of no known kind/);
  assert.is(good.status, 0);

  await changed(fixture("reference/losses.safetensors"), ({ tensors }) => {
    tensors.l2!.data[0] = 1;
  });
  await writeFile(join(folder, "optimizer_adam.safetensors"), "hello");
  const bad = run(folder, "--engine", "cpu");
  assert.match(bad.out, /FAILED {3}losses\.safetensors/);
  assert.match(bad.out, /FAILED {2}l2 +\S+ > {2}1e-4 value/);
  assert.match(bad.out, /FAILED {3}optimizer_adam\.safetensors: .*not a valid safetensors file/);
  assert.match(bad.out, /0 passed, 2 failed/);
  assert.is(bad.status, 1);
});

test.run();
