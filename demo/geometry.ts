/** The picture shows [-VIEW, VIEW] in both coordinates; data have a standard deviation of 0.5. */
export const VIEW = 1.25;

/** Length of an arrow, in the data's units. */
export const ARROW = 0.22;
