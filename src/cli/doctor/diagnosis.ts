import type { Notebooks } from "../notebook/kernels.js";
import type { CacheState } from "./cache.js";
import type { EngineState } from "./engines.js";

/** All that a bug report should contain; JSON. */
export interface Diagnosis {
  machine: Record<string, string>;
  versions: Record<string, string>;
  engines: EngineState[];
  /** The engine that is taken where none is asked for; null where it does not start. */
  chosen: { engine: string | null; description: string | null; why: string };
  /** Of compiled graphs. */
  convolutions: string;
  threads: string;
  /** Variables of ours that are set. */
  environment: Record<string, string>;
  notebooks: Notebooks;
  chromium: { path: string; version: string | null } | null;
  cache: CacheState;
}
