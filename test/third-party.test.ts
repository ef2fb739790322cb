import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { thirdParty } from "./third-party.js";

test("THIRD_PARTY.md is of the packages that are installed: npm run third-party", () => {
  assert.is(readFileSync(new URL("../THIRD_PARTY.md", import.meta.url), "utf8"), thirdParty());
});

test.run();
