// A short training in a process of its own, for tests that look at it from outside: node short-run.ts
import { smallRun } from "./runs.js";

await smallRun({ steps: 5 });
