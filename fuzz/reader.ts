import type { Draw } from "./mutate.js";

/** A way in for files: what it is fed, and how. */
export interface Reader {
  name: string;
  /** How many of its files there are in a run to 16 of each other reader; 16 by default, fewer for one that takes long. */
  share?: number;
  /** Valid files, small ones. */
  files(): Promise<Uint8Array[]>;
  /** What may stand in its text. */
  tokens?: readonly string[];
  /** A damaged file, where more is to be done than to change its bytes: checksums set right, so that the damage is found behind them. */
  damage?(file: Uint8Array, change: (bytes: Uint8Array) => Uint8Array, draw: Draw): Uint8Array;
  /** Reads it. May throw our error. @param folder an empty one, for those that read from the disk. */
  read(bytes: Uint8Array, folder: string): Promise<unknown>;
}

/** What may stand in JSON. */
export const json: readonly string[] = [
  ...[
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "0",
    "-1",
    "1e999",
    "4294967295",
    "18446744073709551616",
    '"\\u0000"',
  ],
  ...[
    "[".repeat(20_000),
    '{"a":'.repeat(20_000),
    '"__proto__":',
    '"constructor":',
    "\u2028",
    "\ud800",
    ",",
    "}",
  ],
];
