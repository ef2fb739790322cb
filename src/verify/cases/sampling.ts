import * as tf from "@tensorflow/tfjs-core";
import { sample } from "../../diffusion/multistep.js";
import { euler, heun, karrasSigmas } from "../../diffusion/sampling.js";
import { compile } from "../../engine/compile.js";
import type { Tensor } from "../../engine/tensor.js";
import type { CaseKind, Comparison } from "../case.js";
import { denoiserOf } from "../networks.js";
import { corrupt, type Reference } from "../reference.js";

/** Of a solver: more would run for hours. */
const mostSteps = 1000;

const solvers = { euler, heun };

/**
 * Samples of the metadata's preconditioned U-Net from `latent`, a point at the highest level. `<name>` with a list of levels "[80 -> 0.821 -> 0.002]" of
 * that name in the metadata: a consistency sampler, its later steps with `<name>.noise`, or `<name>.noise.i` where there are several. `euler_N`, `heun_N`: solvers
 * of the ODE with N steps on EDM's levels, "rho=7 in [0.002, 80]" in the metadata's `steps`.
 */
export const sampling: CaseKind = {
  kind: "sampling",
  verify: async (file) => {
    const { model, weights } = denoiserOf(file);
    const parameters = weights("weights.");
    const latent = file.images("latent");
    const comparisons: Comparison[] = [];
    for (const name of samplers(file)) {
      const [, solver, steps] = /^(euler|heun)_(\d+)$/.exec(name) ?? [];
      const levels = solver ? undefined : levelList(file, name);
      if (solver) {
        if (Number(steps) > mostSteps) throw corrupt(file.path, `${name} has more than ${mostSteps} steps`);
        const sigmas = karrasSigmas({ steps: Number(steps), ...levelRange(file) });
        const solve = solvers[solver as keyof typeof solvers];
        const run = compile((p: Tensor, x: Tensor) => solve(model, p, x, sigmas));
        comparisons.push(comparison(file, name, await run(parameters, latent)));
      } else {
        const [times, end] = [levels!.slice(0, -1), levels!.at(-1)!];
        const noises = [tf.div(latent, times[0]!), ...noisesOf(file, name, times.length - 1)];
        const run = compile((p: Tensor, noises: Tensor[]) => sample(model, p, noises, times, { end }));
        comparisons.push(comparison(file, name, await run(parameters, noises)));
      }
    }
    return comparisons;
  },
};

const comparison = (file: Reference, name: string, ours: Tensor): Comparison => ({
  quantity: name,
  ours,
  reference: file.images(name),
  kind: "value",
});

function samplers(file: Reference): string[] {
  const names = file.names().filter((name) => !/^weights\.|^latent$|\.noise(\.\d+)?$/.test(name));
  if (names.length === 0) throw corrupt(file.path, "it has no samples");
  return names;
}

/** "[80 -> 0.821 -> 0.002]": the levels, falling. */
function levelList(file: Reference, name: string): number[] {
  const levels = file
    .metadata(name)
    ?.replace(/^\[|\]$/g, "")
    .split("->")
    .map(Number);
  if (!levels || levels.length < 2 || !levels.every(Number.isFinite))
    throw corrupt(file.path, `its metadata has no levels "[80 -> 0]" for ${name}`);
  return levels;
}

/** "rho=7 in [0.002, 80]". */
function levelRange(file: Reference): { rho: number; min: number; max: number } {
  const text = file.metadata("steps") ?? "";
  const [, rho, min, max] = /rho=([\d.]+) in \[([\d.e-]+), ([\d.]+)\]/.exec(text)?.map(Number) ?? [];
  if (!rho || !min || !max) throw corrupt(file.path, 'its metadata has no steps "rho=7 in [0.002, 80]"');
  return { rho, min, max };
}

const noisesOf = (file: Reference, name: string, count: number): Tensor[] =>
  Array.from({ length: count }, (_, i) => file.images(count === 1 ? `${name}.noise` : `${name}.noise.${i}`));
