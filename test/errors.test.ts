import { test } from "uvu";
import * as assert from "uvu/assert";
import { check, TangentLabError } from "../src/errors.js";

const long = "[".repeat(20_000);

const messageOf = (body: () => unknown): string => {
  try {
    body();
  } catch (error) {
    assert.instance(error, TangentLabError);
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
};

test("an error shows little of a file's text, wherever it stands: both ends of a message, names, values, what is allowed", () => {
  const message = messageOf(() => {
    throw new TangentLabError("corrupt-file", `a.json holds ${long} and ends`, {
      given: long,
      allowed: long,
    });
  });
  assert.match(message, /^a\.json holds \[+\.\.\.\[+ and ends; given: "\[+\.\.\.; allowed: \[+\.\.\.\[+$/);
  assert.ok(message.length < 2000, `${message.length}`);
  // Options of a file may have any name.
  const option = messageOf(() => check.only("unet", { [long]: 1 }, ["size"]));
  assert.match(option, /^invalid \[+\.\.\.; given: 1; allowed: of unet only size$/);
  assert.ok(option.length < 250);
});

test("a short error is as it was written", () => {
  const message = messageOf(() => check(false, "steps", -1, "an integer >= 1"));
  assert.is(message, "invalid steps; given: -1; allowed: an integer >= 1");
});

test.run();
