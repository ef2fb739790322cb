import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { nodePackages } from "../../src/cli/tensorflow/package.js";
import { runTestFile } from "../run-file.js";
import { testedVariable } from "./devices.js";

// The engine `tensorflow`: builds the addon of the installed package against a real TensorFlow, tests it as the other engines are, and removes it again.
// `npm install --no-save --ignore-scripts @tensorflow/tfjs-node-gpu` comes before.

/** The environment variable with a Python that has TensorFlow. */
const pythonVariable = "TANGENT_LAB_TENSORFLOW_PYTHON";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const main = here("../../src/cli/main.ts");

function tangentLab(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [...process.execArgv, main, ...args], { encoding: "utf8" });
}

const python = process.env[pythonVariable];
if (python === undefined)
  console.log(`left out: TensorFlow, without a Python that has it (${pythonVariable})`);
else {
  test("link-tensorflow builds the addon, and the engine works with it", () => {
    const { status, stdout, stderr } = tangentLab("link-tensorflow", "--python", python);
    assert.is(status, 0, stderr);
    assert.match(
      stdout,
      /^linked: tensorflow \(TensorFlow \d+\.\d+\.\d+ through @tensorflow\/tfjs-node(-gpu)?, [CG]PU\), [\d.e+]+ steps\/s\n/,
    );
    assert.not.match(stdout, "off");
  });

  for (const file of ["devices", "einsum", "gradients", "not-finite", "types"]
    .map((name) => `./${name}.test.ts`)
    .concat(["losses", "optimizers", "pool-resize"].map((name) => `../reference/${name}.test.ts`)))
    test(`${file} on it`, async () => {
      process.env[testedVariable] = "tensorflow";
      const { passed, failed, output } = await runTestFile(here(file));
      delete process.env[testedVariable];
      assert.ok(failed === 0 && passed > 0, output);
    });

  for (const folder of ["reference", "networks"])
    test(`the reference cases in ${folder} on it`, () => {
      const { status, stdout } = tangentLab(
        "verify",
        here(`../fixtures/${folder}`),
        "--engine",
        "tensorflow",
      );
      assert.is(status, 0, stdout);
      assert.match(stdout, /\n[1-9]\d* passed, 0 failed/);
    });

  test("200 steps of training on it: the losses of `onnx`", () => {
    const losses = (engine: string): number[] => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [...process.execArgv, here("./train-run.ts"), engine],
        { encoding: "utf8" },
      );
      assert.is(status, 0, stderr);
      return JSON.parse(stdout.trimEnd().split("\n").at(-1)!);
    };
    const [ours, theirs] = [losses("tensorflow"), losses("onnx")];
    assert.is(ours.length, 200);
    const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    assert.ok(mean(ours.slice(-20)) < 0.8 * mean(ours.slice(0, 20)), "it learns");
    ours.forEach((loss, i) => {
      assert.ok(Math.abs(loss / theirs[i]! - 1) < 1e-3, `step ${i + 1}: ${loss}, not ${theirs[i]}`);
    });
  });

  test("an addon that is broken: one sentence that says what to do, exit code 2; and after --remove, too", async () => {
    const [{ addonFolder } = { addonFolder: "" }] = await nodePackages(import.meta.url);
    writeFileSync(join(addonFolder, "tfjs_binding.node"), "no library");
    const broken = tangentLab("verify", here("../fixtures/reference"), "--engine", "tensorflow");
    assert.is(broken.status, 2);
    assert.match(
      broken.stderr,
      /^error: the engine tensorflow does not start: the addon of \S+ does not load \(.*\); `tangent-lab link-tensorflow` builds it.*\n$/,
    );
    assert.is(tangentLab("link-tensorflow", "--remove").status, 0);
    const absent = tangentLab("verify", here("../fixtures/reference"), "--engine", "tensorflow");
    assert.is(absent.status, 2);
    assert.match(absent.stderr, /^error: .* has no addon; `tangent-lab link-tensorflow` builds it.*\n$/);
  });
}

test.run();
