import { createRequire } from "node:module";
import { binaryFolder } from "../engine/onnx/cuda.js";
import { notBuilt } from "../engine/onnx/gpu.js";
import { supportedProviders } from "../engine/onnx/session.js";
import { TangentLabError } from "../errors.js";
import { link, unlink } from "./cuda/link.js";
import { cudaWheel } from "./cuda/wheel.js";
import { checkEngine, type EngineState } from "./doctor/engines.js";

export interface LinkCudaArguments {
  python?: string;
  remove: boolean;
}

/** What the command is made for, and tests make up. */
export interface Surroundings {
  /** onnxruntime-node's binary is here. */
  folder: string;
  /** onnxruntime-node's version. */
  version: string;
  check(): Promise<Pick<EngineState, "state" | "note" | "stepsPerSecond">>;
  onSystem?(name: string): boolean;
}

const here = (): Surroundings => ({
  folder: binaryFolder(),
  version: (createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string }).version,
  check: () => checkEngine("onnx:cuda"),
});

/**
 * `tangent-lab link-cuda`: links the CUDA provider of a Python's onnxruntime-gpu beside onnxruntime-node's binary, or removes the links. That a machine has no GPU
 * is no error: images of containers are made on such.
 * @throws TangentLabError naming the first thing that is missing or does not fit. What was there before stays, then.
 */
export async function linkCudaCommand(
  { python, remove }: LinkCudaArguments,
  { folder, version, check, onSystem }: Surroundings = here(),
): Promise<void> {
  if (remove) {
    console.log((await unlink(folder)) ? `removed the links in ${folder}` : "nothing was linked");
    return;
  }
  if (!supportedProviders().includes("cuda"))
    throw new TangentLabError("device-unavailable", notBuilt("cuda"), {
      argument: "platform",
      given: `${process.platform} ${process.arch}`,
      allowed: "linux x64",
    });
  const wheel = await cudaWheel(python, version, onSystem);
  await link(wheel, folder);
  console.log(`linked: the CUDA ${wheel.cuda} provider of onnxruntime-gpu ${wheel.version}, ${wheel.python}`);
  const { state, note, stepsPerSecond } = await check();
  const speed = stepsPerSecond === null ? "" : `, ${stepsPerSecond.toPrecision(3)} steps/s`;
  if (state === "works") console.log(`it works: ${note}${speed}. Taken where no engine is asked for`);
  else if (state === "off") console.log("its numbers are off: `tangent-lab doctor` says by how much");
  else console.log(`it does not start on this machine: ${note}`);
}
