import { join } from "node:path";
import { TangentLabError } from "../errors.js";
import { checkWritable, isMissing, readBytes, removeFolder, writeFolderAtomically } from "../io/files.js";
import { lock } from "../io/lock.js";
import { checkOurs, entriesOf } from "../io/mark.js";
import { checkEngine, type EngineState } from "./doctor/engines.js";
import { buildAddon } from "./tensorflow/build.js";
import { addonFile, type NodePackage, nodePackages, packageToLink } from "./tensorflow/package.js";
import { pythonTensorFlow } from "./tensorflow/python.js";
import { findTools } from "./tensorflow/tools.js";

export interface LinkTensorFlowArguments {
  python?: string;
  gpu: boolean;
  remove: boolean;
}

/** What the command is made for, and tests make up. */
export interface Surroundings {
  /** The packages are looked for beside this module. */
  from: string;
  check(): Promise<Pick<EngineState, "state" | "note" | "stepsPerSecond">>;
  /** Loads an addon. */
  loads?: Parameters<typeof buildAddon>[3];
}

const here: Surroundings = { from: import.meta.url, check: () => checkEngine("tensorflow") };

/**
 * `tangent-lab link-tensorflow`: builds the addon of @tensorflow/tfjs-node-gpu, or tfjs-node, against the TensorFlow of a Python, and puts it where the package
 * looks for it; or removes it again.
 * @throws TangentLabError naming the first thing that is missing or does not fit. What was there before stays, then.
 */
export async function linkTensorFlowCommand(
  args: LinkTensorFlowArguments,
  surroundings: Surroundings = here,
): Promise<void> {
  if (args.remove) return remove(surroundings.from);
  if (process.platform !== "linux")
    throw new TangentLabError("device-unavailable", "link-tensorflow is made for Linux", {
      argument: "platform",
      given: process.platform,
      allowed: "linux; elsewhere the packages' own install scripts",
    });
  const target = await packageToLink(args.gpu, surroundings.from);
  const tensorflow = await pythonTensorFlow(args.python, args.gpu);
  const tools = findTools();
  await checkOurs(target.addonFolder);
  await checkWritable(target.folder);
  const release = await lock(join(target.folder, ".tangent-lab.lock"), target.folder);
  try {
    const { name, version } = target;
    const { python, cuda } = tensorflow;
    const kind = cuda === null ? "" : ` for CUDA ${cuda}`;
    console.error(`building ${name} ${version} against TensorFlow ${tensorflow.version}${kind} of ${python}`);
    if (!tools.nodeFolder) console.error("Node came without its headers: node-gyp downloads them");
    const addon = await buildAddon(target, tensorflow, tools, surroundings.loads);
    const found = await replace(target, addon, surroundings.check);
    const speed = found.stepsPerSecond === null ? "" : `, ${found.stepsPerSecond.toPrecision(3)} steps/s`;
    console.log(`linked: ${found.note}${speed}`);
    if (found.state === "off") console.log("its numbers are off: `tangent-lab doctor` says by how much");
    if (cuda !== null && !/\bGPU$/.test(found.note))
      console.log("no GPU was found: TensorFlow computes on the CPU");
    console.log("--engine tensorflow, or TANGENT_LAB_ENGINE=tensorflow, takes it");
  } finally {
    await release();
  }
}

/** Puts the addon in its place; where it does not work there, what was there before comes back. */
async function replace(
  { addonFolder }: NodePackage,
  addon: Uint8Array,
  check: Surroundings["check"],
): Promise<Awaited<ReturnType<Surroundings["check"]>>> {
  const before = await readBytes(join(addonFolder, addonFile)).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  await writeFolderAtomically(addonFolder, { [addonFile]: addon });
  const found = await check();
  if (found.state === "works" || found.state === "off") return found;
  if (before) await writeFolderAtomically(addonFolder, { [addonFile]: before });
  else await removeFolder(addonFolder);
  throw new TangentLabError("device-unavailable", `the engine does not work with it: ${found.note}`, {
    argument: "package",
  });
}

async function remove(from: string): Promise<void> {
  let removed = 0;
  for (const { name, addonFolder } of await nodePackages(from)) {
    if ((await entriesOf(addonFolder)).length === 0) continue;
    await removeFolder(addonFolder);
    console.log(`removed the addon of ${name}`);
    removed++;
  }
  if (removed === 0) console.log("nothing was linked");
}
