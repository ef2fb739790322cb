import {
  batchSizes,
  type Layer,
  layers,
  learningRates,
  levels,
  type Settings,
  type Shape,
  speeds,
} from "../settings.js";
import { element } from "./dom.js";

/** Sliders move over a list of values; what they say of each. */
const sliders = {
  t: { values: levels, text: (value: number) => String(value) },
  batchSize: { values: batchSizes, text: (value: number) => String(value) },
  learningRate: { values: learningRates, text: (value: number) => String(value) },
  speed: {
    values: speeds,
    text: (value: number) =>
      value === Number.POSITIVE_INFINITY ? "as fast as it goes" : `${value} iterations/s`,
  },
} as const;

type SliderName = keyof typeof sliders;

/** The form: shows settings, and calls back with what a visitor changes. */
export class Controls {
  private readonly form = element<HTMLFormElement>("settings");

  constructor(
    private settings: Settings,
    private readonly onChange: (settings: Settings) => void,
  ) {
    for (const name of Object.keys(sliders) as SliderName[]) {
      const input = element<HTMLInputElement>(name);
      input.min = "0";
      input.max = String(sliders[name].values.length - 1);
      input.step = "1";
      input.addEventListener("input", () =>
        this.change({ [name]: sliders[name].values[Number(input.value)]! }),
      );
    }
    const seed = element<HTMLInputElement>("seed");
    seed.addEventListener("change", () => {
      if (seed.checkValidity()) this.change({ seed: Number(seed.value) });
      else seed.reportValidity();
    });
    this.form.addEventListener("change", ({ target }) => {
      const input = target as HTMLInputElement;
      if (input.name === "shape") this.change({ shape: input.value as Shape });
      if (input.name === "show")
        this.change({ show: layers.filter((layer) => this.checkbox(layer).checked) });
    });
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.set(settings);
  }

  /** Shows other settings, without calling back. */
  set(settings: Settings): void {
    this.settings = settings;
    for (const name of Object.keys(sliders) as SliderName[]) {
      const { values, text } = sliders[name];
      const input = element<HTMLInputElement>(name);
      input.value = String((values as readonly number[]).indexOf(settings[name]));
      const words = text(settings[name]);
      input.setAttribute("aria-valuetext", words);
      element(`${name}-value`).textContent = words;
    }
    element<HTMLInputElement>("seed").value = String(settings.seed);
    for (const radio of this.form.querySelectorAll<HTMLInputElement>("input[name=shape]"))
      radio.checked = radio.value === settings.shape;
    element("drawn-choice").hidden = settings.strokes.length === 0;
    for (const layer of layers) this.checkbox(layer).checked = settings.show.includes(layer);
  }

  private change(part: Partial<Settings>): void {
    this.set({ ...this.settings, ...part });
    this.onChange(this.settings);
  }

  private checkbox(layer: Layer): HTMLInputElement {
    return this.form.querySelector<HTMLInputElement>(`input[name=show][value=${layer}]`)!;
  }
}
