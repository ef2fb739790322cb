import { TangentLabError } from "../../src/errors.js";
import type { FileState } from "../file-states.js";

/** A picture as it is stored. */
export interface StoredPicture {
  /** Where it is, for errors: a path, or a path and a place in it. */
  where: string;
  bytes: Uint8Array;
}

/** Pictures wherever they are: in a folder, in Parquet or tar shards, in a zip file. What is said of them is known when it is opened; they are read in order. */
export interface PictureSource {
  /** The dataset's name. */
  name: string;
  /** What pictures are read: for the name of what is kept of them. */
  id: readonly unknown[];
  /** The folder that `files` are in. */
  root: string;
  /** All files that pictures come from, in order; paths within `root`. */
  files: readonly string[];
  /** Number of pictures. */
  count: number;
  /** The class of each picture. */
  labels?: Int32Array;
  numClasses?: number;
  classNames?: readonly string[];
  /** The captions of each picture. */
  captions?: readonly (readonly string[])[];
  /** All pictures. What `files` were like when they were read is added to `states`. */
  pictures(states: FileState[], signal?: AbortSignal): AsyncGenerator<StoredPicture>;
}

/** What of a source is wanted. */
export interface SourceOptions {
  image?: string | undefined;
  label?: string | false | undefined;
  caption?: string | undefined;
  split?: string | undefined;
  /** Whether captions are needed: without any it is an error. */
  captioned?: boolean;
  maxBytes?: number | undefined;
  /** Stops reading. */
  signal?: AbortSignal | undefined;
}

/** Something in files that does not fit. */
export const unfit = (path: string, why: string, allowed: string, given?: unknown): TangentLabError =>
  new TangentLabError("invalid-data", `${path}: ${why}`, {
    argument: "path",
    ...(given !== undefined && { given }),
    allowed,
  });

/** A name out of a file as an error shows it: not more of it than one can read. */
export const brief = (name: string, most = 120): string =>
  name.length > most ? `${name.slice(0, most - 3)}...` : name;

/** A file in another file, for errors. */
export const within = (path: string, name: string): string => `${path}, ${brief(name)}`;

/** Some names, and how many more there are. */
export const listed = (names: readonly string[], most = 5): string =>
  names
    .slice(0, most)
    .map((name) => brief(name, 40))
    .join(", ") + (names.length > most ? ` and ${names.length - most} more` : "");
