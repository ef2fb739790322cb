import { check, required } from "../errors.js";
import { type MlpConfig, mlp } from "./mlp.js";
import type { TimeNetwork } from "./network.js";
import { type SongUnetConfig, songUnet } from "./song-unet.js";
import { type UnetConfig, unet } from "./unet.js";
import { type Unet2dConfig, unet2d } from "./unet2d.js";

const makers: Record<string, (config: never) => TimeNetwork> = {
  mlp: (config: MlpConfig) => mlp(config),
  unet: (config: UnetConfig) => unet(config),
  songUnet: (config: SongUnetConfig) => songUnet(config),
  unet2d: (config: Unet2dConfig) => unet2d(config),
};

/**
 * A network from its `settings`, as `mlp`, `unet`, `songUnet` and `unet2d` leave them.
 * @throws TangentLabError `invalid-argument` for an unknown kind or an invalid configuration.
 */
export function networkFrom(settings: object): TimeNetwork {
  required("settings", settings, "a network's settings");
  const { kind = "none", ...config } = settings as { kind?: string };
  check.oneOf("kind", kind, makers);
  return makers[kind]!(config as never);
}
