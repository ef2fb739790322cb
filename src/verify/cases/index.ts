import type { CaseKind } from "../case.js";
import { continuousDistillation } from "./continuous.js";
import { contrastive } from "./contrastive.js";
import { ectSteps } from "./ect-steps.js";
import { edmUnet } from "./edm-unet.js";
import { featureNet } from "./feature-net.js";
import { flowEdit } from "./flow-edit.js";
import { jointTransformerCase } from "./joint-transformer.js";
import { losses } from "./losses.js";
import { optimizer } from "./optimizer.js";
import { sampling } from "./sampling.js";
import { schedules } from "./schedules.js";
import { transforms } from "./transforms.js";
import { unet2dCase } from "./unet2d.js";

/**
 * All kinds of reference cases. To add one: a file in this folder with a `CaseKind` (see ../case.ts; losses.ts is a short example), and a line
 * here. It reads everything that may differ, shapes, depths, settings, from the file.
 */
export const caseKinds: readonly CaseKind[] = [
  continuousDistillation,
  contrastive,
  ectSteps,
  edmUnet,
  featureNet,
  flowEdit,
  jointTransformerCase,
  losses,
  optimizer,
  sampling,
  schedules,
  transforms,
  unet2dCase,
];
