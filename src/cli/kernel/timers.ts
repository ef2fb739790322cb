import type ts from "typescript";

type SetTimer = NonNullable<ts.System["setTimeout"]>;
type ClearTimer = NonNullable<ts.System["clearTimeout"]>;

/**
 * Lets a tslab compile cells after files around the notebook have changed, such as by `npm install`. TypeScript then asks for a timer of its own, beside that
 * of the next cell. tslab has room for one, and every cell from then on would fail ("Unexpected pending rebuildTimer").
 * @param system tslab's `ts.sys`. tslab makes objects that inherit from it, and sets their `setTimeout` and `clearTimeout`: what it sets is wrapped.
 */
export function shareTimers(system: ts.System): void {
  let shared: SharedTimer | undefined;
  const wrap = (name: "setTimeout" | "clearTimeout", wrapped: (given: SetTimer & ClearTimer) => unknown) => {
    const value = system[name];
    Object.defineProperty(system, name, {
      configurable: true,
      get: () => value,
      set(this: ts.System, given: SetTimer & ClearTimer) {
        Object.defineProperty(this, name, { value: wrapped(given), configurable: true, writable: true });
      },
    });
  };
  wrap("setTimeout", (given) => {
    shared = new SharedTimer(given);
    return shared.set;
  });
  wrap("clearTimeout", (given) => {
    const own = shared!;
    own.clearOne = given;
    return own.clear;
  });
}

/** Any number of timers in the place of one, which go off together, in order, with those that they ask for. */
class SharedTimer {
  readonly #waiting = new Set<{ callback(): void }>();
  #one: unknown;
  #goesOff = false;
  clearOne: ClearTimer = () => {};

  constructor(private readonly setOne: SetTimer) {}

  readonly set: SetTimer = (callback, ms) => {
    const timer = { callback: () => callback() };
    this.#waiting.add(timer);
    this.#one ??= this.setOne(this.#goOff, ms);
    return timer;
  };

  readonly clear: ClearTimer = (timer) => {
    this.#waiting.delete(timer);
    if (this.#waiting.size > 0 || this.#goesOff || this.#one === undefined) return;
    this.clearOne(this.#one);
    this.#one = undefined;
  };

  readonly #goOff = (): void => {
    this.#goesOff = true;
    try {
      // A set also gives what is added on the way.
      for (const timer of this.#waiting) {
        this.#waiting.delete(timer);
        timer.callback();
      }
    } finally {
      this.#goesOff = false;
      this.#one = undefined;
    }
  };
}
