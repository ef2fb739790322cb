import { machine, versions } from "../experiments/provenance.js";
import { cacheState } from "./doctor/cache.js";
import { automatically, chosen } from "./doctor/choice.js";
import { chosenEngine, convolutions, threads, variables } from "./doctor/chosen.js";
import { chromiumInUse } from "./doctor/chromium.js";
import type { Diagnosis } from "./doctor/diagnosis.js";
import { checkEngine, type EngineState, probed } from "./doctor/engines.js";
import { inWords } from "./doctor/in-words.js";
import { probe } from "./doctor/probe.js";
import { withoutHome } from "./doctor/tilde.js";
import { notebooksIn } from "./notebook/kernels.js";

export interface DoctorArguments {
  json: boolean;
  /** Started by another process of the same command: checks this engine alone. */
  probe?: string;
}

/** `tangent-lab doctor`: what works here. Resolves to whether the chosen engine starts and its numbers are right. */
export async function doctorCommand(args: DoctorArguments): Promise<boolean> {
  if (args.probe !== undefined) {
    console.log(
      JSON.stringify(args.probe === automatically ? await chosenEngine() : await probe(args.probe)),
    );
    return true;
  }
  const engines: EngineState[] = [];
  for (const engine of probed) {
    console.error(`checking ${engine}`);
    engines.push(await checkEngine(engine));
  }
  const { engine: _, ...system } = machine("");
  const diagnosis: Diagnosis = withoutHome({
    machine: system,
    versions: versions(),
    engines,
    chosen: await chosen(),
    convolutions: await convolutions(),
    threads: threads(),
    environment: variables(),
    notebooks: await notebooksIn(process.cwd()),
    chromium: await chromiumInUse(),
    cache: await cacheState(),
  });
  console.log(args.json ? JSON.stringify(diagnosis, null, 1) : inWords(diagnosis));
  const name = diagnosis.chosen.engine === "onnx" ? "onnx:cpu" : diagnosis.chosen.engine;
  const { state } = engines.find(({ engine }) => engine === name) ?? {};
  return state === "works";
}
