import { type Moment, measured, moment, thinned } from "../history.js";
import { type ArmName, arms, type Recording, type Relief, type Report } from "../messages.js";
import { format, ITERATIONS, levels, parse, type Settings } from "../settings.js";
import { Chart, type Series } from "./chart.js";
import { onColorsChange } from "./colors.js";
import { Controls } from "./controls.js";
import { element } from "./dom.js";
import { Motion } from "./motion.js";
import { Pad } from "./pad.js";
import { Panel } from "./panel.js";
import { Trainer } from "./trainer.js";
import { Words } from "./words.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
/** Milliseconds between two sets of arrows: slow enough to follow. */
const BEAT = calm ? 1000 : 160;

let settings: Settings = parse(location.search);
/** Visitors who prefer reduced motion start training by hand. */
let running = !calm;
let data = new Float32Array(0);
let relief: Relief | undefined;
let latest: Recording | undefined;
let history: Moment[] = [];
let problem = "";
/** Whether recordings that arrive are still of what was before. */
let stale = true;

const motions: Record<ArmName, Motion> = {
  pixel: new Motion(calm ? 0 : BEAT),
  MFD: new Motion(calm ? 0 : BEAT),
};
let beat = 0;
let chartsDue = true;
let scheduled = false;

const panels = arms.map((arm) => [arm, new Panel(element<HTMLCanvasElement>(arm), arm, redraw)] as const);
const alongChart = new Chart(
  element<HTMLCanvasElement>("along"),
  {
    iterations: ITERATIONS,
    top: 1,
    format: (v) => `${Math.round(100 * v)} %`,
    reference: { value: 0.5, label: "chance" },
  },
  redrawAll,
);
const qualityChart = new Chart(
  element<HTMLCanvasElement>("quality"),
  { iterations: ITERATIONS, top: 0.5, format: (v) => v.toFixed(1) },
  redrawAll,
);

const words = new Words();
const trainer = new Trainer(settings.engine, hear);
const controls = new Controls(settings, change);
const pad = new Pad((strokes) => change({ ...settings, shape: "drawn", strokes }));

element("run").addEventListener("click", () => setRunning(!running));
element("step").addEventListener("click", () => {
  setRunning(false);
  trainer.step();
});
element("reset").addEventListener("click", reset);
element("draw").addEventListener("click", () => pad.show());
element("share").addEventListener("click", share);
addEventListener("popstate", () => change(parse(location.search)));
onColorsChange(redrawAll);

begin();

/** Starts over with another manifold or seed. */
function begin(): void {
  forget();
  relief = undefined;
  trainer.prepare(settings);
  setRunning(running);
  sayStatus("Getting ready …", 0);
}

/** Both models back to their start. */
function reset(): void {
  forget();
  trainer.reset();
  setRunning(false);
}

function forget(): void {
  stale = true;
  latest = undefined;
  history = [];
  problem = "";
  for (const name of arms) motions[name].clear();
  showWords();
  redrawAll();
}

function setRunning(value: boolean): void {
  running = value;
  element("run").textContent = running ? "Pause" : atEnd() ? "Train on" : "Train";
  trainer.run(running);
  showWords();
}

/** The schedule has ended; its last stage can continue. */
function atEnd(): boolean {
  return (latest?.iteration ?? 0) >= ITERATIONS;
}

function showWords(): void {
  words.show({ latest, recordings: history.length, level: level(), running, problem });
}

function change(next: Settings): void {
  const before = settings;
  settings = next;
  controls.set(settings);
  window.history.replaceState(null, "", format(settings) || location.pathname);
  if (next.shape !== before.shape || next.seed !== before.seed || next.strokes !== before.strokes) {
    running = !calm;
    begin();
    return;
  }
  trainer.adjust(settings);
  if (next.t !== before.t) for (const name of arms) motions[name].clear();
  showArrows(performance.now());
  showWords();
  redrawAll();
}

function hear(report: Report): void {
  switch (report.kind) {
    case "engine":
      element("engine").textContent = report.description;
      break;
    case "manifold":
      data = report.points as Float32Array<ArrayBuffer>;
      redrawAll();
      break;
    case "preparing": {
      const what =
        report.phase === "denoiser" ? "1 of 2: a denoiser to start from" : "2 of 2: the feature map of MFD";
      sayStatus(`Getting ready, ${what}`, report.done / report.total);
      break;
    }
    case "ready":
      relief = report.relief;
      redrawAll();
      break;
    case "recording":
      listen(report.recording);
      break;
    case "finished":
      setRunning(false);
      words.announce();
      break;
    case "failed":
      problem = report.message;
      setRunning(false);
      words.announce();
      break;
  }
}

function listen(recording: Recording): void {
  // A result that was under way when training started over is no longer of interest.
  if (stale && recording.iteration > 0) return;
  stale = false;
  latest = recording;
  history.push(moment(recording));
  const now = performance.now();
  if (now - beat >= BEAT || !running) showArrows(now);
  const { iteration } = recording;
  const most = ITERATIONS.toLocaleString("en");
  sayStatus(
    `Iteration ${iteration.toLocaleString("en")}${iteration > ITERATIONS ? ` (schedule: ${most})` : ` of ${most}`}`,
    Math.min(1, iteration / ITERATIONS),
  );
  chartsDue = true;
  redraw();
}

/** The newest arrows and words: not at each recording, which nobody could follow. */
function showArrows(now: number): void {
  if (!latest) return;
  beat = now;
  for (const name of arms) {
    const { outputs, tangents } = latest[name];
    motions[name].set(atLevel(outputs), atLevel(tangents), now);
  }
  showWords();
}

function level(): number {
  return (levels as readonly number[]).indexOf(settings.t);
}

function atLevel(rows: Float32Array): Float32Array {
  const size = rows.length / levels.length;
  return rows.slice(level() * size, (level() + 1) * size);
}

function sayStatus(text: string, share: number): void {
  element("status").textContent = text;
  element<HTMLProgressElement>("bar").value = share;
}

async function share(): Promise<void> {
  const link = new URL(format(settings) || location.pathname, location.href).href;
  const button = element("share");
  try {
    await navigator.clipboard.writeText(link);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The link is in the address bar";
  }
  element("announcer").textContent = button.textContent;
  setTimeout(() => {
    button.textContent = "Copy link to these settings";
  }, 2500);
}

function redrawAll(): void {
  chartsDue = true;
  redraw();
}

function redraw(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(paint);
}

function paint(now: number): void {
  scheduled = false;
  for (const [arm, panel] of panels)
    panel.draw({
      data,
      relief,
      samples: latest?.[arm].samples,
      arrows: motions[arm].at(now),
      show: settings.show,
    });
  if (chartsDue) {
    chartsDue = false;
    alongChart.draw(series(thinned(history), (each, name) => each.along[name][level()]!));
    qualityChart.draw(series(thinned(measured(history)), (each, name) => each.quality[name]));
  }
  if (arms.some((name) => motions[name].moving(now))) redraw();
}

function series(moments: readonly Moment[], of: (moment: Moment, name: ArmName) => number): Series {
  return {
    iterations: moments.map(({ iteration }) => iteration),
    values: { pixel: moments.map((each) => of(each, "pixel")), MFD: moments.map((each) => of(each, "MFD")) },
  };
}
