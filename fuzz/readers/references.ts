import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { useDevice } from "../../src/engine/device.js";
import { TangentLabError } from "../../src/errors.js";
import { decodeSafetensors, encodeSafetensors } from "../../src/io/safetensors.js";
import { verifyFile } from "../../src/verify/verify.js";
import { json, type Reader } from "../reader.js";
import { damageModel } from "../safetensors.js";
import { scoped } from "../scoped.js";

const fixture = (name: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../../test/fixtures/${name}`, import.meta.url)));

/** Checks a file; what is wrong with it is told, and must be an error of ours, or of an op that gets shapes which do not fit each other. */
const check =
  (name: (bytes: Uint8Array) => string): Reader["read"] =>
  async (bytes, folder) => {
    await useDevice("cpu");
    const path = join(folder, name(bytes));
    writeFileSync(path, bytes);
    await scoped(async () => {
      const result = await verifyFile(path);
      if (result.status !== "error") return;
      const { cause } = result;
      if (!(cause instanceof TangentLabError) && (cause as Error).constructor !== Error) throw cause;
    });
  };

const kinds = {
  edm_unet: "networks/edm_unet_ncsnpp",
  feature_net: "networks/feature_net_vgg",
  joint_transformer: "reference/joint_transformer_wide",
  flow_edit: "reference/flow_edit",
  transforms: "reference/transforms",
  contrastive: "reference/contrastive_linear",
  optimizer: "reference/optimizer_adam",
  losses: "reference/losses",
};

/** Transformations that are quickly done. */
const few = /^(images|scale\..*|hue\..*)$/;

/** How much is computed for a file depends on its kind: the small ones by themselves, so that many are read. */
const reference = (name: string, chosen: readonly (keyof typeof kinds)[], share?: number): Reader => ({
  name,
  share,
  files: async () =>
    chosen.map((kind) => {
      const { tensors, metadata } = decodeSafetensors(fixture(`${kinds[kind]}.safetensors`));
      const kept = Object.entries(tensors).filter(([tensor]) => kind !== "transforms" || few.test(tensor));
      return encodeSafetensors(Object.fromEntries(kept), { ...metadata, kind });
    }),
  tokens: [...json, '"kind"', '"steps":9e9', '"M"', '"float16"'],
  damage: damageModel,
  read: check(() => "any.safetensors"),
});

export const references: Reader[] = [
  reference("verify", ["contrastive", "optimizer", "losses"], 6),
  reference(
    "verify-networks",
    ["edm_unet", "feature_net", "joint_transformer", "flow_edit", "transforms"],
    1,
  ),
  {
    name: "verify-schedules",
    files: async () => [
      Buffer.from(
        JSON.stringify({
          t: [0.1, 2, 80],
          t_to_r: { "q=2,k=8,b=1,stages=2,iterations=10,adjust=sigmoid": { 0: [0, 1, 40], 9: [0, 1, 40] } },
          karras: { "3,80": [0, 0.002, 2, 80], "1,2.5": [0.002, 2.5] },
          discretization_exponential: { 0: 10, 9: 20 },
          cosine_restarts: { "rate=0.1,period=4,floor=0": { 0: 0.1, 3: 0.01 } },
        }),
      ),
    ],
    tokens: [...json, '"1e9,80"', "iterations=0", "stages=1e9", '"t_to_r":{}', '"karras":[[]]'],
    read: check(() => "schedules.json"),
  },
];
