declare module "jstat" {
  const jStat: {
    studentt: {
      /** The `p` quantile of Student's t distribution with `degrees` of freedom. */
      inv(p: number, degrees: number): number;
    };
  };
  export default jStat;
}
