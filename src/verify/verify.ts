import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { check, TangentLabError } from "../errors.js";
import { fileSystemError } from "../io/files.js";
import { type CaseKind, errorOf, type ToleranceKind, tolerances } from "./case.js";
import { caseKinds } from "./cases/index.js";
import { corrupt, type Reference, readReference } from "./reference.js";

/** One row: the largest relative error of a quantity. */
export interface QuantityResult {
  readonly quantity: string;
  /** Which part of it is worst, where it has several. */
  readonly worst?: string;
  /** How many parts were compared. */
  readonly parts: number;
  readonly error: number;
  readonly kind: ToleranceKind;
  readonly tolerance: number;
  readonly passed: boolean;
}

/** What became of one file. */
export type CaseResult = { readonly path: string } & (
  | {
      readonly status: "passed" | "failed";
      readonly kind: string;
      readonly quantities: readonly QuantityResult[];
      /** Tensors of the file that the case did not look at. */
      readonly unused: readonly string[];
      readonly seconds: number;
    }
  /** The file is damaged, or asks for what this library does not have. */
  | {
      readonly status: "error";
      readonly kind: string | undefined;
      readonly message: string;
      /** What was thrown. */
      readonly cause: unknown;
    }
  /** No kind of case belongs to this file. */
  | { readonly status: "unknown" }
);

/**
 * Checks every reference file in a folder and the folders in it, or a single file, in the order of their paths, on the device in use.
 * @throws TangentLabError `file-system` if the folder cannot be read, `invalid-argument` if it holds no known case.
 */
export async function* verify(
  folder: string,
  kinds: readonly CaseKind[] = caseKinds,
): AsyncGenerator<CaseResult> {
  const paths = await filesIn(folder);
  let known = 0;
  for (const path of paths) {
    const result = await verifyFile(path, kinds);
    if (result.status !== "unknown") known++;
    yield result;
  }
  check(
    known > 0,
    "folder",
    folder,
    `a folder with reference cases: ${kinds.map(({ kind }) => kind).join(", ")}`,
  );
}

/** Checks one file. What is wrong with the file is in the result, not thrown. */
export async function verifyFile(path: string, kinds: readonly CaseKind[] = caseKinds): Promise<CaseResult> {
  if (![".safetensors", ".json"].includes(extname(path))) return { path, status: "unknown" };
  let kind: CaseKind | undefined;
  tf.engine().startScope(); // also what a case leaves behind when it throws is disposed
  try {
    const file = await readReference(path);
    kind = kindOf(file.metadata("kind") ?? file.name, kinds);
    return kind ? await run(kind, file) : { path, status: "unknown" };
  } catch (error) {
    // Shapes that do not fit each other are found by the ops that get them.
    const message = error instanceof TangentLabError ? error.message : `${path}: ${(error as Error).message}`;
    return { path, status: "error", kind: kind?.kind, message, cause: error };
  } finally {
    tf.engine().endScope();
  }
}

async function run(kind: CaseKind, file: Reference): Promise<CaseResult> {
  const started = performance.now();
  const comparisons = await kind.verify(file);
  if (comparisons.length === 0) throw corrupt(file.path, "it has nothing to compare with");
  const rows = new Map<string, QuantityResult>();
  for (const comparison of comparisons) {
    const row = { ...comparison, error: errorOf(comparison, file) };
    const tolerance = tolerances[row.kind];
    const before = rows.get(row.quantity);
    const parts = (before?.parts ?? 0) + 1;
    // Not `>`: an error that is not a number is worse than all.
    const worse = !before || !(row.error <= before.error);
    const { quantity, part, error, kind } = row;
    rows.set(
      quantity,
      worse && !Number.isNaN(before?.error)
        ? {
            quantity,
            ...(part !== undefined && { worst: part }),
            parts,
            error,
            kind,
            tolerance,
            passed: error <= tolerance,
          }
        : { ...before!, parts },
    );
  }
  const quantities = [...rows.values()];
  return {
    path: file.path,
    kind: kind.kind,
    status: quantities.every(({ passed }) => passed) ? "passed" : "failed",
    quantities,
    unused: file.unused(),
    seconds: (performance.now() - started) / 1000,
  };
}

/** The kind of the longest name that `name` is or begins with, before an underscore. */
const kindOf = (name: string, kinds: readonly CaseKind[]): CaseKind | undefined =>
  kinds
    .filter(({ kind }) => `${name}_`.startsWith(`${kind}_`))
    .sort((a, b) => b.kind.length - a.kind.length)[0];

async function filesIn(folder: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true, recursive: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOTDIR") return [folder];
    throw fileSystemError("read", folder, cause);
  }
  return entries
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
