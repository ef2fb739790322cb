import { test } from "uvu";
import * as assert from "uvu/assert";
import { killTrainings } from "../kill.js";

test("killed at 20 random moments and resumed, trainings end as if they had been left alone", async () => {
  assert.is((await killTrainings(20)).kills, 20);
});

test.run();
