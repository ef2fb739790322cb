// A training with many checkpoints that resumes, to be killed: it says when it begins. node resumed-run.ts <folder>
import { longRun } from "./runs.js";

process.send!("begun");
await longRun({ checkpoint: process.argv[2]!, resume: true });
process.disconnect();
