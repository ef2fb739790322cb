import * as v from "valibot";
import { exponentialCurriculum } from "../../consistency/curriculum.js";
import { ectPairs } from "../../consistency/times.js";
import { karrasSigmas } from "../../diffusion/sampling.js";
import type { Schema } from "../../io/json.js";
import { cosineRestarts } from "../../optim/schedules.js";
import type { CaseKind, Comparison } from "../case.js";
import { corrupt, type Reference } from "../reference.js";

/**
 * `t_to_r`: the nearer times r of `t`, by settings "q=,k=,b=,stages=,iterations=,adjust=" and iteration. `karras`: EDM's levels, rising from 0, by
 * "steps,highest level". `discretization_exponential`: the intervals of improved consistency training, by iteration, in a training as long as the longest of
 * `t_to_r`. `cosine_restarts`: PyTorch's CosineAnnealingWarmRestarts by settings "rate=,period=,floor=" and iteration.
 */
export const schedules: CaseKind = {
  kind: "schedules",
  verify: async (file) => {
    const sections: Record<string, (file: Reference, content: Content) => Comparison[]> = {
      t_to_r,
      karras,
      discretization_exponential,
      cosine_restarts,
    };
    const content = file.content(contentSchema);
    const { t: _, ...given } = content;
    return Object.keys(given).flatMap((name) => {
      const section = Object.hasOwn(sections, name) ? sections[name] : undefined;
      if (!section) throw corrupt(file.path, `${name} is none of ${Object.keys(sections).join(", ")}`);
      return section(file, content);
    });
  },
};

interface Content {
  t?: number[];
  t_to_r?: Record<string, Record<string, number[]>>;
  karras?: Record<string, number[]>;
  discretization_exponential?: Record<string, number>;
  cosine_restarts?: Record<string, Record<string, number>>;
}

const numbers = v.array(v.number());
const byName = <T extends v.GenericSchema>(schema: T) => v.record(v.string(), schema);
/** Sections that are not known are named by `verify`. */
const contentSchema = v.looseObject({
  t: v.exactOptional(numbers),
  t_to_r: v.exactOptional(byName(byName(numbers))),
  karras: v.exactOptional(byName(numbers)),
  discretization_exponential: v.exactOptional(byName(v.number())),
  cosine_restarts: v.exactOptional(byName(byName(v.number()))),
}) as Schema<Content>;

function t_to_r(file: Reference, { t, t_to_r }: Content): Comparison[] {
  if (t === undefined) throw corrupt(file.path, "it has no times t");
  return Object.entries(t_to_r!).flatMap(([name, byIteration]) => {
    const { given, setting } = settingsOf(file, "t_to_r", name);
    const pairs = ectPairs({
      iterations: setting("iterations"),
      stages: setting("stages"),
      q: setting("q"),
      // A constant adjustment is a widening of 1 at all times.
      k: given.adjust === "const" ? 0 : setting("k"),
      b: setting("b"),
    });
    return Object.entries(byIteration).map(([iteration, reference]) => ({
      quantity: "t_to_r",
      part: `${name}, iteration ${iteration}`,
      ours: t.map((time) => pairs(time, iterationOf(file, "t_to_r", iteration))),
      reference,
      kind: "value" as const,
    }));
  });
}

/** Settings "q=2,k=8". */
function settingsOf(
  file: Reference,
  section: string,
  name: string,
): { given: Record<string, string>; setting: (key: string) => number } {
  const given = Object.fromEntries(name.split(",").map((part) => part.split("=") as [string, string]));
  const setting = (key: string): number => {
    const value = Number(given[key]);
    if (!Number.isFinite(value)) throw corrupt(file.path, `${section}: ${key} in "${name}" is not a number`);
    return value;
  };
  return { given, setting };
}

/** A name that is the number of an iteration. */
function iterationOf(file: Reference, section: string, name: string): number {
  const iteration = Number(name);
  if (!Number.isSafeInteger(iteration) || iteration < 0)
    throw corrupt(file.path, `${section}: "${name}" is no iteration`);
  return iteration;
}

function cosine_restarts(file: Reference, { cosine_restarts }: Content): Comparison[] {
  return Object.entries(cosine_restarts!).map(([name, byIteration]) => {
    const { setting } = settingsOf(file, "cosine_restarts", name);
    const rate = setting("rate");
    const schedule = cosineRestarts(rate, setting("period"), { final: setting("floor") / rate });
    return {
      quantity: "cosine_restarts",
      part: name,
      ours: Object.keys(byIteration).map((each) => schedule(iterationOf(file, "cosine_restarts", each))),
      reference: Object.values(byIteration),
      kind: "value",
    };
  });
}

function karras(file: Reference, { karras }: Content): Comparison[] {
  return Object.entries(karras!).map(([name, reference]) => {
    const [steps, max] = name.split(",").map(Number) as [number, number];
    if (!(steps >= 1 && max > 0)) throw corrupt(file.path, `karras: "${name}" is not "steps,highest level"`);
    if (reference.length !== Math.max(2, steps + 1))
      throw corrupt(file.path, `karras: "${name}" has ${reference.length} levels`);
    // One step is from the highest level to the lowest, the ends of all longer lists.
    const falling = steps === 1 ? karrasSigmas({ steps: 2, max }).slice(0, 2) : karrasSigmas({ steps, max });
    return { quantity: "karras", part: name, ours: falling.reverse(), reference, kind: "value" };
  });
}

function discretization_exponential(file: Reference, content: Content): Comparison[] {
  const { t_to_r = {}, discretization_exponential: reference } = content;
  const lengths = Object.keys(t_to_r).map((name) => Number(/iterations=(\d+)/.exec(name)?.[1] ?? 0));
  const iterations = Math.max(0, ...lengths);
  if (iterations === 0)
    throw corrupt(file.path, "t_to_r has no training whose length fits discretization_exponential");
  const curriculum = exponentialCurriculum({ iterations });
  return Object.entries(reference!).map(([iteration, intervals]) => ({
    quantity: "discretization_exponential",
    part: `iteration ${iteration}`,
    ours: [curriculum(iterationOf(file, "discretization_exponential", iteration))],
    reference: [intervals],
    kind: "value",
  }));
}
