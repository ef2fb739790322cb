const said = new Set<string>();

/** Tells the user once in a process what the result does not show, such as files that were left out. */
export function warnOnce(message: string): void {
  if (said.has(message)) return;
  said.add(message);
  console.warn(message);
}
