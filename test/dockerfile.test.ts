import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Copy, DockerfileParser } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { versions } from "../src/experiments/provenance.js";

// As far as it can be checked without a network and Docker.

const root = fileURLToPath(new URL("..", import.meta.url));
const text = readFileSync(join(root, "Dockerfile"), "utf8");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

test("the Dockerfile is one", () => {
  assert.equal(validate(text), []);
  assert.not.equal(validate(text.replace("WORKDIR", "WORKDIRECTORY")), [], "it is looked at");
});

test("what it copies is there, and the command is where it says", () => {
  const copies = DockerfileParser.parse(text).getCOPYs() as Copy[];
  const paths = copies
    .filter((each) => each.getFromFlag() == null)
    .flatMap((each) =>
      each
        .getArguments()
        .slice(0, -1)
        .map((argument) => argument.getValue()),
    );
  assert.equal(paths, ["package.json", "package-lock.json", ".npmrc", "."]);
  for (const path of paths) assert.ok(existsSync(join(root, path)), path);
  assert.match(text, `ln -s /app/${manifest.bin["tangent-lab"]} /usr/local/bin/tangent-lab`);
  assert.match(
    text,
    `docker build --tag tangent-lab:${versions()["tangent-lab"]} .`,
    "the image's name in what --submit writes",
  );
  const node = Number(/^FROM node:(\d+)/m.exec(text)![1]);
  assert.ok(node >= Number(/\d+/.exec(manifest.engines.node)![0]));
});

test.run();
