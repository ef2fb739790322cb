import * as v from "valibot";
import type { Schema } from "../io/json.js";
import type { RecordRow } from "./record.js";

const integer = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Numbers, of which there may be many; JSON has null for NaN. */
const values = v.custom<number[]>(
  (given) => Array.isArray(given) && given.every((value) => typeof value === "number" || value === null),
  "Expected a list of numbers",
);
const numberOrNaN = v.union([
  v.number(),
  v.pipe(
    v.null(),
    v.transform(() => Number.NaN),
  ),
]);
const named = v.record(v.string(), numberOrNaN) as v.GenericSchema<unknown, Record<string, number>>;
/** An `ArrayRecord` from a file. */
export const arraySchema = v.object({ shape: v.array(integer), values });

/** A `MetricsRecord` from a file. */
export const metricsSchema = v.object({ step: integer, metrics: named });

/** A row as a checkpoint's file has it. */
export const rowSchema: Schema<RecordRow> = v.object({
  step: integer,
  losses: v.exactOptional(named),
  curve: v.exactOptional(named),
  samples: v.exactOptional(arraySchema),
  probes: v.exactOptional(
    v.object({
      outputs: arraySchema,
      tangents: arraySchema,
      parallel: values,
      normal: values,
      cosine: v.nullable(values),
      distance: values,
    }),
  ),
}) as v.GenericSchema<unknown, RecordRow>;
