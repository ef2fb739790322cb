export * from "../metrics/index.js";
export { type ClassifierTraining, trainClassifier } from "../training/classifier.js";
