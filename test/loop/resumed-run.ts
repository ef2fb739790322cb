// A training with many checkpoints that resumes, to be killed: node resumed-run.ts <folder>
import { longRun } from "./runs.js";

await longRun({ checkpoint: process.argv[2]!, resume: true });
