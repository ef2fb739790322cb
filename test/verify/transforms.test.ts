import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { useDevice } from "../../src/engine/device.js";
import { decodeSafetensors, encodeSafetensors, type Safetensors } from "../../src/io/safetensors.js";
import { type CaseResult, verifyFile } from "../../src/verify/verify.js";

const path = fileURLToPath(new URL("../fixtures/reference/transforms.safetensors", import.meta.url));

let folder: string;
test.before(async () => {
  await useDevice("cpu");
  folder = await mkdtemp(join(tmpdir(), "tangent-lab-transforms-"));
});
test.after(() => rm(folder, { recursive: true }));

/** The case's result for a copy that has only these cases, changed. */
async function changed(names: readonly string[], change: (file: Safetensors) => void): Promise<CaseResult> {
  const { tensors, metadata } = decodeSafetensors(await readFile(path));
  const kept = Object.entries(tensors).filter(
    ([name]) => name === "images" || names.includes(name.replace(/\.\w+$/, "")),
  );
  const file: Safetensors = { tensors: Object.fromEntries(kept), metadata: { ...metadata } };
  change(file);
  const copy = join(folder, "transforms.safetensors");
  await writeFile(copy, encodeSafetensors(file.tensors, file.metadata));
  return verifyFile(copy);
}

const failures = (result: CaseResult): readonly string[] =>
  result.status === "failed" ? result.quantities.filter((q) => !q.passed).map((q) => q.quantity) : [];

test("every published transformation and group agrees", async () => {
  const result = await verifyFile(path);
  assert.is(result.status, "passed", JSON.stringify(result));
  // 11 transformations and 4 groups, each with its labels.
  assert.is(result.status === "passed" && result.quantities.length, 30);
});

for (const name of ["rotate_frac", "hue", "gaussian_blur", "mixup", "geometric"]) {
  test(`one changed pixel in ${name} fails`, async () => {
    const result = await changed([name], ({ tensors }) => {
      const { data } = tensors[`${name}.images`]!;
      data[100] = (data[100] as number) + 0.1;
    });
    assert.equal(failures(result), [name]);
  });
}

// Through the size of the noise that is left over, where there is noise.
for (const [name, caught] of [
  ["translate_frac", "translate_frac"],
  ["aniso", "aniso"],
  ["noise", "noise.noise"],
  ["degradation", "degradation.noise"],
  ["all", "all.noise"],
] as const) {
  test(`one changed label of ${name} fails`, async () => {
    const result = await changed([name], ({ tensors }) => {
      const { data } = tensors[`${name}.labels`]!;
      data[0] = (data[0] as number) + 0.05;
    });
    assert.equal(failures(result), [caught]);
  });
}

test("a changed strength fails what it belongs to, and no more", async () => {
  const result = await changed(["brightness", "contrast", "saturation"], ({ metadata }) => {
    metadata.parameters = metadata.parameters!.replace('"contrast_std": 0.5', '"contrast_std": 0.51');
  });
  assert.equal(failures(result), ["contrast"]);
});

for (const [what, change, message] of [
  [
    "an unknown strength",
    ({ metadata }) => {
      metadata.parameters = '{"twist_std": 1}';
    },
    /twist_std: 1, which is not known/,
  ],
  [
    "labels of another transformation",
    ({ tensors }) => {
      tensors["scale.labels"] = tensors["hue.labels"]!;
    },
    /scale has labels \[6,2\].*not \[6,1\]/,
  ],
  [
    "an unknown transformation",
    ({ tensors }) => {
      tensors["twist.images"] = tensors["scale.images"]!;
    },
    /twist.* is none of scale/,
  ],
] as [string, (file: Safetensors) => void, RegExp][]) {
  test(`${what} is refused`, async () => {
    const result = await changed(["scale", "hue"], change);
    assert.match(result.status === "error" ? result.message : result.status, message);
  });
}

test.run();
