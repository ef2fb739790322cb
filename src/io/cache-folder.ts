import envPaths from "env-paths";

/** Where what takes long to make is kept for other runs: $XDG_CACHE_HOME/tangent-lab, or where the system has caches. */
export const cacheFolder = (): string => envPaths("tangent-lab", { suffix: "" }).cache;
