import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { attempt } from "../../fuzz/attempt.js";
import { damaged, orderOf } from "../../fuzz/damaged.js";
import { readers } from "../../fuzz/readers/index.js";
import { fuzz } from "../../fuzz/run.js";
import { TangentLabError } from "../../src/errors.js";

const only = readers.map(({ name }) => name);

test("5,000 damaged files: our errors, within 5 s and 64 MB beyond the file", async () => {
  assert.equal(await fuzz({ seed: 1, from: 0, to: 4800, only }), []);
  // Of these, there are few among all.
  const slow = ["cache", "flow", "denoiser", "verify-networks"];
  assert.equal(await fuzz({ seed: 1, from: 0, to: 200, only: slow }), []);
});

test("files that failed once: named READER-..., as npm run fuzz saves them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  const saved = fileURLToPath(new URL("../fixtures/fuzz", import.meta.url));
  const inputs = fileURLToPath(new URL("../fixtures/inputs/hostile", import.meta.url));
  try {
    for (const path of [saved, inputs].flatMap((each) => readdirSync(each).map((name) => join(each, name)))) {
      const bytes = readFileSync(path);
      // What is in no reader's name is given to all of them.
      const known = readers.filter(({ name }) => path.startsWith(join(saved, `${name}-`)));
      for (const reader of known.length > 0 ? known : readers) {
        mkdirSync(join(folder, "files"));
        const why = await attempt(() => reader.read(bytes, join(folder, "files")), bytes.length);
        assert.is(why, undefined, `${path} as ${reader.name}`);
        rmSync(join(folder, "files"), { recursive: true });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("every reader takes its valid files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tangent-lab-"));
  try {
    let taken = 0;
    for (const reader of readers) {
      for (const file of await reader.files()) {
        mkdirSync(join(folder, "files"));
        const read = reader.read(file, join(folder, "files"));
        await read.then(
          () => taken++,
          (error: unknown) => {
            // Some fixtures are there to be refused.
            if (!(error instanceof TangentLabError)) throw error;
          },
        );
        rmSync(join(folder, "files"), { recursive: true });
      }
      assert.ok(taken > 0, reader.name);
      taken = 0;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the same seed damages in the same way, another one in another", async () => {
  const of = async (seed: number) =>
    Promise.all(
      Array.from({ length: 40 }, async (_, i) =>
        Buffer.from((await damaged({ seed, only }, i)).bytes).toString("hex"),
      ),
    );
  assert.equal(await of(3), await of(3));
  assert.not.equal(await of(3), await of(4));
});

test("a run goes on where it was stopped, and all readers get their share", async () => {
  const order = orderOf(readers.map(({ name }) => name));
  for (const reader of readers)
    assert.is(order.filter((each) => each === reader).length, reader.share ?? 16, reader.name);
  let reached = 0;
  const stop = new AbortController();
  const onProgress = (read: number): void => {
    reached = read;
    if (read > 50) stop.abort();
  };
  const some = { seed: 2, from: 10, to: 1e9, only: ["npy", "png", "trial"] };
  assert.equal(await fuzz({ ...some, onProgress, signal: stop.signal }), []);
  assert.ok(reached > 50);
});

test("what must not happen is found: other errors, much memory", async () => {
  const raw = await attempt(async () => {
    throw new TypeError("raw");
  }, 10);
  assert.match(raw!, /no error of ours: TypeError: raw/);
  let held: Buffer | undefined;
  const memory = await attempt(async () => {
    held = Buffer.alloc(process.resourceUsage().maxRSS * 1024 - process.memoryUsage.rss() + 100 * 2 ** 20, 1);
  }, 10);
  assert.ok(held!.length > 0);
  assert.match(memory!, /MiB for a file of 10 bytes/);
  assert.is(await attempt(async () => Buffer.alloc(1000), 10), undefined);
});

test.run();
