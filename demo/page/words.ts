import { FEWEST, headline } from "../headline.js";
import { type ArmName, arms, type Recording, STRIDE, WINDOW } from "../messages.js";
import { levels } from "../settings.js";
import { element } from "./dom.js";

/** What there is to say something about. */
export interface Situation {
  latest: Recording | undefined;
  recordings: number;
  /** Index of the noise level looked at. */
  level: number;
  running: boolean;
  /** Why training stopped, if it did; else "". */
  problem: string;
}

/** Milliseconds for which a headline stays, so that it can be read. */
const STAY = 1500;
/** Milliseconds between two announcements to a screen reader, so that they can be listened to. */
const PAUSE = 10_000;

const names: Record<ArmName, string> = { pixel: "pixel loss", MFD: "manifold feature distance" };
const percent = (share: number): string => `${Math.round(100 * share)}\u00a0%`;

/** The page's words about what is seen. */
export class Words {
  private changed = Number.NEGATIVE_INFINITY;
  private announced = Number.NEGATIVE_INFINITY;

  show(situation: Situation): void {
    const { latest, recordings, level, running, problem } = situation;
    element("along-title").textContent = `Share of the push along the manifold, at t = ${levels[level]}`;
    const known = latest !== undefined && recordings >= FEWEST;
    for (const name of arms) this.showNumbers(name, latest, level, known);
    if (problem !== "") this.say(`Training stopped: ${problem}. Choose Reset.`, "", true);
    else if (!known) this.say(waiting(situation), "", true);
    else {
      const seen = { pixel: latest.pixel.pushes[level]!, MFD: latest.MFD.pushes[level]! };
      const quality = { pixel: latest.pixel.quality, MFD: latest.MFD.quality };
      const iterations = Math.min(recordings, WINDOW) * STRIDE;
      const { text, detail } = headline(seen, quality, levels[level]!, iterations);
      this.say(text, detail, !running);
      if (performance.now() - this.announced > PAUSE) this.announce();
    }
  }

  /** Tells a screen reader what the page says now. */
  announce(): void {
    this.announced = performance.now();
    element("announcer").textContent =
      `${element("headline").textContent} ${element("detail").textContent} ${element("status").textContent}`;
    for (const name of arms) {
      const numbers = element(`${name}-numbers`).textContent?.trim();
      element(name).setAttribute("aria-label", `Tangents with the ${names[name]}: ${numbers}`);
    }
  }

  /**
   * Numbers that call for another headline wait until it may change, so that the two never contradict each other.
   * @param now whether at once, or when the headline before has been there long enough to be read.
   */
  private say(text: string, detail: string, now: boolean): void {
    const heading = element("headline");
    const same = heading.textContent === text;
    if (!same && !now && performance.now() - this.changed < STAY) return;
    element("detail").textContent = detail;
    if (same) return;
    heading.textContent = text;
    this.changed = now ? Number.NEGATIVE_INFINITY : performance.now();
  }

  private showNumbers(name: ArmName, latest: Recording | undefined, level: number, known: boolean): void {
    const pushes = latest?.[name].pushes[level];
    const rows: [string, string][] = [
      ["along the manifold", known && pushes ? percent(pushes.along) : "–"],
      ["taken back", known && pushes ? percent(pushes.takenBack) : "–"],
      ["sample distance", latest ? latest[name].quality.toFixed(2) : "–"],
    ];
    element(`${name}-numbers`).replaceChildren(
      ...rows.map(([term, value]) => {
        const row = document.createElement("div");
        row.append(Object.assign(document.createElement("dt"), { textContent: term }), " ");
        row.append(Object.assign(document.createElement("dd"), { textContent: value }), " ");
        return row;
      }),
    );
  }
}

function waiting({ latest, running }: Situation): string {
  if (!latest) return "Getting ready …";
  return running ? "Measuring …" : "Ready. Choose Train.";
}
