// Trains with checkpoints and says each event's step, for a test that kills this process: node endless-run.ts <folder>
import { smallRun } from "./runs.js";

const run = smallRun({ checkpoint: process.argv[2]!, checkpointEvery: 5 });
for await (const { step } of run) {
  console.log(step);
  // The test kills it here: with checkpoints behind it and steps before it.
  if (step === 25) await new Promise((resolve) => setTimeout(resolve, 60_000));
}
