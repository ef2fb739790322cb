declare module "jstat" {
  const jStat: {
    studentt: {
      /** The `p` quantile of Student's t distribution with `degrees` of freedom. */
      inv(p: number, degrees: number): number;
    };
    binomial: {
      /** The probability of `k` successes or fewer in `n` trials of probability `p`. */
      cdf(k: number, n: number, p: number): number;
    };
  };
  export default jStat;
}
