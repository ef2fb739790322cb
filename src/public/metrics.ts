export * from "../metrics/index.js";
export { type ClassifierTraining, trainClassifier } from "../training/classifier.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "../training/evaluate.js";
