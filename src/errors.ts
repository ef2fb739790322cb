/** What kind of thing went wrong; stable, for programs that react to errors. */
export type ErrorCode =
  | "invalid-argument"
  | "invalid-data"
  | "corrupt-file"
  | "file-system"
  | "unsupported-op"
  | "value-read-in-step"
  | "device-unavailable"
  | "not-finite";

/** What an error says besides its message. */
export interface ErrorDetails {
  /** The argument, option, field or file that is wrong. */
  argument?: string;
  /** What was given. */
  given?: unknown;
  /** What is allowed. */
  allowed?: string;
  cause?: unknown;
}

/** The one error class of tangent-lab: says what is wrong, what was given and what is allowed. */
export class TangentLabError extends Error {
  readonly code: ErrorCode;
  readonly argument: string | undefined;
  readonly given: unknown;
  readonly allowed: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    const parts = [cut(message, longest)];
    if ("given" in details) parts.push(`given: ${show(details.given)}`);
    if (details.allowed !== undefined) parts.push(`allowed: ${cut(details.allowed, longest)}`);
    super(parts.join("; "), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "TangentLabError";
    this.code = code;
    this.argument = details.argument;
    this.given = details.given;
    this.allowed = details.allowed;
  }
}

/** Throws `invalid-argument` naming `argument` unless `condition` holds. */
export function check(
  condition: boolean,
  argument: string,
  given: unknown,
  allowed: string,
): asserts condition {
  if (!condition) {
    const name = short(argument); // of an option that a file names, it may be anything
    throw new TangentLabError("invalid-argument", `invalid ${name}`, { argument, given, allowed });
  }
}

/**
 * `value`, an object: whoever calls without it would else get a TypeError from inside, which names nothing that was asked for.
 * @throws TangentLabError `invalid-argument` naming `argument`.
 */
export function required<T>(argument: string, value: T, allowed = "an object of options"): T {
  check(typeof value === "object" && value !== null, argument, value, allowed);
  return value;
}

/** Checks that a value is an integer >= `least`. @throws TangentLabError `invalid-argument` naming `argument`. */
check.count = (argument: string, value: number, least = 1): void =>
  check(Number.isInteger(value) && value >= least, argument, value, `an integer >= ${least}`);

/** Checks that a value is a finite number > 0. @throws TangentLabError `invalid-argument` naming `argument`. */
check.positive = (argument: string, value: number): void =>
  check(value > 0 && Number.isFinite(value), argument, value, "a finite number > 0");

/** Checks that a value is a list of integers from 1, one or more. @throws TangentLabError `invalid-argument` naming `argument`. */
check.counts = (argument: string, list: readonly number[]): void =>
  check(
    Array.isArray(list) && list.length >= 1 && list.every((n) => Number.isInteger(n) && n >= 1),
    argument,
    list,
    "one or more integers >= 1",
  );

/** Checks that a value is a number for which `fits` holds: text would be compared like one. @throws TangentLabError `invalid-argument` naming `argument`. */
check.number = (argument: string, value: number, fits: (value: number) => boolean, allowed: string): void =>
  check(typeof value === "number" && fits(value), argument, value, allowed);

/** Checks that a value is a function. @throws TangentLabError `invalid-argument` naming `argument`. */
check.callable = (argument: string, value: unknown, allowed: string): void =>
  check(typeof value === "function", argument, value, allowed);

/** Checks that a value is a number from 0 to below 1. @throws TangentLabError `invalid-argument` naming `argument`. */
check.share = (argument: string, value: number): void =>
  check.number(argument, value, (n) => n >= 0 && n < 1, "a number in [0, 1)");

/** Checks that a value is true or false. @throws TangentLabError `invalid-argument` naming `argument`. */
check.flag = (argument: string, value: boolean): void =>
  check(typeof value === "boolean", argument, value, "true or false");

/** Checks that a value is one of these names, or a name of this table. @throws TangentLabError `invalid-argument` listing them. */
check.oneOf = (argument: string, value: string, known: readonly string[] | object): void => {
  const names = Array.isArray(known) ? (known as readonly string[]) : Object.keys(known);
  check(names.includes(value), argument, value, names.join(names.length === 2 ? " or " : ", "));
};

/**
 * Checks that an object has only these options: one that is misspelt, or meant for something else, would do nothing.
 * @throws TangentLabError `invalid-argument` naming the first other one.
 */
check.only = (of: string, options: object, known: readonly string[]): void => {
  required("options", options);
  for (const [name, value] of Object.entries(options))
    check(
      known.includes(name) || value === undefined,
      short(name),
      value,
      `of ${of} only ${known.join(", ")}`,
    );
};

/** The most of a value that an error shows, in characters. */
const shown = 120;

/** The most characters of a message; a longer one has some of a file's text in its middle. */
const longest = 800;

const short = (text: string): string => (text.length > shown ? `${text.slice(0, shown - 3)}...` : text);

/** A text with as much left out in its middle as is too long. */
const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most / 2 - 3)}...${text.slice(-most / 2)}` : text;

/** A value as readable text, cut if it is long. Never throws. */
function show(value: unknown): string {
  if (typeof value === "string") return short(JSON.stringify(value.slice(0, 2 * shown)));
  if (typeof value === "number" || typeof value === "boolean" || value == null) return String(value);
  if (ArrayBuffer.isView(value) && "length" in value && (value.length as number) > shown)
    return `${value.constructor.name} of ${value.length} numbers`;
  try {
    return short(JSON.stringify(value) ?? String(value));
  } catch {
    // A bigint in it, a circle, or nested too deep even for this.
    return typeof value === "bigint" ? String(value) : Object.prototype.toString.call(value);
  }
}

const said = new Set<string>();

/** Warns the user, once in a process, of something that the result does not show, such as ignored files. */
export function warnOnce(message: string): void {
  if (said.has(message)) return;
  said.add(message);
  console.warn(message);
}
