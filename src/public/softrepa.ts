export * from "../softrepa/index.js";
export { captionEncoder, type FlowTraining, type TrainedFlow, trainFlow } from "../training/flow.js";
export {
  type CaptionedData,
  type SoftTokenTraining,
  type TrainedTokens,
  trainSoftTokens,
} from "../training/soft-tokens.js";
