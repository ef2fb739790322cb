import { basename, join, resolve } from "node:path";
import { check, TangentLabError } from "../errors.js";
import { otherParts, type PartConfig, readPart, readScheduler, readWeights } from "../io/model-folder.js";
import { sizeOf } from "../io/safetensors.js";
import { ofFile } from "../nn/of-file.js";
import { importPublished } from "../nn/published.js";
import { sidesOf } from "../nn/unet2d/config.js";
import { type Unet2dConfig, unet2d } from "../nn/unet2d.js";
import type { Denoiser } from "./edm.js";
import type { ConsistencySchedule, DdpmSchedule } from "./schedule.js";
import { denoiserOf, pretrained, type TrainedDenoiser } from "./trained.js";

/** Classes of networks, and for those that something else reads, what does. */
const networks = {
  UNet2DModel: true,
  SD3Transformer2DModel: "UNet2DModel; softrepa.loadFlow(folder, text) reads this one",
  StableDiffusion3Pipeline: "UNet2DModel; softrepa.loadFlow(folder, text) reads this one",
} as const;

/**
 * A model in a folder as diffusers writes it: a pipeline with a UNet2DModel, without text and latents, and its scheduler, which says how the network becomes a
 * denoiser or consistency function.
 * @throws TangentLabError `file-system` for a folder without config.json or weights; `corrupt-file`; `invalid-argument` naming a setting that is not supported, its value and
 * what is allowed; `invalid-data` naming a tensor that does not fit.
 */
export async function readPipeline(folder: string): Promise<TrainedDenoiser> {
  const part = await readPart(folder, "unet", networks);
  const others = await otherParts(folder, ["unet", "scheduler", "feature_extractor", "safety_checker"]);
  check(
    others.length === 0,
    "model_index.json",
    others,
    "unet and scheduler: a model of images, without more",
  );
  const scheduler = await readScheduler(folder);
  if (!scheduler)
    throw new TangentLabError(
      "file-system",
      `${folder} has no scheduler, which says what the network predicts`,
      {
        argument: "path",
        given: folder,
        allowed:
          "the folder of the whole pipeline, with scheduler/scheduler_config.json; for the network alone nn.unet2d(config) and nn.importPublished",
      },
    );
  const noise = within("scheduler_config.json", () => readSchedule(scheduler));
  const tensors = await readWeights(part.folder);
  const config = part.config as object as Unet2dConfig; // which checks it
  const denoiser = within(join(part.folder, "config.json"), () => {
    const denoiser = ofFile(config, sizeOf(tensors), () => denoiserOf(unet2d(config), noise));
    const { in_channels: channels = 3, out_channels: out = 3 } = config;
    check(
      out === channels,
      "out_channels",
      out,
      `${channels}, as in_channels: a network that predicts no variances`,
    );
    return denoiser;
  });
  const { in_channels: channels = 3, num_class_embeds: classes } = config;
  const model = pretrained(denoiser, importPublished(denoiser, tensors), {
    shape: [...sidesOf(config), channels],
    name: basename(resolve(folder)),
    ...(classes != null && { classes }),
  });
  const kind = noise.preconditioning === "consistency" ? "consistency" : "denoiser";
  return { ...model, record: { ...model.record, kind } };
}

/** Schedulers that only differ in how they sample: the noise of the training is the same, and so are the defaults of its settings. */
const ddpmSchedulers = [
  ...["DDPMScheduler", "DDIMScheduler", "PNDMScheduler", "DPMSolverMultistepScheduler"],
  "EulerDiscreteScheduler",
];

type Noise = Pick<Denoiser, "preconditioning" | "sigmaData" | "schedule">;

/** What a scheduler's settings say of the network's preconditioning. */
function readSchedule(config: PartConfig): Noise {
  const number = (
    name: string,
    instead: number,
    allowed: string,
    fits: (value: number) => boolean = (value) => value > 0 && Number.isFinite(value),
  ): number => {
    const value = (config[name] ?? instead) as number;
    check.number(name, value, fits, allowed);
    return value;
  };
  const positive = "a finite number > 0";
  const steps = (instead: number): number =>
    number("num_train_timesteps", instead, "an integer from 2 to 10000", (n) => {
      return Number.isInteger(n) && n >= 2 && n <= 10_000;
    });
  const only = (name: string, ...values: readonly unknown[]): void => {
    const value = config[name] ?? values[0];
    check(values.includes(value), name, value, values.map((each) => JSON.stringify(each)).join(", "));
  };
  const kind = config._class_name;
  const known = ["CMStochasticIterativeScheduler", ...ddpmSchedulers];
  check.oneOf("_class_name", kind, known);
  if (kind === "CMStochasticIterativeScheduler") {
    only("s_noise", 1);
    only("clip_denoised", true, false);
    const max = number("sigma_max", 80, positive);
    const schedule: ConsistencySchedule = {
      steps: steps(40),
      min: number("sigma_min", 0.002, `a number > 0 and < ${max}, sigma_max`, (min) => min > 0 && min < max),
      max,
      rho: number("rho", 7, positive),
      clip: config.clip_denoised !== false,
    };
    return { preconditioning: "consistency", sigmaData: number("sigma_data", 0.5, positive), schedule };
  }
  only("trained_betas", null);
  only("rescale_betas_zero_snr", false);
  only("beta_schedule", "linear", "scaled_linear", "squaredcos_cap_v2");
  only("prediction_type", "epsilon", "v_prediction", "sample");
  const start = number("beta_start", 1e-4, "a number in (0, 1)", (beta) => beta > 0 && beta < 1);
  const schedule: DdpmSchedule = {
    steps: steps(1000),
    betas: (config.beta_schedule ?? "linear") as "linear",
    start,
    end: number("beta_end", 0.02, "a number from beta_start to below 1", (beta) => beta >= start && beta < 1),
    prediction: (config.prediction_type ?? "epsilon") as "epsilon",
  };
  return { preconditioning: "ddpm", sigmaData: 0.5, schedule };
}

/** What is wrong with a setting, said of its file. */
function within<T>(file: string, f: () => T): T {
  try {
    return f();
  } catch (cause) {
    if (!(cause instanceof TangentLabError && cause.code === "invalid-argument")) throw cause;
    const { argument, given, allowed } = cause;
    throw new TangentLabError("invalid-argument", `${file}: the setting ${argument} is not supported`, {
      ...(argument !== undefined && { argument }),
      ...{ given, cause },
      ...(allowed !== undefined && { allowed }),
    });
  }
}
